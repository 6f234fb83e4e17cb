#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# How long handshakes take, seen from the client and from the server, and how often something was
# sent again, with BPF and with libpcap at the same time: beside the delay of the link and what the
# kernel counted itself. A flood of SYNs and a port scan make no flows.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

DELAY_MS=20
CONNECTIONS=40
HANDSHAKE=system.net.tcp.handshake
AGAIN=system.net.tcp.retransmissions
WAYS="bpf pcap"

config() { # FILE INTERFACE PEER... PORT
  cat >"$1" <<END
init_config:
  log_to_file: false
  report_interval: 3600
  statsd_port: $2
  metrics: [samples, handshake, retransmissions]
instances:
  - interface: $3
    ips: [$4, "$5"]
END
}

# A listener and a bpf-metro for each way and side, client and server.
start_both() {
  local way port=8200
  for way in $WAYS; do
    config "$METRO_TMP/client-$way.yaml" $((port += 1)) "$METRO_CLIENT_IF" "$METRO_SERVER_V4" \
      "$METRO_SERVER_V6"
    start_statsd "heard-client-$way" in_client --port $port &&
      start_metro "client-$way" in_client --backend "$way" -c "$METRO_TMP/client-$way.yaml" || return
    config "$METRO_TMP/server-$way.yaml" $((port += 1)) "$METRO_SERVER_IF" "$METRO_CLIENT_V4" \
      "$METRO_CLIENT_V6"
    start_statsd "heard-server-$way" in_server --port $port &&
      start_metro "server-$way" in_server --backend "$way" -c "$METRO_TMP/server-$way.yaml" || return
  done
}

stop_both() {
  local way side
  sleep 0.3 # what is still on the way
  for way in $WAYS; do
    for side in client server; do
      stop_background "$side-$way" || return
      stop_background "heard-$side-$way" || return
    done
  done
}

# value NAME METRIC PATTERN: the only one there is, or 0.
value() {
  gauges "heard-$1" "$2" "$3" | awk '{ sum += $1; n++ } END { print (n > 1 ? "many" : sum + 0) }'
}

# ---- the time ------------------------------------------------------------------------------------

# The link takes a little more than its delay, and this machine its time now and then.
takes_the_delay() { # NAME PATTERN
  local ms
  ms=$(value "$1" $HANDSHAKE "$2")
  echo "$1, $2: $ms ms"
  holds 'ms >= delay && ms <= 1.2 * delay + 5' "ms=$ms" "delay=$DELAY_MS"
}

metro_setup_pair handshakes --delay $DELAY_MS && start_server && start_both ||
  bail_out "two hosts, and bpf-metro on both"
load connect4 "$METRO_SERVER_V4" --mode connect --count $CONNECTIONS &&
  load connect6 "$METRO_SERVER_V6" --mode connect --count $CONNECTIONS ||
  bail_out "traffic"
tap_check "delay: all end well" stop_both
for way in $WAYS; do
  for net in 10.77 fd77; do
    tap_check "$way, $net: SYN to SYN-ACK" takes_the_delay "client-$way" "dst:$net"
    if [ "$way$METRO_DELAY_BY" = pcapnetem ]; then
      tap_skip "$way, $net: SYN-ACK to ACK" "libpcap taps behind the queue that delays here"
    else
      tap_check "$way, $net: SYN-ACK to ACK" takes_the_delay "server-$way" "dst:$net"
    fi
  done
  tap_check "$way: handshakes are no samples" \
    equal samples $CONNECTIONS "$(value "client-$way" system.net.tcp.rtt.samples "dst:10.77")"
  tap_check "$way: nothing was sent again" \
    equal retransmissions "" "$(gauges "heard-client-$way" $AGAIN | grep -v '^0$')"
done

# ---- sent again ----------------------------------------------------------------------------------

# The kernel also counts segments that it sent again and that a queue of its own dropped.
as_often_as_the_kernel() { # NAME
  local ours kernels
  ours=$(value "$1" $AGAIN "dst:10.77")
  kernels=$(load_field upload retrans sum)
  echo "$1: $ours, the kernel: $kernels"
  holds 'kernels >= 10 && ours >= 0.9 * kernels - 2 && ours <= 1.1 * kernels + 2' \
    "ours=$ours" "kernels=$kernels"
}

metro_setup_pair again --no-offload --delay $DELAY_MS --loss 3 --seed 5 && start_server server &&
  start_both || bail_out "two hosts with a bad link"
load upload "$METRO_SERVER_V4" --mode upload --rate 100 --request 2800 --connections 3 --seconds 3 ||
  bail_out "traffic over the bad link"
tap_check "loss: all end well" stop_both
for way in $WAYS; do
  tap_check "$way: as many sent again as the kernel says" as_often_as_the_kernel "client-$way"
done

# ---- no state for strangers to the port ----------------------------------------------------------

# 2000 SYNs to a port that listens and 2000 ports that do not, from sockets nobody has.
flood() {
  in_client timeout 30 python3 - "$METRO_CLIENT_V4" "$METRO_SERVER_V4" $PORT <<'END'
import socket, struct, sys

def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff

def syn(source, destination, sport, dport):
    tcp = struct.pack(">HHIIBBHHH", sport, dport, sport * 7919, 0, 5 << 4, 2, 1024, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack(">HH", 6, 20)
    return tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]

source, destination, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
    raw.bind((source, 0))
    for i in range(2000):
        raw.sendto(syn(source, destination, 20000 + i, port), (destination, 0))
        raw.sendto(syn(source, destination, 30000 + i, 6000 + i), (destination, 0))
END
}

metro_setup_pair flood && start_server && start_both || bail_out "two hosts for a flood"
tap_check "a flood of SYNs, and a scan of ports" flood
answered() { in_server nstat -az TcpOutRsts TcpExtListenDrops TcpPassiveOpens 2>/dev/null | tail -n +2; }
answered | sed 's/^/# /'
tap_check "flood: all end well" stop_both
for way in $WAYS; do
  tap_check "$way: the server has no flow for any of it" equal flows 0 "$(counter "server-$way" flows)"
done
tap_done
