#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Interfaces by pattern and by default route: waited for, renamed under a flow, moved to another
# namespace and back; what lies on what; and offloads, which change nothing of what is found.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

BACKENDS="bpf pcap"
CONFIG=$METRO_TMP/selection.yaml

metro_setup_pair selection && start_server || bail_out "two hosts and a server"

configure() { # INTERFACE [INTERVAL]
  cat >"$CONFIG" <<END
init_config: {log_to_file: false, report_interval: ${2:-1}}
instances: [{interface: $1, ips: [$METRO_SERVER_V4, $METRO_SERVER_V6, 10.78.0.0/24, "fd78::/64"]}]
END
}

start() { # BACKEND
  start_background metro in_client "$METRO" -c "$CONFIG" --backend "$1" --output json
}

on_client() {
  ip -n "$METRO_CLIENT_NS" "$@"
}

# found NUMBER IFACE ADDRESS: so many requests to it are measured, on this interface alone
found() {
  : >"$METRO_TMP/metro.out"
  load rr "$3" --count "$1" || return
  wait_until 3 samples_reach metro "$1"
  cat "$METRO_TMP/metro.err"
  equal samples "$1" "$(samples metro)" && equal "samples on $2" "$1" "$(samples metro "\"iface\":\"$2\"")"
}

# Of large requests there may be more samples than one each. Until none has come for longer than a block of
# libpcap's and --delay may hold one back.
samples_rest() {
  local before=none
  for _ in {1..20}; do
    [ "$before" != "$(samples metro)" ] || return 0
    before=$(samples metro)
    sleep 0.3
  done
  return 1
}

ends_well() {
  local status
  stop_background metro
  status=$?
  cat "$METRO_TMP/metro.err"
  equal status 0 $status
}

# ---- waited for, and back ------------------------------------------------------------------------

to_server_and_back() {
  on_client link set late0 netns "$METRO_SERVER_NS" && log_has metro 'no longer measuring on late0' &&
    ip -n "$METRO_SERVER_NS" link set late0 netns "$METRO_CLIENT_NS" && late_addresses
}

late_addresses() {
  on_client address add 10.78.0.1/24 dev late0 && on_client link set late0 up
}

come_late() {
  ip link add late0 netns "$METRO_CLIENT_NS" type veth peer name late1 netns "$METRO_SERVER_NS" &&
    ip -n "$METRO_SERVER_NS" address add 10.78.0.2/24 dev late1 &&
    ip -n "$METRO_SERVER_NS" link set late1 up && late_addresses
}

measured_times() { # TIMES
  [ "$(log_count metro 'INFO measuring on late0 with ')" -ge "$1" ]
}

test_late() { # BACKEND
  configure '["late*", "later0"]'
  start "$1"
  tap_check "$1: a pattern that matches nothing is waited for" \
    log_has metro 'WARNING no interface matches late\*; waiting for one' "$READY_SECONDS"
  tap_check "$1: so is a name" log_has metro 'WARNING interface later0 does not exist; waiting for it'
  sleep 2.2 # reports
  tap_check "$1: each is said once" equal lines 2 "$(log_count metro ' waiting for ')"
  come_late || bail_out "an interface comes"
  tap_check "$1: it comes" wait_until 5 measured_times 1
  tap_check "$1: it is measured" found 50 late0 10.78.0.2
  tap_check "$1: it goes to another namespace, and comes back" to_server_and_back
  tap_check "$1: it is measured again" wait_until 5 measured_times 2
  tap_check "$1: every sample" found 50 late0 10.78.0.2
  tap_check "$1: it ends well" ends_well
  on_client link delete late0
}

# ---- BPF that cannot be used, which only an interface shows ----------------------------------------

# By another name, so that it is not seen before it has what is in BPF's way.
come_with_ingress() {
  ip link add early0 netns "$METRO_CLIENT_NS" type veth peer name late1 netns "$METRO_SERVER_NS" &&
    ip -n "$METRO_SERVER_NS" address add 10.78.0.2/24 dev late1 &&
    ip -n "$METRO_SERVER_NS" link set late1 up &&
    in_client tc qdisc add dev early0 ingress &&
    on_client link set early0 name late0 && late_addresses
}

test_falls_back() {
  configure late0
  start_background metro in_client "$METRO" -c "$CONFIG" --hook clsact --output json
  log_has metro 'waiting for it' "$READY_SECONDS"
  if come_with_ingress 2>/dev/null; then
    tap_check "BPF cannot measure the first interface to come: libpcap does" \
      log_has metro 'WARNING BPF cannot be used here: .* ingress qdisc.*; falling back to libpcap'
    tap_check "fallen back: it measures" wait_until 5 measured_times 1
    tap_check "fallen back: every sample" found 50 late0 10.78.0.2
  else
    tap_skip "BPF cannot measure the first interface to come" "no ingress qdisc"
  fi
  tap_check "fallen back: it ends well" ends_well
  on_client link delete late0
}

# ---- renamed -------------------------------------------------------------------------------------

test_renamed() { # BACKEND
  configure 'metro*'
  start "$1" && await_metro metro || bail_out "$1: it starts"
  start_background long in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT \
    --rate 100 --count 300
  sleep 1
  if on_client link set metro0 name metro-new0 2>/dev/null; then
    tap_check "$1, renamed: it says so" \
      log_has metro 'INFO measuring on metro-new0 goes on: it was renamed from metro0'
    wait_background long 20
    wait_until 3 samples_reach metro 300
    tap_check "$1, renamed under a flow: no sample is missing" equal samples 300 "$(samples metro)"
    tap_check "$1, renamed: the new name is theirs" \
      holds 'old > 50 && new > 50' "old=$(samples metro '"iface":"metro0"')" \
      "new=$(samples metro '"iface":"metro-new0"')"
    tap_check "$1, renamed: it is said once" equal lines 1 "$(log_count metro renamed)"
    on_client link set metro-new0 name metro0
  else
    wait_background long 20
    tap_skip "$1, renamed under a flow" "before Linux 6.2 it has to go down for that"
  fi
  tap_check "$1, renamed: it ends well" ends_well
}

# ---- the default route ---------------------------------------------------------------------------

add_second_line() {
  ip link add other0 netns "$METRO_CLIENT_NS" type veth peer name other1 netns "$METRO_SERVER_NS" &&
    on_client address add 10.78.0.1/24 dev other0 && on_client address add fd78::1/64 dev other0 nodad &&
    ip -n "$METRO_SERVER_NS" address add 10.78.0.2/24 dev other1 &&
    ip -n "$METRO_SERVER_NS" address add fd78::2/64 dev other1 nodad &&
    on_client link set other0 up && ip -n "$METRO_SERVER_NS" link set other1 up
}

test_default() { # BACKEND
  on_client route add default via "$METRO_SERVER_V4"
  configure default
  start "$1" && await_metro metro || bail_out "$1: it starts with a default route"
  tap_check "$1: the interface of the default route is measured" found 20 metro0 "$METRO_SERVER_V4"
  on_client route replace default via 10.78.0.2
  tap_check "$1: the route moves, and so does measuring" log_has metro 'measuring on other0 with '
  tap_check "$1: what it left is no longer measured" log_has metro 'no longer measuring on metro0'
  tap_check "$1: the new one is measured" found 20 other0 10.78.0.2
  on_client -6 route add default via "$METRO_SERVER_V6"
  tap_check "$1: the default route of IPv6 counts, too" wait_until 5 measured_again metro0
  tap_check "$1: IPv6 is measured there" found 20 metro0 "$METRO_SERVER_V6"
  on_client -6 route del default && on_client route del default
  tap_check "$1: no default route is left, and one is waited for" \
    log_has metro 'there is no default route; waiting for one'
  tap_check "$1, default: it ends well" ends_well
}

measured_again() { # INTERFACE
  [ "$(log_count metro "INFO measuring on $1 (again )?with ")" -ge 2 ]
}

# ---- taken away ----------------------------------------------------------------------------------

# With the next report, or at once where the kernel says so.
test_taken_away() {
  configure metro0 60
  start_background metro in_client "$METRO" -c "$CONFIG" --backend bpf --hook clsact --output json
  await_metro metro || bail_out "clsact: it starts"
  sleep 1.5
  in_client tc qdisc del dev metro0 clsact
  tap_check "clsact is deleted: that is noticed long before the report" log_has metro \
    'has removed our BPF program \(at clsact\); attaching again'
  tap_check "clsact is deleted: it is measured again" wait_until 5 measured_again metro0
  tap_check "clsact is deleted: every sample" found 50 metro0 "$METRO_SERVER_V4"
  tap_check "clsact is deleted: it ends well" ends_well
  tap_check "clsact is deleted: it is counted" equal reattached 1 "$(counter metro reattached)"
}

# ---- the command line ----------------------------------------------------------------------------

takes_a_pattern() {
  start_metro metro in_client --backend "$1" --output json -i 'metr?0' "$METRO_SERVER_V4" &&
    found 20 metro0 "$METRO_SERVER_V4" && ends_well
}

fails_without() {
  local status
  in_client timeout 10 "$METRO" --backend "$1" -i 'nowhere*' "$METRO_SERVER_V4" >"$METRO_TMP/said" 2>&1
  status=$?
  cat "$METRO_TMP/said"
  equal status 1 $status && grep -q 'cannot measure: no interface matches nowhere\*' "$METRO_TMP/said"
}

# ---- what lies on what ---------------------------------------------------------------------------

test_relations() {
  on_client link add br7 type bridge && on_client link add port7 type veth peer name end7 &&
    on_client link set port7 master br7 || bail_out "a bridge and a port"
  configure '["br7", "port*"]'
  start bpf
  tap_check "a bridge and its port: it warns, by name" log_has metro \
    'WARNING instances\[0\] measures br7 \(bridge\) and port7 \(its ports\): what passes both is counted twice' \
    "$READY_SECONDS"
  sleep 2.2
  tap_check "a bridge and its port: once" equal lines 1 "$(log_count metro 'counted twice')"
  tap_check "a bridge and its port: it ends well" ends_well
  on_client link delete br7 && on_client link delete port7
}

# ---- offloads ------------------------------------------------------------------------------------

offload() { # on|off
  in_client ethtool -K metro0 tso "$1" gso "$1" gro "$1" && in_server ethtool -K metro1 tso "$1" gso "$1" gro "$1"
}

# A sample for each small request; and large ones, which are cut into many segments, each have one.
test_offload() { # BACKEND
  local setting
  configure metro0
  start "$1" && await_metro metro || bail_out "$1: it starts"
  for setting in off on; do
    offload $setting || bail_out "offloads are $setting"
    tap_check "$1, offloads $setting: a sample for each request" found 100 metro0 "$METRO_SERVER_V4"
    : >"$METRO_TMP/metro.out"
    load big "$METRO_SERVER_V4" --count 100 --request 30000
    wait_until 3 samples_reach metro 100
    tap_check "$1, offloads $setting: one at least for each large request" samples_reach metro 100
    samples_rest || bail_out "$1: samples come to an end"
  done
  tap_check "$1, offloads: it ends well" ends_well
}

add_second_line || bail_out "a second line"
for backend in $BACKENDS; do
  on_client link set other0 down
  on_client link set other0 up
  test_default $backend
done
on_client link delete other0
for backend in $BACKENDS; do
  test_late $backend
  test_renamed $backend
  test_offload $backend
  tap_check "-i takes a pattern, $backend" takes_a_pattern $backend
  tap_check "-i with a pattern that matches nothing fails, $backend" fails_without $backend
done
test_falls_back
test_taken_away
test_relations
tap_done
