#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a service manager is told, without one: READY when it measures, STATUS, RELOADING, STOPPING, the
# watchdog; --reload and its exit status; a configuration that measures nothing. tests/systemd has the
# rest, with systemd.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

CONFIG=$METRO_TMP/supervised.yaml
SOCKET=$METRO_TMP/notify

metro_setup_pair supervised && start_server || bail_out "two hosts and a server"
start_statsd manager in_client --unix "$SOCKET" || bail_out "a listener"

config() { # INTERFACE
  cat >"$CONFIG" <<END
init_config: {log_to_file: false, report_interval: 0.3}
instances: [{interface: $1, ips: [$METRO_SERVER_V4]}]
END
}

nothing() {
  printf 'init_config: {log_to_file: false, report_interval: 0.3, control_socket: none}\n# instances:\n' >"$CONFIG"
}

start_supervised() {
  start_background metro in_client env NOTIFY_SOCKET="$SOCKET" WATCHDOG_USEC=400000 "$METRO" -c "$CONFIG"
}

told() {
  grep -qE -e "$1" "$METRO_TMP/manager.out"
}

is_told() { # PATTERN [SECONDS]
  wait_until "${2:-5}" told "$1" && return
  tail -n 20 "$METRO_TMP/manager.out" "$METRO_TMP/metro.err"
  return 1
}

reload() { # STATUS
  in_client "$METRO" -c "$CONFIG" --reload "$(background_pid metro)" >"$METRO_TMP/reload" 2>&1
  local status=$?
  cat "$METRO_TMP/reload"
  equal status "$1" $status
}

measures() {
  is_told 'STATUS=measuring metro0 with BPF at [a-z]+; 0\.0 samples a second'
}

ready_when_it_measures() {
  start_supervised
  is_told 'READY=1' "$READY_SECONDS" && log_has metro 'measuring on metro0' 0 &&
    is_told 'STATUS=measuring metro0 with BPF at' && is_told 'WATCHDOG=1'
}

tells_samples() {
  load rr "$METRO_SERVER_V4" --rate 100 --seconds 2
  is_told 'STATUS=measuring metro0 with BPF at [a-z]+; [0-9]{2,3} samples a second'
}

wrong_file_is_refused() {
  config 'a/b'
  reload 2 && grep -q 'supervised.yaml:2: instances\[0\].interface' "$METRO_TMP/reload" &&
    ! told 'RELOADING=1' && equal 'not reloaded' 0 "$(log_count metro 'was not reloaded')"
}

# What the daemon finds wrong by itself: the file changes in between.
failure_is_passed_on() {
  kill -HUP "$(background_pid metro)" && is_told 'RELOADING=1' &&
    is_told 'STATUS=the last reload failed, see the log; measuring metro0 with .*; 0\.0 samples a second'
}

reload_is_waited_for() {
  config metro0
  reload 0 && equal reloaded 1 "$(log_count metro 'INFO reloaded ')" && [ ! -s "$METRO_TMP/reload" ]
}

nobody_there() {
  in_client "$METRO" -c "$CONFIG" --reload 4194303 2>&1 | grep 'cannot be asked to reload: No such process'
}

stops() {
  stop_background metro
  equal status 0 $? && is_told 'STOPPING=1'
}

# Where there is no user bpf-metro, root says that it stays.
log_lines() {
  grep -cv 'INFO going on as root' "$METRO_TMP/metro.err"
}

waits_with_nothing() {
  nothing
  : >"$METRO_TMP/manager.out"
  start_supervised
  is_told 'READY=1' && is_told 'STATUS=measuring nothing: the configuration has no instances' &&
    equal 'lines in the log' 1 "$(log_lines)" && log_has metro 'WARNING .* has no instances: nothing is measured'
}

# With a service manager, a start that fails must not look like one that went well.
failure_is_not_ready() {
  in_client env NOTIFY_SOCKET="$SOCKET" "$METRO" -i nosuch0 "$METRO_SERVER_V4" 2>&1
  equal status 1 $? && sleep 0.3 && ! told .
}

tap_check "a start that fails is not ready" failure_is_not_ready
config "$METRO_CLIENT_IF"
tap_check "ready is said when it measures" ready_when_it_measures
tap_check "the status has samples a second" tells_samples
tap_check "--reload of a wrong file: status 2 and its line, and the daemon is not asked" wrong_file_is_refused
tap_check "a plain SIGHUP with a wrong file: it is told, and goes on" failure_is_passed_on
tap_check "--reload returns when it is in force" reload_is_waited_for
tap_check "--reload of no process says so" nobody_there
tap_check "it says that it stops" stops
tap_check "without instances it says so in one line, and waits" waits_with_nothing
config "$METRO_CLIENT_IF"
tap_check ".. until a reload" reload 0
tap_check ".. by which it measures" measures
nothing
tap_check "a reload takes all instances away" reload 0
tap_check ".. and it measures nothing" is_told 'STATUS=measuring nothing'
tap_check "it ends with status 0" stops
tap_done
