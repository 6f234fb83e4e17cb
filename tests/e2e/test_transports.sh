#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Ways to a StatsD server: UDP over IPv6 and Unix sockets of both types, named in the environment or
# in the configuration. A server that goes, comes back or does not read costs some datagrams, of
# which every one is counted: what the log says at the end was sent is what arrived.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

AVG=system.net.tcp.rtt.avg
SOCKET=$METRO_TMP/dsd.socket

unset DD_DOGSTATSD_URL DD_AGENT_HOST DD_DOGSTATSD_PORT DD_ENTITY_ID DD_ENV DD_SERVICE DD_VERSION

metro_setup_pair transports && start_server || bail_out "two hosts and a server"

config() { # FILE [LINE OF init_config]
  cat >"$1" <<END
init_config:
  log_to_file: false
  report_interval: 0.2
  ${2:-}
instances: [{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4]}]
END
}

config "$METRO_TMP/plain.yaml"

# One datagram for each interval.
start_traffic() {
  start_background traffic in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT \
    --rate 50 --seconds 60
}

start_traffic || bail_out "traffic"

received() { # LISTENER...: how many datagrams arrived
  cat "${@/%/.out}" | grep -c '^-- datagram'
}

closing_line() { # METRO NUMBER: its n-th number, sent or refused
  sed -n "s/.*StatsD server .*: \([0-9]*\) datagrams sent, \([0-9]*\) refused; .*/\\$2/p" \
    "$METRO_TMP/$1.err" | tail -n 1
}

# every_datagram_is_counted METRO LEAST_REFUSED MOST_REFUSED LISTENER...
every_datagram_is_counted() {
  local metro=$1 least=$2 most=$3
  shift 3
  holds 'sent > 0 && sent == received' "sent=$(closing_line "$metro" 1)" \
    "received=$(cd "$METRO_TMP" && received "$@")" &&
    holds 'refused >= least && refused <= most' "refused=$(closing_line "$metro" 2)" \
      "least=$least" "most=$most"
}

datagrams_reach() { # LISTENER NUMBER
  [ "$(cd "$METRO_TMP" && received "$1")" -ge "$2" ]
}

# ---- each way ------------------------------------------------------------------------------------

# way NAME LISTENER_OPTION...: metrics arrive by it. The environment and $way_config say which it is.
way() {
  local name=$1 config=${way_config:-$METRO_TMP/plain.yaml}
  shift
  start_statsd "$name" in_client "$@" && start_metro "m-$name" in_client -c "$config" ||
    bail_out "$name: bpf-metro and a listener"
  tap_check "$name: metrics arrive" wait_until 5 datagrams_reach "$name" 3
  tap_check "$name: bpf-metro ends well" stop_background "m-$name"
  stop_background "$name"
  tap_check "$name: all that was sent arrived" every_datagram_is_counted "m-$name" 0 0 "$name"
  tap_check "$name: lines are whole" gauge_arrived "$name" $AVG ",iface:$METRO_CLIENT_IF\$"
}

test_ways() {
  DD_DOGSTATSD_URL="udp://[::1]:9125" way "UDP-over-IPv6" --bind ::1 --port 9125
  DD_AGENT_HOST=127.0.0.2 DD_DOGSTATSD_PORT=9126 way "DD_AGENT_HOST" --bind 127.0.0.2 --port 9126
  DD_DOGSTATSD_URL=unix://$SOCKET way "unix-datagram" --unix "$SOCKET"
  DD_DOGSTATSD_URL=unix://$SOCKET way "unix-stream" --unix-stream "$SOCKET"
  DD_DOGSTATSD_URL=unixstream://@metro-$$ way "abstract-stream" --unix-stream "@metro-$$"
}

# The file takes precedence over the environment.
test_configured() {
  config "$METRO_TMP/socket.yaml" "statsd_socket: unixgram://$SOCKET"
  config "$METRO_TMP/ip.yaml" "statsd_ip: 127.0.0.3"
  way_config=$METRO_TMP/ip.yaml DD_DOGSTATSD_URL=unix:///nowhere way "statsd_ip" --bind 127.0.0.3
  if "$METRO" --check -c "$METRO_TMP/socket.yaml" 2>/dev/null >&2; then
    way_config=$METRO_TMP/socket.yaml DD_AGENT_HOST=192.0.2.1 way "statsd_socket" --unix "$SOCKET"
  else
    tap_skip "statsd_socket: metrics arrive" "this bpf-metro does not know the key"
  fi
}

refused_with() { # TEXT
  local status option
  for option in --check --verbose; do
    in_client timeout 20 "$METRO" "$option" -c "$METRO_TMP/plain.yaml" 2>"$METRO_TMP/wrong.err" \
      >"$METRO_TMP/wrong.out" </dev/null
    status=$?
    cat "$METRO_TMP/wrong.out" "$METRO_TMP/wrong.err"
    equal "exit status with $option" 2 $status && grep -qF "$1" "$METRO_TMP/wrong.err" &&
      ! grep -q valid "$METRO_TMP/wrong.out" || return
  done
}

# Text output ignores the environment.
text_is_not_refused() {
  in_client "$METRO" --check --output text -c "$METRO_TMP/plain.yaml"
}

# What a reload leaves to the environment is wrong there: nothing changes.
reload_is_refused() {
  config "$METRO_TMP/reload.yaml" "statsd_ip: 127.0.0.1"
  start_metro reload in_client -c "$METRO_TMP/reload.yaml" || return
  config "$METRO_TMP/reload.yaml" "dialect: statsd"
  kill -HUP "$(background_pid reload)"
  log_has reload "environment variable DD_AGENT_HOST: \"no host\" is not valid" &&
    log_has reload 'was not reloaded' && ! grep -q 'INFO reloaded' "$METRO_TMP/reload.err" &&
    stop_background reload
}

test_mistakes() {
  DD_DOGSTATSD_URL=agent:8125 tap_check "a wrong DD_DOGSTATSD_URL is named" \
    refused_with "environment variable DD_DOGSTATSD_URL: \"agent:8125\" is not the URL of a StatsD server"
  DD_DOGSTATSD_PORT=statsd tap_check "a wrong DD_DOGSTATSD_PORT is named" \
    refused_with "environment variable DD_DOGSTATSD_PORT: \"statsd\" is not a port"
  DD_AGENT_HOST="no host" tap_check "a wrong DD_AGENT_HOST is named" \
    refused_with "environment variable DD_AGENT_HOST: \"no host\" is not valid"
  DD_AGENT_HOST="no host" tap_check "text goes nowhere, and minds no DD_AGENT_HOST" \
    text_is_not_refused
  DD_AGENT_HOST="no host" tap_check "a reload that needs a wrong DD_AGENT_HOST changes nothing" \
    reload_is_refused
}

# ---- a name --------------------------------------------------------------------------------------

# Its first address refuses, and nobody listens on IPv6.
test_next_address() {
  if [ ! -e /etc/hosts ]; then
    tap_skip "a name with several addresses" "no /etc/hosts to lay another over"
    return
  fi
  printf '%s stats\n' 127.0.0.9 127.0.0.8 ::1 >"$METRO_TMP/hosts"
  config "$METRO_TMP/name.yaml" "statsd_ip: stats"
  start_statsd name in_client --bind 127.0.0.8 || bail_out "a listener"
  # shellcheck disable=SC2016 # for the other shell
  start_background m-name in_client sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' - \
    "$METRO_TMP/hosts" "$METRO" -c "$METRO_TMP/name.yaml"
  await_metro m-name || bail_out "bpf-metro"
  tap_check "a name: metrics arrive at the one of its addresses that takes them" \
    wait_until 5 datagrams_reach name 3
  tap_check "and the log says which" log_has m-name 'stats:8125 \(127.0.0.8\) takes metrics again' 10
  stop_background m-name
  stop_background name
}

# ---- a server that goes and comes back -----------------------------------------------------------

# restart NAME LISTENER_OPTION
restart() {
  local name=$1
  start_statsd "$name-1" in_client "$2" "$SOCKET" &&
    DD_DOGSTATSD_URL=unix://$SOCKET start_metro "m-$name" in_client -c "$METRO_TMP/plain.yaml" ||
    bail_out "$name: bpf-metro and a listener"
  wait_until 5 datagrams_reach "$name-1" 3
  stop_background "$name-1"
  tap_check "$name: its end is noticed" log_has "m-$name" 'StatsD server .* metrics are lost'
  start_statsd "$name-2" in_client "$2" "$SOCKET" || bail_out "$name: another listener"
  tap_check "$name: its return is noticed" log_has "m-$name" 'takes metrics again' 20
  tap_check "$name: metrics arrive again" datagrams_reach "$name-2" 2
  stop_background "m-$name"
  stop_background "$name-2"
  tap_check "$name: one line about its end" equal lines 1 "$(log_count "m-$name" 'are lost until')"
  tap_check "$name: one line about its return" equal lines 1 "$(log_count "m-$name" 'takes metrics')"
  tap_check "$name: every datagram is counted" \
    every_datagram_is_counted "m-$name" 1 60 "$name-1" "$name-2"
}

# ---- a server that does not read -----------------------------------------------------------------

lines_of_rtt() { # NUMBER: that many lines in a row fit the configuration below
  local i
  for ((i = 0; i < $1; i++)); do
    echo "  - {interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4], tags: [\"n:$i-$padding\"]}"
  done
}

# A report of some 12 datagrams of 8 KB, of which the socket holds a few dozen at most.
test_full_socket() {
  local padding pid
  padding=$(printf '%0150d' 0)
  {
    echo "init_config: {log_to_file: false, report_interval: 0.2}"
    echo "instances:"
    lines_of_rtt 120
  } >"$METRO_TMP/large.yaml"
  start_statsd full in_client --unix "$SOCKET" &&
    DD_DOGSTATSD_URL=unix://$SOCKET start_metro m-full in_client -c "$METRO_TMP/large.yaml" ||
    bail_out "bpf-metro and a listener"
  wait_until 5 datagrams_reach full 20
  pid=$(background_pid full)
  kill -STOP "$pid"
  tap_check "a full socket is noticed" log_has m-full 'the socket to it is full' 20
  kill -CONT "$pid"
  tap_check "and that it is not full any more" log_has m-full 'takes metrics again' 20
  stop_background m-full
  stop_background full
  tap_check "a full socket: one line about it" equal lines 1 "$(log_count m-full 'are lost until')"
  tap_check "a full socket: every datagram is counted" every_datagram_is_counted m-full 1 3000 full
  tap_check "a full socket: no datagram is longer than 8192 bytes" \
    holds 'longest > 4096 && longest <= 8192' "longest=$(sed -n 's/^-- datagram //p' \
      "$METRO_TMP/full.out" | sort -n | tail -n 1)"
}

test_ways
test_configured
test_mistakes
test_next_address
restart unix-datagram-restart --unix
restart unix-stream-restart --unix-stream
test_full_socket
tap_done
