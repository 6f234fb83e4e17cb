#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Where traffic passes and no sample comes, the log says once what was seen instead: the two halves of
# an asymmetric route, data that only comes in, nothing at all. Where there are samples, or were, and
# nothing passes any more, it says nothing.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"


# Both measure the same traffic at the same time.
BACKENDS="bpf pcap"
NO_RTT='no (round-trip time|packet)'

metro_setup_pair silence &&
  ip link add other0 netns "$METRO_CLIENT_NS" type veth peer name other1 netns "$METRO_SERVER_NS" &&
  ip -n "$METRO_CLIENT_NS" address add 10.78.0.1/24 dev other0 &&
  ip -n "$METRO_SERVER_NS" address add 10.78.0.2/24 dev other1 &&
  ip -n "$METRO_CLIENT_NS" link set other0 up && ip -n "$METRO_SERVER_NS" link set other1 up &&
  in_client sh -c 'cd /proc/sys/net/ipv4/conf && for f in */rp_filter; do echo 0 >$f; done' &&
  start_server && start_server sink in_client || bail_out "two hosts, two lines and servers"
start_statsd statsd_bpf in_client --port 8125 && start_statsd statsd_pcap in_client --port 8126 ||
  bail_out "StatsD servers"

# Silence is explained after six reports, 1.5 s.
start_daemons() {
  local backend port=8125
  for backend in $BACKENDS; do
    cat >"$METRO_TMP/$backend.yaml" <<END
init_config: {log_to_file: false, report_interval: 0.25, statsd_port: $port}
instances:
  - {interface: metro0, ips: [$METRO_SERVER_V4]}
  - {interface: other0, ips: [$METRO_SERVER_V4]}
END
    start_background "$backend" in_client "$METRO" -c "$METRO_TMP/$backend.yaml" --backend "$backend"
    port=$((port + 1))
  done
  await_daemons
}

# After one report for a user who watches.
start_watching() {
  local backend
  for backend in $BACKENDS; do
    start_background "$backend" in_client "$METRO" -i "$METRO_CLIENT_IF" --backend "$backend" \
      --interval 1 "$METRO_SERVER_V4"
  done
  await_daemons
}

await_daemons() {
  local backend
  for backend in $BACKENDS; do
    await_metro "$backend" || bail_out "$backend: bpf-metro starts"
  done
}

stop_daemons() {
  local backend
  for backend in $BACKENDS; do
    stop_background "$backend"
  done
}

# each WHAT COMMAND...: with the backend's name in place of @
each() {
  local what=$1 backend
  shift
  for backend in $BACKENDS; do
    tap_check "$backend, $what" "${@//@/$backend}"
  done
}

# Requests in the background, for this many seconds.
request() { # SECONDS
  start_background request in_client timeout 60 "$LOAD" client --connect "$METRO_SERVER_V4" \
    --port $PORT --rate 20 --seconds "$1"
}

said_times() { # BACKEND PATTERN TIMES
  equal "lines '$2'" "$3" "$(log_count "$1" "$2")"
}

detour() { # add|del: of all that the server sends
  ip -n "$METRO_SERVER_NS" route "$1" "$METRO_CLIENT_V4/32" via 10.78.0.1 dev other1
}

test_asymmetric() {
  local backend
  detour add || bail_out "a detour"
  start_daemons
  request 4
  each "data leaves, and ACKs arrive elsewhere: said" log_has @ \
    'WARNING metro0: no round-trip time in [12] s; seen instead: [0-9]+ connections to peers without any ACK.*asymmetric'
  each "ACKs arrive, and data leaves elsewhere: said" log_has @ \
    'WARNING other0: no round-trip time in [12] s; seen instead: [0-9]+ data segments from peers.*leaves through another interface'
  wait_background request 20
  each "asymmetric: said once for each interface" said_times @ "$NO_RTT.* connections" 1
  each "asymmetric: said once for each interface" said_times @ "$NO_RTT.* data segments" 1
  for backend in $BACKENDS; do
    : >"$METRO_TMP/statsd_$backend.out"
  done
  detour del
  request 1
  wait_background request 20
  each "the detour ends: it measures" wait_until 3 gauge_arrived statsd_@ system.net.tcp.rtt.avg
  detour add
  request 4
  each "the detour comes again: said again" \
    soon 8 said_times @ "metro0: no round-trip time" 2
  stop_background request
  detour del
  stop_daemons
}

test_incoming() {
  start_watching
  start_background upload in_server timeout 60 "$LOAD" client --connect "$METRO_CLIENT_V4" \
    --port $PORT --mode upload --rate 50 --seconds 3
  each "data only comes in: said" log_has @ \
    'WARNING metro0: .*[0-9]+ data segments from peers, .*ACKs to peers: only the peers send data'
  wait_background upload 20
  each "data only comes in: said once" said_times @ "no round-trip time" 1
  stop_daemons
}

test_nothing() {
  start_watching
  each "nothing at all: said" log_has @ 'INFO metro0: no packet from or to a peer in [12] s'
  sleep 2.5
  each "nothing at all: said once" said_times @ "$NO_RTT" 1
  stop_daemons
}

# sighted_are INTERFACE...: those of which the BPF programs count what passes beside the flows, which
# is of no use while samples come and costs each segment without a flow.
sighted_are() {
  local id name ids=
  for name in "$@"; do
    ids="$ids $(in_client cat "/sys/class/net/$name/ifindex")"
  done
  for id in $(sed -n 's/^map_id:[[:space:]]*//p' "/proc/$(background_pid bpf)/fdinfo/"* | sort -un); do
    bpftool -j map show id "$id" | grep -q '"name":"sightings"' || continue
    equal "interfaces in map $id" "$(xargs -n 1 <<<"$ids" | sort)" \
      "$(bpftool -j map dump id "$id" | grep -o '"formatted":{"key":[0-9]*' | grep -o '[0-9]*$' | sort)"
    return
  done
  echo "no map of sightings" && return 1
}

sightings_are() { # WHAT INTERFACE...
  if have bpftool; then
    tap_check "bpf, $1" soon 3 sighted_are "${@:2}"
  else
    tap_skip "bpf, $1" "bpftool is not installed"
  fi
}

test_samples() {
  start_daemons
  sightings_are "from the start, what passes is counted on both interfaces" metro0 other0
  request 3
  each "samples: they are reported" wait_until 3 gauge_arrived statsd_@ system.net.tcp.rtt.avg
  sightings_are "samples come from one: it is counted on the other" other0
  wait_background request 20
  each "samples: nothing is said" said_times @ "metro0: no round-trip time" 0
  sightings_are "samples end: it is counted on both again" metro0 other0
  sleep 2.5
  each "samples, and then nothing to measure: nothing is said" said_times @ "metro0: no round-trip time" 0
  stop_daemons
}

test_asymmetric
test_incoming
test_nothing
test_samples
tap_done
