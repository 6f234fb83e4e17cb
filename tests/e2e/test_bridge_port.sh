#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A bridge and its port, both measured: both see the same packets, and each has its own samples.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

LEG=$METRO_CLIENT_IF
BRIDGE=br9
COUNT=100

metro_setup_pair bridge --delay 5 || bail_out "two hosts"
if ! ip -n "$METRO_CLIENT_NS" link add $BRIDGE type bridge 2>"$METRO_TMP/bridge.err"; then
  tap_skip "a bridge and its port" "no bridges here: $(cat "$METRO_TMP/bridge.err")"
  tap_done
  exit
fi
ip -n "$METRO_CLIENT_NS" addr flush dev "$LEG"
ip -n "$METRO_CLIENT_NS" link set "$LEG" master $BRIDGE
ip -n "$METRO_CLIENT_NS" link set $BRIDGE up
ip -n "$METRO_CLIENT_NS" addr add "$METRO_CLIENT_V4/24" dev $BRIDGE
start_server || bail_out "a server"

cat >"$METRO_TMP/both.yaml" <<END
init_config: {log_to_file: false}
instances:
  - {interface: $LEG, ips: [$METRO_SERVER_V4]}
  - {interface: $BRIDGE, ips: [$METRO_SERVER_V4]}
END

for backend in bpf pcap; do
  start_metro $backend in_client --backend $backend --output json -c "$METRO_TMP/both.yaml" ||
    bail_out "$backend"
done
load both "$METRO_SERVER_V4" --rate 50 --count $COUNT
for backend in bpf pcap; do
  for interface in $LEG $BRIDGE; do
    wait_until 2 samples_reach $backend $COUNT "\"iface\":\"$interface\""
    tap_check "$backend: each of $COUNT requests has a sample on $interface" \
      same_count "$(samples $backend "\"iface\":\"$interface\"")" $COUNT
  done
  stop_background $backend
done

tap_done
