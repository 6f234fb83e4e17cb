#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a package has installed, METRO=/usr/sbin/bpf-metro, is complete and measures real traffic: as the user
# that came with it and the capabilities that its unit gives it, and in the demo. METRO_BUILD has the tools
# that make the traffic. Status 77: there are no network namespaces here.

# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/../e2e/common.sh"
METRO=$METRO_PROGRAM # as it is, for root, too

TOP=$(realpath "$(dirname "$0")/../..")
CONFIG=/etc/bpf-metro/bpf-metro.yaml
CAPABILITIES=-all,+bpf,+perfmon,+net_admin,+net_raw
ALLOWED=$((1 << 39 | 1 << 38 | 1 << 12 | 1 << 13)) # the same, as linux/capability.h numbers them
ROUND_TRIP_MS=20

# What it says of the file as installed: that it is valid, on one line.
configuration_is_valid() {
  "$METRO" --check >"$METRO_TMP/check" 2>&1
  local status=$?
  cat "$METRO_TMP/check"
  equal status 0 $status && grep -q "^$CONFIG: the configuration is valid" "$METRO_TMP/check"
}

# It says so once, waits for SIGHUP, and ends well when it is told to.
measures_nothing() {
  local status
  start_background idle in_client "$METRO" --log "$METRO_TMP/idle.log"
  wait_for_line "$METRO_TMP/idle.log" 'no(thing| instances)' 5 || { cat "$METRO_TMP"/idle.*; return 1; }
  stop_background idle
  status=$?
  cat "$METRO_TMP/idle.log"
  equal status 0 $status && equal "lines about it" 1 "$(grep -cE 'no(thing| instances)' "$METRO_TMP/idle.log")"
}

# has_user: it cannot log in, and has no home of its own.
has_user() {
  getent passwd bpf-metro && [ "$(getent passwd bpf-metro | cut -d: -f6,7)" = /:/usr/sbin/nologin ] &&
    holds 'id > 0 && id < 1000' "id=$(id -u bpf-metro)"
}

has_pages() {
  local page
  for page in /usr/share/man/man8/bpf-metro.8 /usr/share/man/man5/bpf-metro.yaml.5; do
    zcat -f $page* | grep -q '^\.Dt BPF-METRO' || return
    ! zcat -f $page* | grep /usr/local || return
  done
}

unit_starts_what_is_there() {
  local unit
  for unit in /usr/lib/systemd/system/bpf-metro.service /lib/systemd/system/bpf-metro.service; do
    [ -e $unit ] && break
  done
  cat $unit
  grep -q '^ExecStart=/usr/sbin/bpf-metro ' $unit && ! grep /usr/local $unit
}

completes() {
  bash -c '. /usr/share/bash-completion/completions/bpf-metro
    COMP_WORDS=(bpf-metro --back) COMP_CWORD=1
    _bpf_metro
    [ "${COMPREPLY[*]}" = --backend ]'
}

start_as_user() {
  start_background metro in_client setpriv --reuid bpf-metro --regid bpf-metro --clear-groups \
    --inh-caps $CAPABILITIES --ambient-caps $CAPABILITIES --bounding-set $CAPABILITIES --no-new-privs \
    "$METRO" -i "$METRO_CLIENT_IF" --output json "$METRO_SERVER_V4"
  await_metro metro
}

# The process behind ip and setpriv, which have become it.
is_no_root() {
  local status field ids held
  status=/proc/$(background_pid metro)/status
  ids=$(id -u bpf-metro)
  equal Uid "$ids $ids $ids $ids" "$(awk '$1 == "Uid:" { print $2, $3, $4, $5 }' "$status")" || return
  for field in CapPrm CapEff CapBnd; do
    held=$(awk -v field=$field: '$1 == field { print $2 }' "$status")
    echo "$field $held"
    ((0x$held & ~ALLOWED)) && return 1
  done
  ((0x$(awk '$1 == "CapEff:" { print $2 }' "$status")))
}

# Not less than the delay, and not more than the client has waited.
measures_requests() {
  load requests "$METRO_SERVER_V4" --count 50 && wait_until 5 samples_reach metro 50
  equal samples 50 "$(samples metro)" &&
    holds 't >= 1000 * ms && t <= waited' "t=$(mean_us metro)" "ms=$ROUND_TRIP_MS" \
      "waited=$(load_field requests mean_app_rtt_us mean)"
}

ends_well() {
  local status
  stop_background metro
  status=$?
  tail -n 3 "$METRO_TMP/metro.err"
  equal status 0 $status
}

demo_runs() {
  METRO=$METRO METRO_BUILD=$METRO_BUILD bash "$TOP/tests/demo.sh"
}

metro_setup_pair installed --delay $ROUND_TRIP_MS || exit 77
start_server || bail_out "a server is ready"
tap_check "the configuration as installed is valid" configuration_is_valid
tap_check "with it, nothing is measured, and that is said once" measures_nothing
tap_check "the user is there" has_user
tap_check "the manual pages are there" has_pages
tap_check "the unit starts what is installed" unit_starts_what_is_there
tap_check "bash completes" completes
tap_check "as this user, it measures" start_as_user
tap_check "it is not root, nor can it do more than the unit allows" is_no_root
tap_check "it has each request's round-trip time" measures_requests
tap_check "it ends well" ends_well
metro_teardown
tap_check "the demo agrees with the kernel" demo_runs
tap_done
