#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Where traffic passes and no sample comes, the log says once what was seen instead: the two halves of
# an asymmetric route, data that only comes in, nothing at all. Where there are samples, or were, and
# nothing passes any more, it says nothing.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

BACKENDS="bpf pcap"
CONFIG=$METRO_TMP/silence.yaml
NO_RTT='no (round-trip time|packet)'

metro_setup_pair silence &&
  ip link add other0 netns "$METRO_CLIENT_NS" type veth peer name other1 netns "$METRO_SERVER_NS" &&
  ip -n "$METRO_CLIENT_NS" address add 10.78.0.1/24 dev other0 &&
  ip -n "$METRO_SERVER_NS" address add 10.78.0.2/24 dev other1 &&
  ip -n "$METRO_CLIENT_NS" link set other0 up && ip -n "$METRO_SERVER_NS" link set other1 up &&
  in_client sh -c 'cd /proc/sys/net/ipv4/conf && for f in */rp_filter; do echo 0 >$f; done' &&
  start_server && start_server sink in_client || bail_out "two hosts, two lines and servers"
start_statsd statsd || bail_out "a StatsD server"

# Silence is explained after six reports, 1.5 s.
start_daemon() { # BACKEND
  cat >"$CONFIG" <<END
init_config: {log_to_file: false, report_interval: 0.25}
instances:
  - {interface: metro0, ips: [$METRO_SERVER_V4]}
  - {interface: other0, ips: [$METRO_SERVER_V4]}
END
  start_metro metro in_client -c "$CONFIG" --backend "$1" || bail_out "$1: bpf-metro starts"
}

# After one report to who watches.
start_watching() { # BACKEND
  start_metro metro in_client -i "$METRO_CLIENT_IF" --backend "$1" --interval 1 "$METRO_SERVER_V4" ||
    bail_out "$1: bpf-metro starts"
}

# Requests in the background, for so many seconds.
request() { # SECONDS
  start_background request in_client timeout 60 "$LOAD" client --connect "$METRO_SERVER_V4" \
    --port $PORT --rate 20 --seconds "$1"
}

said_once() { # PATTERN
  equal "lines '$1'" 1 "$(log_count metro "$1")"
}

detour() { # add|del: of all that the server sends
  ip -n "$METRO_SERVER_NS" route "$1" "$METRO_CLIENT_V4/32" via 10.78.0.1 dev other1
}

test_asymmetric() { # BACKEND
  detour add || bail_out "a detour"
  start_daemon "$1"
  request 4
  tap_check "$1, data leaves, and ACKs arrive elsewhere: said" log_has metro \
    'WARNING metro0: no round-trip time in [12] s; seen instead: [0-9]+ connections to peers without any ACK.*asymmetric'
  tap_check "$1, ACKs arrive, and data leaves elsewhere: said" log_has metro \
    'WARNING other0: no round-trip time in [12] s; seen instead: [0-9]+ data segments from peers.*leaves through another interface'
  wait_background request 20
  tap_check "$1, asymmetric: said once for each interface" said_once "$NO_RTT.* connections"
  tap_check "$1, asymmetric: said once for each interface" said_once "$NO_RTT.* data segments"
  : >"$METRO_TMP/statsd.out"
  detour del
  request 1
  wait_background request 20
  tap_check "$1, the detour ends: it measures" wait_until 3 gauge_arrived statsd system.net.tcp.rtt.avg
  detour add
  request 4
  tap_check "$1, the detour comes again: said again" \
    wait_until 8 eval '[ "$(log_count metro "metro0: no round-trip time")" = 2 ]'
  stop_background request
  detour del
  stop_background metro
}

test_incoming() { # BACKEND
  start_watching "$1"
  start_background upload in_server timeout 60 "$LOAD" client --connect "$METRO_CLIENT_V4" \
    --port $PORT --mode upload --rate 50 --seconds 3
  tap_check "$1, data only comes in: said" log_has metro \
    'WARNING metro0: .*[0-9]+ data segments from peers, .*ACKs to peers: only the peers send data'
  wait_background upload 20
  tap_check "$1, data only comes in: said once" said_once "no round-trip time"
  stop_background metro
}

test_nothing() { # BACKEND
  start_watching "$1"
  tap_check "$1, nothing at all: said" log_has metro 'INFO metro0: no packet from or to a peer in [12] s'
  sleep 2.5
  tap_check "$1, nothing at all: said once" said_once "$NO_RTT"
  stop_background metro
}

test_samples() { # BACKEND
  start_daemon "$1"
  request 3
  wait_background request 20
  tap_check "$1, samples: nothing is said" log_quiet metro0
  sleep 2.5
  tap_check "$1, samples, and then nothing to measure: nothing is said" log_quiet metro0
  stop_background metro
}

log_quiet() { # INTERFACE
  grep -E "$1: no round-trip time" "$METRO_TMP/metro.err"
  equal lines 0 "$(log_count metro "$1: no round-trip time")"
}

for backend in $BACKENDS; do
  test_asymmetric "$backend"
  test_incoming "$backend"
  test_nothing "$backend"
  test_samples "$backend"
done
tap_done
