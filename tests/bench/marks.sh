#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The price of fixed memory: bulk transfers of several bandwidth-delay products are captured, with
# offloads on and off, and read with rings of several sizes. Prints a Markdown table. More captures
# can be named as arguments. Needs root, tcpdump and python3; takes about two minutes.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib.sh

round_trip_ms=200
seconds=6

echo "| traffic | samples | marks | bytes a flow | found | wrong | mean error of a flow's mean | its 95th percentile |"
echo "|---|---:|---:|---:|---:|---:|---:|---:|"
[ $# = 0 ] || python3 tests/bench/marks.py "captures" "$@"

# bulk BYTES [--no-offload]: captures one upload with so much in flight at the client.
bulk() {
  metro_setup_pair bulk --delay $round_trip_ms "${@:2}" || return
  in_server sysctl -qw net.ipv4.tcp_rmem="4096 $((2 * $1)) $((2 * $1))"
  in_client sysctl -qw net.ipv4.tcp_wmem="4096 $((4 * $1)) $((4 * $1))"
  start_background server in_server build/tcp_load server --port 5000 --seconds 30
  wait_for_line "$METRO_TMP/server.err" '^serving' 5 || return
  start_background dump in_client tcpdump -i "$METRO_CLIENT_IF" -s 96 -B 32768 \
    --time-stamp-precision=nano -w "$METRO_TMP/bulk.pcap" tcp
  wait_for_line "$METRO_TMP/dump.err" 'listening' 5 || return
  in_client build/tcp_load client --connect "$METRO_SERVER_V4" --port 5000 --mode upload \
    --congestion cubic --seconds $seconds >"$METRO_TMP/load"
  stop_background dump INT
}

for kilobytes in 64 256 1024 4096 16384; do
  for offload in on off; do
    [ $offload = on ] && switch=() || switch=(--no-offload)
    bulk $((kilobytes * 1024)) "${switch[@]}" || exit 1
    grep -q '^0 packets dropped by kernel' "$METRO_TMP/dump.err" ||
      grep dropped "$METRO_TMP/dump.err" >&2
    python3 tests/bench/marks.py "bulk, $kilobytes KB in flight, offloads $offload" \
      "$METRO_TMP/bulk.pcap"
  done
done
