#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `sudo make demo`: two hosts made of network namespaces, TCP traffic between them with a visible
# delay, bpf-metro measuring it, and the kernel's own measurement beside. About 20 seconds.
#
# Ends with status 0 if bpf-metro reported both addresses and agreed with the kernel. METRO=PATH
# runs it with another bpf-metro than the one in build/.
set -u

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

METRO=${METRO:-$METRO_BUILD/bpf-metro}
ROUND_TRIP_MS=20
TRAFFIC_PORT=5000
INTERVAL=2   # seconds from one report to the next
REQUESTS_S=6 # duration of the requests
UPLOAD_S=4   # and of the upload

METRICS=$METRO_TMP/statsd.out # as they arrived
CONFIG=$METRO_TMP/bpf-metro.yaml
TABLE=$METRO_TMP/table
shown=0 # lines of METRICS that were shown

step() {
  printf '\n== %s\n\n' "$*"
}

indent() {
  sed 's/^./    &/'
}

# Something of ours went wrong; bpf-metro's own messages may explain it.
give_up() {
  metro_say "$*"
  if [ -s "$METRO_TMP/bpf-metro.err" ]; then
    echo "bpf-metro said:"
    tail -n 20 "$METRO_TMP/bpf-metro.err" | indent
  fi >&2
  exit 1
}

check_requirements() {
  local tool
  [ "$(id -u)" -eq 0 ] || give_up "network namespaces need root: sudo make demo"
  for tool in ip ss awk; do
    command -v $tool >/dev/null || give_up "'$tool' is missing; 'make deps' installs it"
  done
  for tool in "$METRO" "$METRO_BUILD"/{statsd_listen,tcp_load,delay_link}; do
    [ -x "$tool" ] || give_up "$tool is missing; 'make' builds it"
  done
}

# ---- the players ---------------------------------------------------------------------------------

set_up_hosts() {
  step "Two hosts, client and server, $ROUND_TRIP_MS ms of round trip apart"
  metro_setup_pair demo --delay $ROUND_TRIP_MS || exit 1
  printf '    %-14s%-18s%s\n' client "" server "$METRO_CLIENT_IF" "" "$METRO_SERVER_IF" \
    "$METRO_CLIENT_V4" "<------------->" "$METRO_SERVER_V4" \
    "$METRO_CLIENT_V6" "  $METRO_DELAY_BY" "$METRO_SERVER_V6"
}

start_traffic_server() {
  start_background server in_server "$METRO_BUILD/tcp_load" server --port $TRAFFIC_PORT &&
    wait_for_line "$METRO_TMP/server.err" '^serving on' 5
}

start_statsd() {
  start_background statsd in_client "$METRO_BUILD/statsd_listen" &&
    wait_for_line "$METRO_TMP/statsd.err" '^listening on' 5
}

write_config() {
  cat >"$CONFIG" <<END
init_config:
  statsd_ip: 127.0.0.1
  statsd_port: 8125
  log_to_file: false
  report_interval: $INTERVAL

instances:
  - interface: $METRO_CLIENT_IF
    ips:
      - $METRO_SERVER_V4
      - $METRO_SERVER_V6
    tags:
      - demo:bpf-metro
END
}

start_bpf_metro() {
  step "bpf-metro on the client, configured to measure the server's two addresses"
  write_config
  indent <"$CONFIG"
  start_background bpf-metro in_client "$METRO" -c "$CONFIG" || exit 1
  sleep 1
  background_alive bpf-metro || give_up "bpf-metro ended at once"
  echo
  tail -n 10 "$METRO_TMP/bpf-metro.err" | indent
}

# start_client FAMILY SECONDS OPTION...: traffic to the server's address of that family. The
# connections stay open until the report about them has come and the kernel has been asked.
start_client() {
  local family=$1 seconds=$2
  start_background "client-$family" in_client "$METRO_BUILD/tcp_load" client \
    --connect "$(address_of "$family")" --port $TRAFFIC_PORT --seconds "$seconds" \
    --hold $((INTERVAL + 15)) "${@:3}"
}

address_of() {
  case $1 in
    IPv4) echo "$METRO_SERVER_V4" ;;
    IPv6) echo "$METRO_SERVER_V6" ;;
  esac
}

# ---- what they say -------------------------------------------------------------------------------

show_new_metrics() {
  local total
  total=$(wc -l <"$METRICS")
  [ "$total" -gt "$shown" ] && sed -n "$((shown + 1)),${total}p" "$METRICS" | indent
  shown=$total
}

show_metrics_for() { # SECONDS
  local end=$((SECONDS + $1 + 1)) # SECONDS is cut to whole ones
  while ((SECONDS < end)); do
    show_new_metrics
    sleep 0.2
  done
  show_new_metrics
}

# reported_avg DESTINATION LINE: what was reported last, and after that line of METRICS; or nothing.
reported_avg() {
  awk -v tag="dst:$1" -v after="$2" 'NR > after && $2 == "system.net.tcp.rtt.avg" {
    for (i = 5; i <= NF; i++) if ($i == tag) avg = $3
  } END { print avg }' "$METRICS"
}

# What the kernel says about the open connections to a destination: the mean of their estimates and
# the least time any of them has seen.
kernel_rtt() {
  local address=$1
  case $address in *:*) address="[$address]" ;; esac
  in_client ss -tinH state established dst "$address:$TRAFFIC_PORT" | LC_ALL=C awk '{
    for (i = 1; i <= NF; i++) {
      split($i, field, "[:/]")
      if (field[1] == "rtt") { sum += field[2]; n++ }
      if (field[1] == "minrtt" && (least == "" || field[2] + 0 < least)) least = field[2] + 0
    }
  } END { if (n) printf "%.3f %.3f\n", sum / n, least }'
}

# compare TRAFFIC LINE: a line of the table for each destination, while its connections are open.
compare() {
  local family address avg
  for family in IPv4 IPv6; do
    address=$(address_of $family)
    avg=$(reported_avg "$address" "$2")
    echo "$address $1 ${avg:-none} $(kernel_rtt "$address")"
  done >>"$TABLE"
}

# traffic NAME SECONDS OPTION...: over both families, shown and compared.
traffic() {
  local family first=$shown
  start_client IPv4 "${@:2}" && start_client IPv6 "${@:2}" || exit 1
  show_metrics_for $(($2 + INTERVAL + 1)) # the last interval is reported after its end
  compare "$1" "$first"
  for family in IPv4 IPv6; do
    stop_background "client-$family" ||
      give_up "the traffic failed: $(cat "$METRO_TMP/client-$family.err")"
  done
}

show_table() {
  step "The last average bpf-metro reported, and the kernel's own figures (ss -ti), in ms"
  LC_ALL=C awk '
    BEGIN { form = "    %-12s %-10s %14s %12s %15s %12s\n"
            printf form, "destination", "traffic", "bpf-metro avg", "kernel rtt", "kernel minrtt",
                   "difference" }
    { difference = "-" }
    $3 != "none" && $4 > 0 {
      difference = sprintf("%+.1f %%", 100 * ($3 - $4) / $4)
      $3 = sprintf("%.3f", $3)
    }
    { printf form, $1, $2, $3, $4, $5, difference }' "$TABLE"
}

# Requests have one segment in flight at a time, so the two must agree: to 10 % or 1 ms. The figure
# of an upload depends on the moment.
judge() {
  LC_ALL=C awk '
    $3 == "none" { print $1 ": bpf-metro reported nothing during the " $2; bad = 1; next }
    $4 == "" { print $1 ": the kernel has no connection to it"; bad = 1; next }
    $2 == "requests" {
      off = $3 > $4 ? $3 - $4 : $4 - $3
      if (off > 1 && off > $4 / 10) { print $1 ": bpf-metro and the kernel disagree"; bad = 1 }
    }
    END { exit bad }' "$TABLE"
}

check_requirements
set_up_hosts
start_traffic_server && start_statsd || exit 1
start_bpf_metro
step "Requests and responses over IPv4 and IPv6; what arrives at the StatsD server"
traffic requests $REQUESTS_S --mode rr --connections 2 --rate 50
step "An upload of 16 Mbit/s each"
traffic upload $UPLOAD_S --mode upload --request 65536 --rate 30
stop_background bpf-metro || give_up "bpf-metro ended with status $?"
show_table
echo
complaints=$(judge) || give_up "$complaints"
echo "bpf-metro and the kernel agree."
