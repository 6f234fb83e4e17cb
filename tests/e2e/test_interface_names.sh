#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Two interfaces that exchange their names, one that gets another name, and one that is configured by
# two of its names: each packet is measured once, and under the name that its interface has.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

BACKENDS="bpf pcap"
OTHER_V4=10.78.0.2
CONFIG=$METRO_TMP/names.yaml

metro_setup_pair names &&
  ip link add other0 netns "$METRO_CLIENT_NS" type veth peer name other1 netns "$METRO_SERVER_NS" &&
  ip -n "$METRO_CLIENT_NS" address add 10.78.0.1/24 dev other0 &&
  ip -n "$METRO_SERVER_NS" address add $OTHER_V4/24 dev other1 &&
  ip -n "$METRO_CLIENT_NS" link set other0 up && ip -n "$METRO_SERVER_NS" link set other1 up &&
  start_server || bail_out "two hosts, two lines and a server"

configure() { # INTERFACE...
  local interface
  echo "init_config: {log_to_file: false, report_interval: 1}" >"$CONFIG"
  echo "instances:" >>"$CONFIG"
  for interface; do
    echo "  - {interface: $interface, ips: [$METRO_SERVER_V4, $OTHER_V4]}" >>"$CONFIG"
  done
}

start() { # BACKEND
  start_metro metro in_client -c "$CONFIG" --backend "$1" --output json ||
    bail_out "$1: bpf-metro starts"
}

rename() { # FROM TO: an interface that is up had to go down for that before Linux 6.2
  ip -n "$METRO_CLIENT_NS" link set "$1" down &&
    ip -n "$METRO_CLIENT_NS" link set "$1" name "$2" && ip -n "$METRO_CLIENT_NS" link set "$2" up
}

swap() {
  rename metro0 between0 && rename other0 metro0 && rename between0 other0
}

measuring() { # INTERFACE TIMES
  [ "$(log_count metro "INFO measuring on $1 ")" -ge "$2" ]
}

# measured_as IFACE IFACE: requests over the first line, and over the second, have these names
measured_as() {
  : >"$METRO_TMP/metro.out"
  load first "$METRO_SERVER_V4" --count 50 && load second $OTHER_V4 --count 50 || return
  wait_until 3 samples_reach metro 100
  cat "$METRO_TMP/metro.err"
  equal "samples, first line" 50 "$(samples metro "\"iface\":\"$1\".*\"dst\":\"$METRO_SERVER_V4\"")" &&
    equal "samples, second line" 50 "$(samples metro "\"iface\":\"$2\".*\"dst\":\"$OTHER_V4\"")" &&
    equal "samples in all" 100 "$(samples metro)"
}

ends_without_retransmissions() {
  local status
  stop_background metro
  status=$?
  cat "$METRO_TMP/metro.err"
  equal status 0 $status && equal retransmissions 0 "$(counter metro retransmissions)"
}

# ---- exchanged -----------------------------------------------------------------------------------

test_swap() { # BACKEND
  local times
  configure metro0 other0
  start "$1"
  tap_check "$1, two interfaces: each under its name" measured_as metro0 other0
  times=$(($(log_count metro 'INFO measuring on ') + 2))
  tap_check "$1: they exchange their names" swap
  tap_check "$1, exchanged: both are measured again" \
    wait_until 5 eval '[ "$(log_count metro "INFO measuring on ")" -ge '$times' ]'
  sleep 1.2
  tap_check "$1, exchanged: each under its name of now" measured_as other0 metro0
  kill -STOP "$(background_pid metro)"
  tap_check "$1: once more, while bpf-metro has no CPU" swap
  kill -CONT "$(background_pid metro)"
  sleep 2.2
  tap_check "$1, exchanged back: each under its name of now" measured_as metro0 other0
  tap_check "$1, exchanged: nothing seems sent again" ends_without_retransmissions
}

# ---- two names of one ----------------------------------------------------------------------------

test_altname() { # BACKEND
  configure metro0 other0 metro-alt0
  start "$1"
  tap_check "$1, two names: it says that they are one interface" \
    log_has metro 'metro-alt0 and metro0 are the same interface: it is measured once, as metro0'
  tap_check "$1, two names: each packet is measured once" measured_as metro0 other0
  sleep 1.2 # a report
  tap_check "$1, two names: it says so once, and no error" \
    equal lines "1 0" "$(log_count metro 'the same interface') $(log_count metro ' (WARNING|ERROR) ')"
  tap_check "$1: the first name goes" rename metro0 renamed0
  tap_check "$1, a name less: the other takes its place" wait_until 5 measuring metro-alt0 1
  sleep 1.2
  tap_check "$1, a name less: it is measured under that" measured_as metro-alt0 other0
  tap_check "$1, two names: nothing seems sent again" ends_without_retransmissions
  rename renamed0 metro0
}

for backend in $BACKENDS; do
  test_swap "$backend"
done
if ip -n "$METRO_CLIENT_NS" link property add dev metro0 altname metro-alt0 2>/dev/null; then
  for backend in $BACKENDS; do
    test_altname "$backend"
  done
else
  tap_skip "two names of one interface" "no alternative names before Linux 5.5"
fi
tap_done
