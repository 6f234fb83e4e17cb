#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Only connections on an instance's ports: two instances with the same peers and other ports, each
# credited with its own, on both backends; a reload to other ports; and --port.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

SAMPLES=system.net.tcp.rtt.samples
PORTS="5000 5001 5002 5003"

metro_setup_pair ports || bail_out "two hosts"
for PORT in $PORTS; do
  start_server "server$PORT" || bail_out "a server at port $PORT"
done

# requests COUNT FAMILY: so many to each port, on a connection of its own
requests() {
  local address=$METRO_SERVER_V4
  [ "$2" = 4 ] || address=$METRO_SERVER_V6
  for PORT in $PORTS; do
    load "rr$PORT" "$address" --count "$1" || return
  done
}

# sum_of PATTERN: of what statsd counted in lines that match
sum_of() {
  gauges statsd $SAMPLES "$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

reported() { # PATTERN LEAST
  [ "$(sum_of "$1")" -ge "$2" ]
}

# config WEB-PORTS DB-PORTS: the database's peers are among the web's.
config() {
  cat <<END
init_config: {statsd_ip: 127.0.0.1, log_to_file: false, report_interval: 0.5, metrics: [samples]}
instances:
- {interface: $METRO_CLIENT_IF, ips: [10.77.0.0/16, "fd77::/16"], ports: $1, tags: [team:web], tag_port: true}
- {interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4, "$METRO_SERVER_V6"], ports: $2, tags: [team:db]}
END
}

counts() { # BACKEND WHAT PATTERN EXPECTED
  local found
  found=$(sum_of "$3")
  # A handshake's ACK may carry the last sample of a connection, or not: one either way.
  tap_check "$1: $2" holds 'n >= e - 1 && n <= e + 1' "n=$found" "e=$4"
}

test_instances() { # BACKEND
  local backend=$1 family dst
  config '[5000, "5001-5001"]' '["5001-5002"]' >"$METRO_TMP/ports.yaml"
  start_statsd statsd && start_metro metro in_client -c "$METRO_TMP/ports.yaml" --backend "$backend" ||
    { tap_fail "$backend: it starts" "$(cat "$METRO_TMP/metro.err")" && return; }
  for family in 4 6; do
    dst=$METRO_SERVER_V4
    [ $family = 4 ] || dst=$METRO_SERVER_V6
    requests 40 $family
    wait_until 3 reported "dst:$dst,team:db" 80
    sleep 0.7
    counts "$backend" "IPv$family: the first's one port" "dst:$dst,port:5000,team:web" 40
    counts "$backend" "IPv$family: .. and the other" "dst:$dst,port:5001,team:web" 40
    counts "$backend" "IPv$family: nothing else is the first's" "dst:$dst.*team:web" 80
    counts "$backend" "IPv$family: the second's two, without the tag" "dst:$dst,team:db" 80
    counts "$backend" "IPv$family: and nothing is nobody's" "dst:$dst" 160
  done

  # Other ports, while a connection on one of those before goes on.
  PORT=5003
  start_background going in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port 5003 \
    --rate 100 --seconds 20
  start_background former in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port 5000 \
    --rate 100 --seconds 20
  wait_until 3 reported "port:5000,team:web" 120
  tap_check "$backend: before a reload, a connection on another port counts for nobody" \
    equal count 0 "$(gauges statsd $SAMPLES "port:5003|dst:$METRO_SERVER_V4,iface" | wc -l)"
  config '["5003-5003"]' '[5002]' >"$METRO_TMP/ports.yaml"
  kill -HUP "$(background_pid metro)"
  tap_check "$backend: after a reload, the other port's connection counts" \
    wait_until 5 reported 'port:5003,team:web' 50
  sleep 1.2
  : >"$METRO_TMP/statsd.out"
  sleep 1.2
  tap_check "$backend: .. and that on a former port no longer" \
    equal count 0 "$(sum_of 'port:5000|iface.*team:db')"
  tap_check "$backend: .. nor with nobody's tags" \
    equal count 0 "$(gauges statsd $SAMPLES "dst:$METRO_SERVER_V4,iface" | wc -l)"
  stop_background going
  stop_background former
  tap_check "$backend: it ends well" stop_background metro
  stop_background statsd
}

test_option() { # BACKEND
  local backend=$1
  # shellcheck disable=SC2086
  start_metro metro in_client -i "$METRO_CLIENT_IF" $PEERS --port 5001,5003-5100 --output json \
    --backend "$backend" || { tap_fail "$backend, --port: it starts" "$(cat "$METRO_TMP/metro.err")" && return; }
  requests 40 4
  requests 40 6
  wait_until 3 samples_reach metro 160
  sleep 0.3
  tap_check "$backend, --port: both ports' samples" \
    holds 'n >= 156 && n <= 164' "n=$(samples metro '"dport":(5001|5003)')"
  tap_check "$backend, --port: and no others" \
    equal count "$(samples metro '"dport":(5001|5003)')" "$(samples metro)"
  tap_check "$backend, --port: it ends well" stop_background metro
}

# Nobody's ports: it says what to look at.
asks_for_ports() { # BACKEND
  start_metro metro in_client -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" --port 1-9 --interval 1 \
    --output json --backend "$1" || return
  requests 40 4
  log_has metro 'INFO .*: no packet from or to a peer .*: are the addresses, the ports and the interface right' 8
  local status=$?
  [ $status = 0 ] || cat "$METRO_TMP/metro.err"
  stop_background metro
  return $status
}

for backend in bpf pcap; do
  test_instances $backend
  test_option $backend
  tap_check "$backend: where no connection has the ports, it asks for them" asks_for_ports $backend
done

# libpcap's filter leaves the other ports' packets in the kernel.
narrows() {
  start_metro metro in_client -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" --port 5001 --backend pcap -v \
    --output json || return
  stop_background metro
  grep 'filter: ' "$METRO_TMP/metro.err"
  grep -q 'filter: .*tcp port 5001' "$METRO_TMP/metro.err"
}
tap_check "libpcap's filter has the port" narrows

# ---- capture files -------------------------------------------------------------------------------

capture=$(dirname "$0")/../data/captures/short-connections.pcap

of_file() { # OPTION...: samples
  "$METRO" -r "$capture" --output json "$@" 2>"$METRO_TMP/file.err" >"$METRO_TMP/file.out"
}

with_local() {
  local all local
  of_file && all=$(sed -n 's/.*"src":"\([^"]*\)".*"dport":5000,.*/\1/p' "$METRO_TMP/file.out" | head -n 1)
  of_file --local "$all" && local=$(grep -c . "$METRO_TMP/file.out")
  of_file --local "$all" --port 5000 || return
  equal "samples by port 5000 of those that $all sends" "$local" "$(grep -c . "$METRO_TMP/file.out")" &&
    [ "$local" -gt 20 ]
}
tap_check "-r with --local and --port: both must hold" with_local

says_why() {
  of_file --port 1-9
  [ ! -s "$METRO_TMP/file.out" ] && cat "$METRO_TMP/file.err" &&
    grep -q 'left out by --port; are the ports right?$' "$METRO_TMP/file.err"
}
tap_check "-r with ports of nobody: it says why there are no samples" says_why

tap_done
