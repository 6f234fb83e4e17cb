#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Headers outside the linear part of a socket buffer are read, not missed. The client's requests are
# jumbo frames that reach the server with nothing but the Ethernet header in one piece; the ACKs of
# the server's responses ride on them, and make its samples.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

requests=200

# Without checksum offload and GSO the kernel has no reason to pull the headers back together.
prepare() {
  have ethtool || return 1
  metro_setup_pair nonlinear --delay 2 --no-offload --linear 14 --seed 1 || return
  local interface
  for interface in $(in_middle ip -br link | sed -n 's/@.*//p'); do
    in_middle ip link set "$interface" mtu 9000 || return
  done
  in_client ip link set "$METRO_CLIENT_IF" mtu 9000 && in_server ip link set "$METRO_SERVER_IF" mtu 9000 &&
    in_client ethtool -K "$METRO_CLIENT_IF" tx off >/dev/null &&
    in_server ethtool -K "$METRO_SERVER_IF" tx off >/dev/null
}

# measure HOOK ADDRESS PEER: leaves the samples of the server's responses in $samples.
measure() {
  start_background metro in_server "$METRO" -i "$METRO_SERVER_IF" --backend bpf --hook "$1" \
    --output json "$3" || return
  wait_for_line "$METRO_TMP/metro.err" 'measuring on' "$READY_SECONDS" || return
  in_client "$LOAD" client --connect "$2" --port $PORT --mode rr --request 8000 --rate 100 \
    --count $requests >/dev/null || return
  sleep 0.2
  stop_background metro INT || return
  samples=$(grep -c rtt_ns "$METRO_TMP/metro.out")
}

if ! prepare; then
  tap_skip "headers in fragments" "needs ethtool, jumbo frames and delay_link"
  tap_done
  exit
fi
start_background server in_server "$LOAD" server --port $PORT --seconds 60
wait_for_line "$METRO_TMP/server.err" '^serving' 5 || bail_out "a server"
for hook in tc clsact xdp; do
  samples=0
  tap_check "$hook, IPv4: measured" measure $hook "$METRO_SERVER_V4" "$METRO_CLIENT_V4"
  # The last response may be acknowledged alone, or with the end of the connection.
  tap_check "$hook, IPv4: $samples samples of $requests responses" [ "$samples" -ge $((requests - 1)) ]
  tap_check "$hook, IPv6: measured" measure $hook "$METRO_SERVER_V6" "$METRO_CLIENT_V6"
  tap_check "$hook, IPv6: $samples samples of $requests responses" [ "$samples" -ge $((requests - 1)) ]
done
tap_done
