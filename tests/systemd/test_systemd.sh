#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# bpf-metro as systemd's service: the unit in a Debian that systemd boots, 12 and 13, with control groups
# v1 and v2. Who it runs as, what it may; that start, restart and reload fail where they should, and say
# why; what the journal and `systemctl status` show; the watchdog; a configuration that measures nothing.
#
#   test_systemd.sh [SUITE-VERSION]
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/../e2e/common.sh"
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/machine.sh"

CONFIG=/etc/bpf-metro/bpf-metro.yaml
DROP_IN=/run/systemd/system/bpf-metro.service.d
SAMPLES=system.net.tcp.rtt.samples
FAR=10.9.0.2 # a host beyond eth0
EXPOSURE=1.9 # systemd-analyze security: 0 is best, 10 worst
PACKAGES="systemd systemd-sysv dbus iproute2 procps libcap2-bin libbpf1 libyaml-0-2 libpcap0.8 libmicrohttpd12 libncursesw6"

# ---- the machine ---------------------------------------------------------------------------------

install_ours() {
  make -C "$(dirname "$0")/../.." BUILD="$METRO_BUILD" DESTDIR="$MACHINE_ROOT" PREFIX=/usr install &&
    cp "$LOAD" "$METRO_BUILD/statsd_listen" "$MACHINE_ROOT/usr/local/bin/"
}

runs_here() {
  chroot "$MACHINE_ROOT" /usr/sbin/bpf-metro --version >"$METRO_TMP/version" 2>&1
}

far_host() {
  inside sh -ec "
    ip netns add far
    ip link add eth0 type veth peer name eth1 netns far
    ip address add 10.9.0.1/24 dev eth0
    ip -n far address add $FAR/24 dev eth1
    ip link set eth0 up
    ip -n far link set lo up
    ip -n far link set eth1 up
    systemd-run --quiet --unit=far ip netns exec far tcp_load server --port $PORT
    systemd-run --quiet --unit=statsd statsd_listen --raw" &&
    wait_until 5 said far 'serving on' && wait_until 5 said statsd 'listening on'
}

# ---- what the service says -----------------------------------------------------------------------

# said UNIT PATTERN: in this boot, also by systemd of it
said() {
  inside journalctl --boot --quiet --unit "$1" --output cat --no-pager | grep -qE -e "$2"
}

property() {
  inside systemctl show --property "$1" --value bpf-metro
}

main_pid() {
  property MainPID
}

# Lines of the service itself that match: PRIORITY, a tab, MESSAGE.
journal() { # [PATTERN]
  inside journalctl --boot ${SINCE:+--after-cursor="$SINCE"} --quiet --unit bpf-metro --output json \
    --no-pager | python3 -c '
import json, re, sys
for line in sys.stdin:
    entry = json.loads(line)
    if entry.get("SYSLOG_IDENTIFIER") == "bpf-metro" and re.search(sys.argv[1], entry["MESSAGE"]):
        print(entry["PRIORITY"], entry["MESSAGE"], sep="\t")' "${1:-.}"
}

# journal_has PRIORITY PATTERN: some line does, and all that do have this priority
journal_has() {
  journal "$2" | tee "$METRO_TMP/journal" | awk -v priority="$1" '
    $1 != priority { wrong = 1 } END { exit wrong || !NR }' && return
  cat "$METRO_TMP/journal"
  journal | tail -n 5
  return 1
}

# From now on, journal shows only what is new.
forget_journal() {
  inside journalctl --sync
  SINCE=$(inside journalctl --quiet --lines 1 --output json --no-pager | sed 's/.*"__CURSOR" *: *"\([^"]*\)".*/\1/')
}
SINCE=

# ---- configurations ------------------------------------------------------------------------------

write_config() {
  mkdir -p "$MACHINE_ROOT${CONFIG%/*}" && cat >"$MACHINE_ROOT$CONFIG"
}

config() { # TAG [OF_INSTANCE]
  write_config <<END
init_config: {report_interval: 0.5, metrics: [samples], reverse_names: false}
instances: [{interface: eth0, ips: [10.9.0.0/24], tags: ["$1"]${2:+, $2}}]
END
}

wrong_config() {
  write_config <<END
init_config: {report_interval: 0.5}
instances:
  - interface: eth0
    ips: [10.9.0.300]
END
}
WRONG="$CONFIG:4: instances\\[0\\].ips\\[0\\]: \"10.9.0.300\""

# drop_in [LINE...]: of the section [Service]; none takes it away.
drop_in() {
  inside sh -ec 'rm -rf "$0"
    [ $# = 0 ] || { mkdir -p "$0" && { echo "[Service]" && printf "%s\n" "$@"; } >"$0/test.conf"; }
    systemctl daemon-reload' $DROP_IN "$@"
}

# ---- traffic -------------------------------------------------------------------------------------

# arrived TAG: how many samples StatsD was told of
arrived() {
  inside journalctl --boot --quiet --unit statsd --output cat --no-pager |
    awk -F '[:|]' -v metric=$SAMPLES -v tag="$1" '$1 == metric && $0 ~ tag { n += $2 } END { print n + 0 }'
}

all_arrived() {
  [ "$(arrived "$1")" -ge "$2" ]
}

# measures TAG: each of 20 requests makes a sample, which StatsD is told of.
measures() {
  local before
  before=$(arrived "$1")
  inside tcp_load client --connect $FAR --port $PORT --count 20 || return
  wait_until 5 all_arrived "$1" $((before + 20)) && equal samples $((before + 20)) "$(arrived "$1")"
}

# ---- the tests -----------------------------------------------------------------------------------

starts() {
  config first:yes
  inside systemctl start bpf-metro && equal state active "$(property ActiveState)" &&
    journal_has 6 '^measuring on eth0 with BPF at ' # READY=1 comes after that
}

status_field() {
  inside sed -n "s/^$1:[[:space:]]*//p" "/proc/$(main_pid)/status"
}

is_unprivileged() {
  local caps user
  caps=$(status_field CapEff)
  user=$(inside id -u bpf-metro)
  equal users "$user $user $user $user" "$(status_field Uid | tr '\t' ' ')" &&
    equal capabilities cap_net_admin,cap_net_raw,cap_perfmon,cap_bpf \
      "$(inside capsh --decode="$caps" | sed 's/.*=//')" || return
  for set in CapPrm CapBnd; do
    equal $set "$caps" "$(status_field $set)" || return
  done
  for set in CapInh CapAmb; do # which a program that it cannot run anyway would inherit
    equal $set 0000000000000000 "$(status_field $set)" || return
  done
  equal 'no new privileges' 1 "$(status_field NoNewPrivs)" && equal seccomp 2 "$(status_field Seccomp)"
}

exposed() { # OPTION...
  inside systemd-analyze security "$@" | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p'
}

is_hardly_exposed() {
  holds 'live <= most && offline <= most' most=$EXPOSURE "live=$(exposed bpf-metro.service)" \
    "offline=$(exposed --offline=yes /usr/lib/systemd/system/bpf-metro.service)"
}

unit_is_valid() {
  inside systemd-analyze --man=no verify bpf-metro.service 2>&1 | tee "$METRO_TMP/verify"
  ! grep -q bpf-metro "$METRO_TMP/verify"
}

status_line() {
  property StatusText
}

status_has() {
  status_line | grep -qE -e "$1"
}

# While requests pass, 50 a second.
status_tells() {
  inside systemd-run --quiet --unit=busy tcp_load client --connect $FAR --port $PORT --rate 50 --seconds 6
  wait_until 5 status_has '^measuring eth0 with BPF at [a-z]+; (4[5-9]|5[0-5])(\.[0-9])? samples a second$'
  status=$?
  status_line
  inside systemctl stop busy
  return $status
}

reloads() {
  local before
  before=$(main_pid)
  config second:yes
  inside systemctl reload bpf-metro && journal_has 6 "^reloaded $CONFIG" &&
    equal process "$before" "$(main_pid)" && measures second:yes
}

# It says so itself, and goes on with what it had.
wrong_reload_fails() {
  local before
  before=$(main_pid)
  wrong_config
  ! inside systemctl reload bpf-metro && journal_has 3 "^$WRONG" &&
    equal state active "$(property ActiveState)" && equal process "$before" "$(main_pid)" &&
    measures second:yes
}

# The daemon says what only it can know; here it is told by hand to read the wrong file.
hangup_shows_in_status() {
  inside systemctl kill --signal HUP --kill-who main bpf-metro &&
    wait_until 5 status_has '^the last reload failed, see the log; measuring eth0' &&
    measures second:yes && config third:yes && inside systemctl reload bpf-metro &&
    status_has '^measuring eth0' && measures third:yes
}

wrong_start_fails() { # start|restart
  wrong_config
  [ "$1" = restart ] || inside systemctl stop bpf-metro
  forget_journal
  ! inside systemctl "$1" bpf-metro && journal_has 3 "^$WRONG" && equal status 2 "$(property ExecMainStatus)" &&
    equal state failed "$(property ActiveState)" && equal restarts 0 "$(property NRestarts)"
}

# A warning of ours, and all lines so far: none has a time or a level of its own.
journal_is_plain() {
  config odd:yes
  sed -i 's/^init_config: {/&colour: red, /' "$MACHINE_ROOT$CONFIG"
  inside systemctl reset-failed bpf-metro
  inside systemctl restart bpf-metro && journal_has 4 'colour' && journal_has 6 '^measuring on' || return
  ! journal '[0-9]{4}-[0-9]{2}-[0-9]{2}T|\b(INFO|WARNING|ERROR|CRITICAL)\b|^<[0-9]>' | grep .
}

logs_to_file() {
  local log=/var/log/bpf-metro/bpf-metro.log
  config file:yes
  sed -i 's/^init_config: {/&log_to_file: true, /' "$MACHINE_ROOT$CONFIG"
  inside systemctl reload bpf-metro && inside grep -E '^20[0-9T:.-]*Z INFO reloaded ' $log &&
    equal owner bpf-metro:600 "$(inside stat -c %U:%a $log)"
}

was_restarted() {
  [ "$(property NRestarts)" = 1 ] && [ "$(property ActiveState)" = active ]
}

# A second of patience, and it is fed; then it stands still.
watchdog_bites() {
  local before
  config dog:yes
  drop_in WatchdogSec=2 RestartSec=100ms && inside systemctl restart bpf-metro || return
  before=$(main_pid)
  sleep 4
  equal process "$before" "$(main_pid)" && equal restarts 0 "$(property NRestarts)" || return
  inside kill -STOP "$before"
  wait_until 15 was_restarted || return
  said bpf-metro 'Watchdog timeout' && measures dog:yes
}

measures_with_libpcap() {
  config pcap:yes
  drop_in ExecStart= "ExecStart=/usr/sbin/bpf-metro --config $CONFIG --backend pcap" &&
    inside systemctl restart bpf-metro && measures pcap:yes && status_has '^measuring eth0 with libpcap' &&
    drop_in
}

HIDDEN='^containers: none of the processes behind the interfaces is visible'

# The settings that docs/running.md has below this heading.
drop_in_of() {
  awk -v heading="### $1" '/^#/ { on = $0 == heading } on && /^    [A-Z][A-Za-z]*=/ { print $1 }' \
    "$(dirname "$0")/../../docs/running.md"
}

sees_containers() {
  config pods:yes 'containers: true'
  inside systemctl restart bpf-metro && wait_until 15 journal_has 4 "$HIDDEN" && forget_journal || return
  # shellcheck disable=SC2046 # a list of words
  drop_in $(drop_in_of Containers) && inside systemctl restart bpf-metro && measures pods:yes && sleep 3 &&
    ! journal "$HIDDEN" | grep . && drop_in
}

measures_nothing() {
  printf '# instances:\n#   - interface: eth0\n' | write_config
  forget_journal
  inside systemctl restart bpf-metro && equal state active "$(property ActiveState)" &&
    status_has '^measuring nothing: the configuration has no instances$' &&
    equal lines 1 "$(journal | grep -vcE 'counters: |datagrams sent')" && journal_has 4 'has no instances: nothing is measured' || return
  config something:yes
  inside systemctl reload bpf-metro && measures something:yes
}

stops() {
  inside systemctl stop bpf-metro && equal result success "$(property Result)" &&
    equal status 0 "$(property ExecMainStatus)" && equal state inactive "$(property ActiveState)" &&
    journal_has 6 '^counters: samples='
}

# What the other version of control groups could change.
the_most_important() {
  tap_check "$1: it starts as a service, and measures when it says so" starts
  tap_check "$1: it is its own user, with four capabilities and none to pass on" is_unprivileged
  tap_check "$1: every request is measured" measures first:yes
  tap_check "$1: a reload is in force when systemctl returns" reloads
  tap_check "$1: it stops with status 0" stops
}

all_of_it() {
  tap_check "$1: it starts as a service, and measures when it says so" starts
  tap_check "$1: it is its own user, with four capabilities and none to pass on" is_unprivileged
  tap_check "$1: systemd-analyze verify has no complaint" unit_is_valid
  tap_check "$1: systemd-analyze security: $EXPOSURE or better" is_hardly_exposed
  tap_check "$1: every request is measured" measures first:yes
  tap_check "$1: systemctl status: interface, backend, samples a second" status_tells
  tap_check "$1: a reload is in force when systemctl returns" reloads
  tap_check "$1: a reload of a wrong configuration fails, and measuring goes on" wrong_reload_fails
  tap_check "$1: SIGHUP with a wrong configuration shows in the status" hangup_shows_in_status
  tap_check "$1: a restart with a wrong configuration fails" wrong_start_fails restart
  tap_check "$1: a start with a wrong configuration fails" wrong_start_fails start
  tap_check "$1: lines of the journal have their priority, and one time" journal_is_plain
  tap_check "$1: log_to_file: true writes to its own directory" logs_to_file
  tap_check "$1: the watchdog starts one anew that stands still, and no other" watchdog_bites
  tap_check "$1: the same unit measures with libpcap" measures_with_libpcap
  tap_check "$1: containers: true takes the drop-in of docs/running.md" sees_containers
  tap_check "$1: nothing to measure: it says so, and waits for a reload" measures_nothing
  tap_check "$1: it stops with status 0" stops
}

test_machine() { # SUITE VERSION
  local name="$1, cgroup $2"
  # shellcheck disable=SC2086 # a list of words
  machine_make "$1" $PACKAGES && install_ours >"$METRO_TMP/install" 2>&1
  case $? in
    0) ;;
    77) tap_skip "$name" "$MACHINE_REASON" && return ;;
    *) tap_fail "$name: a root with bpf-metro" "$(cat "$METRO_TMP/install")" && return ;;
  esac
  runs_here || { tap_skip "$name" "what was built here does not run there: $(head -n 1 "$METRO_TMP/version")" && return; }
  machine_boot "$2"
  case $? in
    0) ;;
    77) tap_skip "$name" "$MACHINE_REASON" && return ;;
    *) tap_fail "$name: it boots" "$(cat "$METRO_TMP/machine.err")" && return ;;
  esac
  tap_check "$name: it boots, with a host beyond eth0" far_host
  if [ "$1 $2" = "bookworm v2" ] && machine_has_v1; then
    the_most_important "$name"
  else
    all_of_it "$name"
  fi
  tap_check "$name: it is powered off" machine_off
}

# Debian 13's systemd 257 does not start with control groups v1.
if [ $# -gt 0 ]; then
  test_machine "${1%-*}" "${1#*-}"
else
  tap_parts trixie-v2 bookworm-v1 bookworm-v2
fi
tap_done
