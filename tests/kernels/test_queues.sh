#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Queues of this host in front of the wire. One that fills (tbf): BPF's figures have the time in it, as
# the kernel's own have, and libpcap's have not. One for real time (etf) beside it, which sends others'
# packets at the times that stand in them: TCP's round trips are as without.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/../e2e/common.sh"

DELAY=20   # ms
AMISS=5000 # us that an emulated processor needs in between, or stalls now and then

hosts() {
  metro_setup_pair queues --no-offload --delay $DELAY && start_server || bail_out "two hosts"
}

in_client_tc() {
  in_client tc "$1" "$2" dev "$METRO_CLIENT_IF" "${@:3}"
}

start_both() {
  local way
  for way in bpf pcap; do
    start_metro $way in_client --backend $way --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" ||
      bail_out "$way starts"
  done
}

stop_both() {
  sleep 0.5
  stop_background bpf && stop_background pcap
}

# ---- a queue that fills ------------------------------------------------------------------------------

# The kernel says what it has at the end: the mean of our last samples.
last_mean_us() { # NAME
  tail -n 20 "$METRO_TMP/$1.out" | awk -F '"rtt_ns":' '{ sum += $2 } END { if (NR) print sum / NR / 1000 }'
}

hosts
tap_check "tbf: 1 Mbit/s" in_client_tc qdisc add root tbf rate 1mbit burst 5kb latency 400ms
start_both
tap_check "tbf: traffic" load upload "$METRO_SERVER_V4" --mode upload --request 14480 --connections 1 --seconds 5
srtt=$(load_field upload srtt_us max)
stop_both
bpf=$(last_mean_us bpf) pcap=$(last_mean_us pcap)
tap_check "tbf: BPF's figures are the kernel's" holds 'bpf > 0.75 * srtt && bpf < 1.25 * srtt' \
  "bpf=$bpf" "srtt=$srtt"
tap_check "tbf: BPF's have the queue" holds 'bpf > 1000 * delay + 30000' "bpf=$bpf" "delay=$DELAY"
tap_check "tbf: libpcap's have not" holds 'pcap > 990 * delay && pcap < 1000 * delay + 40000 + amiss && pcap < bpf' \
  "pcap=$pcap" "bpf=$bpf" "delay=$DELAY" "amiss=$AMISS"

# ---- packets with a time to leave ---------------------------------------------------------------------

# Sends one UDP packet every 20 ms, each 30 ms ahead of its time, with the priority that goes to etf, which
# drops what comes too late: on a busy machine, some.
cat >"$METRO_TMP/timed.py" <<'END'
import socket, struct, sys, time
SO_TXTIME, CLOCK_TAI = 61, 11
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 6)
s.setsockopt(socket.SOL_SOCKET, SO_TXTIME, struct.pack("iI", CLOCK_TAI, 0))
for i in range(200):
    at = time.clock_gettime_ns(CLOCK_TAI) + 30_000_000
    s.sendmsg([b"x"], [(socket.SOL_SOCKET, SO_TXTIME, struct.pack("Q", at))], 0, (sys.argv[1], 9))
    time.sleep(0.02)
END

etf() {
  in_client_tc qdisc add root handle 1: prio bands 3 priomap 1 1 1 1 1 1 0 1 1 1 1 1 1 1 1 1 &&
    in_client_tc qdisc add parent 1:1 handle 10: etf clockid CLOCK_TAI delta 1000000 &&
    in_client_tc qdisc add parent 1:2 handle 20: fq
}

etf_sent() {
  in_client tc -s qdisc show dev "$METRO_CLIENT_IF" | awk '/qdisc etf/ { here = 1 } here && /Sent/ { print $4; exit }'
}

hosts
tap_check "etf: a queue for real time beside fq" etf
start_both
start_background timed in_client python3 "$METRO_TMP/timed.py" "$METRO_SERVER_V4"
tap_check "etf: traffic" load rr "$METRO_SERVER_V4" --count 100 --rate 40
tap_check "etf: packets with a time are sent" wait_background timed 20
tap_check "etf: it sent them" holds 'sent > 20' "sent=$(etf_sent)"
stop_both
least_us() { # NAME
  sed 's/.*"rtt_ns":\([0-9]*\).*/\1/' "$METRO_TMP/$1.out" | sort -n | awk '{ print $1 / 1000; exit }'
}

for way in bpf pcap; do
  tap_check "etf, $way: each request has its sample" equal samples 100 "$(samples $way)"
  tap_check "etf, $way: the least is the link's" holds 'least > 990 * delay && least < 1000 * delay + amiss' \
    "least=$(least_us $way)" "delay=$DELAY" "amiss=$AMISS"
done
tap_check "etf: both say the same" holds 'a - b < amiss && b - a < amiss' \
  "a=$(mean_us bpf)" "b=$(mean_us pcap)" "amiss=$AMISS"
tap_done
