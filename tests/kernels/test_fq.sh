#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# An upload that fq paces to some KB/s (SO_MAX_PACING_RATE): a segment passes the BPF hook up to a second
# before fq lets it go. Its round trip begins when it leaves, which is when libpcap sees it.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/../e2e/common.sh"

DELAY=20000 # us
AMISS=5000  # us that an emulated processor needs in between, or stalls now and then
SECONDS_OF_TRAFFIC=6

HOOKS=clsact
! has_tcx || HOOKS="clsact tc"

# paced RATE: bytes a second. TCP puts at least two segments into a packet otherwise, which libpcap sees cut.
paced() {
  local hook status
  metro_setup_pair fq --no-offload --delay $((DELAY / 1000)) && start_server || return
  in_client sysctl -qw net.ipv4.tcp_min_tso_segs=1 || return
  in_client tc qdisc replace dev "$METRO_CLIENT_IF" root fq || return
  for hook in $HOOKS; do
    start_metro "$hook" in_client --backend bpf --hook "$hook" --output json -i "$METRO_CLIENT_IF" \
      "$METRO_SERVER_V4" || return
  done
  start_metro pcap in_client --backend pcap --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" ||
    return
  load paced "$METRO_SERVER_V4" --mode upload --request 1448 --pacing "$1" --seconds $SECONDS_OF_TRAFFIC
  status=$?
  ip -n "$METRO_SERVER_NS" link set "$METRO_SERVER_IF" down # so that all end with the same ACK
  sleep 0.5
  for hook in pcap $HOOKS; do
    stop_background "$hook"
  done
  in_client tc -s qdisc show dev "$METRO_CLIENT_IF" root >"$METRO_TMP/qdisc"
  return $status
}

# spread NAME: the least, the median and the largest round trip in us
spread() {
  sed 's/.*"rtt_ns":\([0-9]*\).*/\1/' "$METRO_TMP/$1.out" | sort -n |
    awk '{ us[NR] = $1 / 1000 } END { if (NR) print us[1], us[int((NR + 1) / 2)], us[NR] }'
}

# The receiver may wait with an ACK for longer than the link takes.
right() { # NAME
  local least
  read -r least _ <<<"$(spread "$1")"
  holds 'least > delay - 100 && least < delay + amiss' "least=$least" "delay=$DELAY" "amiss=$AMISS"
}

# Sample by sample, for the same ACKs. Counted from another segment's departure, or from when it passed
# the hook, each would be off by what a segment takes at this rate, which is 24 ms or more.
as_libpcap() { # NAME
  paste -d ' ' <(sed 's/.*"rtt_ns"://' "$METRO_TMP/$1.out") <(sed 's/.*"rtt_ns"://' "$METRO_TMP/pcap.out") |
    awk 'NF == 2 { apart = ($1 - $2) / 1000; print apart < 0 ? -apart : apart }' | sort -n >"$METRO_TMP/apart"
  holds 'apart < amiss && n >= 8 && n <= its + 1 && its <= n + 1' \
    "apart=$(sed -n "$((($(wc -l <"$METRO_TMP/apart") + 1) / 2))p" "$METRO_TMP/apart")" "amiss=$AMISS" \
    "n=$(samples "$1")" "its=$(samples pcap)"
}

for rate in 4000 16000 60000; do
  what="fq, $rate bytes/s"
  tap_check "$what: traffic" paced $rate
  tap_check "$what: fq held packets back" grep -qE 'throttled [1-9]' "$METRO_TMP/qdisc"
  for way in pcap $HOOKS; do
    echo "# $what, $way: $(samples "$way") samples; least, median, most: $(spread "$way") us"
    tap_check "$what, $way: from when a segment leaves" right "$way"
  done
  for way in $HOOKS; do
    tap_check "$what, $way: the same as libpcap" as_libpcap "$way"
  done
done
tap_done
