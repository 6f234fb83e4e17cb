#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What each thread may do after the start, whoever starts it: root, with file capabilities, with ambient
# ones, or offline. And that as another user it still follows interfaces and containers, reloads, rotates.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

ID=47747         # of a user bpf-metro that is there for these processes alone
SOCKET_GROUP=47748
OWN=$METRO_TMP/own # its directory
CONFIG=$OWN/metro.yaml
BINARY=$METRO_TMP/bpf-metro
APP=a4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376

# Sets of capabilities(7): of both backends, of each, of none.
BOTH=000000c000003000 WITH_BPF=000000c000001000 WITH_PCAP=0000000000002000 NONE=0000000000000000

for tool in setpriv setcap; do
  have $tool || { tap_skip "privileges" "$tool is not installed" && tap_done && exit; }
done

chmod 711 "$METRO_TMP" && install -m 755 "$METRO_PROGRAM" "$BINARY"
mkdir "$OWN" && chown $ID:$ID "$OWN"
{ grep -v '^bpf-metro:' /etc/passwd && echo "bpf-metro:x:$ID:$ID::/:/usr/sbin/nologin"; } >"$METRO_TMP/passwd"
{ grep -v '^bpf-metro:' /etc/group && echo "bpf-metro:x:$ID:" &&
  echo "metro-socket:x:$SOCKET_GROUP:bpf-metro"; } >"$METRO_TMP/group"
grep -v '^bpf-metro:' /etc/passwd >"$METRO_TMP/passwd-without"

metro_setup_pair privileges && start_server || bail_out "two hosts and a server"

# ---- starting it ---------------------------------------------------------------------------------

# with_users PASSWD NAME ARGUMENT...: starts bpf-metro as root where there are these users. ip netns exec
# has made a mount namespace.
# shellcheck disable=SC2016 # for the other shell
with_users() {
  local users=$1 name=$2
  shift 2
  start_background "$name" in_client setpriv --groups 0,4 sh -c \
    'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group && mount -t tmpfs none /run && shift 2 &&
      exec "$@"' \
    sh "$users" "$METRO_TMP/group" "$BINARY" "$@"
}

as_root() { # NAME ARGUMENT...
  with_users "$METRO_TMP/passwd" "$@"
}

live() { # STARTER NAME ARGUMENT...
  "$1" "$2" "${@:3}" --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" && await_metro "$2"
}

# ---- what its threads are ------------------------------------------------------------------------

# of_threads NAME FIELD: what each thread has, each value once.
of_threads() {
  sed -n "s/^$2:[[:space:]]*//p" /proc/"$(background_pid "$1")"/task/*/status 2>/dev/null |
    sed 's/[[:space:]]*$//' | tr '\t' ' ' | sort -u | paste -sd,
}

of_main() { # NAME FIELD
  local pid
  pid=$(background_pid "$1")
  sed -n "s/^$2:[[:space:]]*//p" "/proc/$pid/task/$pid/status"
}

# threads_are NAME UID GID GROUPS: and nobody can gain anything.
threads_are() {
  equal users "$2 $2 $2 $2" "$(of_threads "$1" Uid)" && equal groups "$3 $3 $3 $3" "$(of_threads "$1" Gid)" &&
    equal "more groups" "$4" "$(of_threads "$1" Groups)" &&
    equal inheritable $NONE "$(of_threads "$1" CapInh)" && equal ambient $NONE "$(of_threads "$1" CapAmb)" &&
    equal no_new_privs 1 "$(of_threads "$1" NoNewPrivs)" && equal seccomp 2 "$(of_threads "$1" Seccomp)"
}

bounded() { # NAME
  equal bounding $NONE "$(of_threads "$1" CapBnd)"
}

# capable NAME SET [THREADS]: the main thread has these, others the same or none.
capable() {
  equal permitted "$2" "$(of_main "$1" CapPrm)" && equal effective "$2" "$(of_main "$1" CapEff)" &&
    equal "of all threads" "${3:-$NONE,$2}" "$(of_threads "$1" CapPrm)" &&
    equal "of all threads, effective" "${3:-$NONE,$2}" "$(of_threads "$1" CapEff)"
}

measures() { # NAME
  load "load-$1" "$METRO_SERVER_V4" --count 50
  soon 3 samples_reach "$1" 50
}

ends_well() { # NAME
  stop_background "$1"
  equal status 0 $?
}

quiet() { # NAME: no news of no use
  ! grep -vE ' INFO (measuring|counters|stopped|.*: from now on)' "$METRO_TMP/$1.err"
}

# ---- live, as root -------------------------------------------------------------------------------

test_root() { # BACKEND SET
  live as_root metro --backend "$1" || bail_out "root, $1: it starts"
  tap_check "root, $1: another user, and no way back" threads_are metro $ID $ID "$ID $SOCKET_GROUP"
  tap_check "root, $1: the bounding set is empty" bounded metro
  tap_check "root, $1: the least capabilities" capable metro "$2"
  tap_check "root, $1: it measures" measures metro
  tap_check "root, $1: it ends well" ends_well metro
  tap_check "root, $1: whoever typed the command hears nothing of it" quiet metro
}

phases() {
  grep -o 'DEBUG privileges, .*' "$METRO_TMP/metro.err"
  log_has metro 'privileges, at the start: user 0, group 0, capabilities CAP_DAC_OVERRIDE, .*CAP_BPF$' &&
    log_has metro "privileges, ready to measure: user $ID, group $ID, capabilities CAP_NET_ADMIN, CAP_NET_RAW, .*; system calls filtered$" &&
    log_has metro "privileges, measuring with BPF: user $ID, group $ID, capabilities CAP_NET_ADMIN, CAP_NET_RAW, CAP_PERFMON, CAP_BPF; system calls filtered$"
}

part_root() {
  test_root auto $BOTH
  test_root bpf $WITH_BPF
  test_root pcap $WITH_PCAP
  live as_root metro -v
  tap_check "each phase says what is left" phases
  stop_background metro
  with_users "$METRO_TMP/passwd-without" metro --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" &&
    await_metro metro
  tap_check "root without such a user: root stays" threads_are metro 0 0 "0 4"
  tap_check "root without such a user: the same capabilities" capable metro $BOTH
  tap_check "root without such a user: it measures" measures metro
  tap_check "root without such a user: it ends well" ends_well metro
  tap_check "root without such a user: whoever typed the command hears nothing of it" quiet metro
  live as_root metro --user root --backend pcap
  tap_check "--user root: root stays, with its right to files" capable metro 0000000000002006
  stop_background metro
  live as_root metro --user daemon --backend pcap
  tap_check "--user daemon: that user" threads_are metro "$(id -u daemon)" "$(id -g daemon)" "$(id -g daemon)"
  stop_background metro
  as_root metro --user nobody-of-that-name -i lo 127.0.0.1
  wait_background metro 5
  tap_check "--user of a user who is not there: status 2" equal status 2 $?
  tap_check "--user of a user who is not there: that is said" log_has metro 'there is no user'
}

# ---- live, as others -----------------------------------------------------------------------------

with_file_capabilities() { # NAME ARGUMENT...
  start_background "$1" in_client setpriv --reuid $ID --regid $ID --clear-groups "$METRO_TMP/capable" "${@:2}"
}

with_ambient_capabilities() { # NAME ARGUMENT...
  local only=-all,+bpf,+perfmon,+net_admin,+net_raw
  start_background "$1" in_client setpriv --reuid $ID --regid $ID --clear-groups --inh-caps $only \
    --ambient-caps $only "$BINARY" "${@:2}"
}

test_starter() { # WHAT STARTER
  local case
  for case in bpf:$WITH_BPF pcap:$WITH_PCAP; do
    live "$2" metro --backend ${case%:*} || bail_out "$1, ${case%:*}: it starts"
    tap_check "$1, ${case%:*}: the same user, no way up" threads_are metro $ID $ID ""
    tap_check "$1, ${case%:*}: the least capabilities" capable metro ${case#*:}
    tap_check "$1, ${case%:*}: it measures" measures metro
    tap_check "$1, ${case%:*}: it ends well" ends_well metro
    tap_check "$1, ${case%:*}: no news" quiet metro
  done
}

# Without the bit that makes them effective by itself: an engine may take some away.
part_others() {
  install -m 755 "$METRO_PROGRAM" "$METRO_TMP/capable"
  if setcap cap_bpf,cap_perfmon,cap_net_admin,cap_net_raw+p "$METRO_TMP/capable" 2>/dev/null; then
    test_starter "file capabilities" with_file_capabilities
  else
    tap_skip "file capabilities" "this file system has none"
  fi
  test_starter "ambient capabilities" with_ambient_capabilities
  with_ambient_capabilities metro --user daemon -i lo 127.0.0.1
  wait_background metro 5
  tap_check "--user without root: status 1" equal status 1 $?
  tap_check "--user without root: that is said" log_has metro 'cannot become user daemon'
}

# ---- a daemon's life as another user -------------------------------------------------------------

config() { # MORE of init_config, MORE of the instance
  cat >"$CONFIG" <<END
init_config: {log_to_file: false, log_level: debug, report_interval: 1, statsd_ip: 127.0.0.1, $1}
instances:
  - {interface: "metro*", ips: [$METRO_SERVER_V4, 10.79.0.2], $2}
END
}

reloaded() { # TIMES
  [ "$(log_count "${2:-metro}" 'INFO reloaded')" -ge "$1" ]
}

hang_up() {
  kill -HUP "$(background_pid metro)"
}

add_interface() {
  ip link add metro-later netns "$METRO_CLIENT_NS" type veth peer name far netns "$METRO_SERVER_NS" &&
    ip -n "$METRO_CLIENT_NS" address add 10.79.0.1/24 dev metro-later &&
    ip -n "$METRO_SERVER_NS" address add 10.79.0.2/24 dev far &&
    ip -n "$METRO_SERVER_NS" link set far up && ip -n "$METRO_CLIENT_NS" link set metro-later up
}

remove_interface() {
  ip -n "$METRO_CLIENT_NS" link delete metro-later
}

later_is_measured() {
  log_has metro 'INFO measuring on metro-later' && load later 10.79.0.2 --count 30 &&
    soon 3 samples_reach metro 30 '"iface":"metro-later"'
}

test_daemon() { # BACKEND SET
  config "" ""
  as_root metro -c "$CONFIG" --backend "$1" --output json
  await_metro metro || bail_out "daemon, $1: it starts"
  add_interface
  tap_check "daemon, $1: its control socket is in a directory of its own" \
    is_owned "/proc/$(background_pid metro)/root/run/bpf-metro/bpf-metro.sock"
  tap_check "daemon, $1: an interface that comes later is measured" later_is_measured
  tap_check "daemon, $1: threads that came later are that user's" threads_are metro $ID $ID "$ID $SOCKET_GROUP"
  tap_check "daemon, $1: and have no more" capable metro "$2"
  remove_interface
  config "" "tags: [after]"
  hang_up
  tap_check "daemon, $1: a reload" wait_until 5 reloaded 1
  chmod 600 "$CONFIG" && chown 0:0 "$CONFIG"
  hang_up
  tap_check "daemon, $1: a reload of what only root can read says what to do" \
    log_has metro "ERROR $CONFIG: cannot read the configuration: Permission denied; bpf-metro runs as user bpf-metro now: .*--user root"
  tap_check "daemon, $1: it measures on" measures metro
  tap_check "daemon, $1: it ends well" ends_well metro
  rm "$CONFIG"
}

# Falls back while it runs: a VRF is not for BPF, and where there are none, without interfaces at first.
part_daemon() {
  test_daemon bpf $WITH_BPF
  test_daemon pcap $WITH_PCAP
  tap_check "libpcap after BPF has failed: what BPF would need is gone" fallen_back
}

# shellcheck disable=SC2016 # for the other shell
fallen_back() {
  start_background metro in_client capsh --drop=cap_bpf,cap_sys_admin -- -c 'exec "$0" "$@"' "$BINARY" \
    --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" && await_metro metro &&
    log_has metro 'falling back to libpcap' && capable metro $WITH_PCAP && measures metro && ends_well metro
}

# ---- files and sockets ---------------------------------------------------------------------------

is_owned() { # FILE
  equal "owner of $1" $ID "$(stat -c %u "$1")"
}

logging() {
  cat >"$CONFIG" <<END
init_config: {log_level: debug, report_interval: 1, statsd_ip: 127.0.0.1}
instances: [{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4]}]
END
  as_root metro -c "$CONFIG" --log "$1" --backend pcap
  wait_for_line "$1" 'INFO measuring on ' $READY_SECONDS
}

fill_log() { # FILE: to a line or two below where it is rotated
  head -c 99900 /dev/zero | tr '\0' '.' >"$1" && echo >>"$1"
}

part_log() {
  local log=$OWN/logs/metro.log
  logging "$log"
  tap_check "a log in its own directory is made by the user" is_owned "$log"
  mv "$log" "$OWN/moved" && hang_up
  tap_check "SIGHUP opens it again" soon 5 is_owned "$log"
  tap_check "it ends well" ends_well metro
  fill_log "$log" && chown $ID:$ID "$log" && logging "$log"
  tap_check "it is rotated" soon 5 is_owned "$log.1"
  stop_background metro

  log=$METRO_TMP/roots.log
  logging "$log"
  tap_check "a log where root alone may write: written, and what it cannot do is said" wait_for_line "$log" \
    "WARNING log file $log can be written, but neither rotated nor opened again: .*user bpf-metro.*--user root" 5
  tap_check "it ends well" ends_well metro

  # What a user who was taken over leaves for root to write to.
  echo secret >"$METRO_TMP/roots.file" && chmod 600 "$METRO_TMP/roots.file"
  ln -s "$METRO_TMP/roots.file" "$OWN/link.log"
  config "" "" && as_root metro -c "$CONFIG" --log "$OWN/link.log"
  tap_check "a link of the user's to a file of root's is not followed with root's rights" \
    log_has metro "WARNING cannot open log file $OWN/link.log: Permission denied"
  stop_background metro
  echo nonsense >"$CONFIG" && as_root metro -c "$CONFIG" --log "$OWN/link.log"
  wait_background metro 5
  as_root metro -r tests/data/captures/requests.pcap --log "$OWN/link.log"
  wait_background metro 5
  tap_check "and nothing was written there" equal text secret "$(cat "$METRO_TMP/roots.file")"
}

with_socket() { # GROUP: of the socket
  start_background statsd in_client "$METRO_BUILD/statsd_listen" --raw --unix "$METRO_TMP/statsd.sock" &&
    wait_for_line "$METRO_TMP/statsd.err" '^listening on' 5 &&
    chmod 660 "$METRO_TMP/statsd.sock" && chown "0:$1" "$METRO_TMP/statsd.sock" || return
  cat >"$CONFIG" <<END
init_config: {log_to_file: false, report_interval: 0.5, statsd_socket: "unix://$METRO_TMP/statsd.sock"}
instances: [{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4]}]
END
  as_root metro -c "$CONFIG" --backend pcap
  await_metro metro && load rr "$METRO_SERVER_V4" --count 20
}

part_socket() {
  with_socket $SOCKET_GROUP
  tap_check "a socket of a group that the user is a member of" \
    wait_until 5 gauge_arrived statsd system.net.tcp.rtt.avg
  stop_background metro
  stop_background statsd
  rm -f "$METRO_TMP/statsd.sock"
  with_socket 0
  tap_check "a socket of root's: what to do is said" \
    log_has metro 'WARNING StatsD server .*: Permission denied; .*user bpf-metro.*--user root'
  stop_background metro
}

# ---- containers ----------------------------------------------------------------------------------

CGROUPS=
remove_cgroups() {
  metro_cleanup
  [ -z "$CGROUPS" ] || wait_until 5 find "$CGROUPS" -depth -type d -exec rmdir {} +
}

make_cgroup() {
  local mount
  for mount in /sys/fs/cgroup /sys/fs/cgroup/{unified,pids,freezer}; do
    mkdir "$mount/metro-e2e-$$" 2>/dev/null || continue
    CGROUPS=$mount/metro-e2e-$$
    [ -w "$CGROUPS/cgroup.procs" ] && mkdir "$CGROUPS/docker-$APP.scope" && return
  done
  return 1
}

# shellcheck disable=SC2016 # for the other shell
start_container() {
  start_background app sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh \
    "$CGROUPS/docker-$APP.scope" ip netns exec "$METRO_SERVER_NS" sleep 60
}

# hidden: with /proc as hidepid shows it
# shellcheck disable=SC2016 # for the other shell
as_root_hidden() { # NAME ARGUMENT...
  start_background "$1" in_client sh -c 'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group &&
    mount -t proc -o hidepid=2 proc /proc && mount -t tmpfs none /run && shift 2 && exec "$@"' \
    sh "$METRO_TMP/passwd" "$METRO_TMP/group" "$BINARY" "${@:2}"
}

part_containers() {
  local starter set
  trap remove_cgroups EXIT
  make_cgroup || { tap_skip "containers" "no cgroup can be made here" && return; }
  for starter in as_root as_root_hidden; do
    [ $starter = as_root ] && set=$WITH_BPF || set=000000c000081000 # CAP_SYS_PTRACE
    config "" "containers: true" && $starter metro -c "$CONFIG" --backend bpf --output json &&
      await_metro metro
    start_container
    tap_check "$starter: a container that comes later is found" \
      log_has metro "at the other end is container $APP" 15
    [ $starter = as_root ] || tap_check "$starter: what that takes is kept by the main thread and the one that looks" \
      capable metro $set "$NONE,0000000000080000,$set"
    [ $starter != as_root ] || tap_check "$starter: that takes no capability" capable metro $set
    tap_check "$starter: it ends well" ends_well metro
    stop_background app
  done
}

# ---- no privileges at all ------------------------------------------------------------------------

# shellcheck disable=SC2016 # for the other shell
reading() { # STARTER ARGUMENT...: a pipe that is silent after its first packets
  rm -f "$METRO_TMP/fifo" && mkfifo "$METRO_TMP/fifo" &&
    "$1" metro -r "$METRO_TMP/fifo" --output json "${@:2}"
  exec 9>"$METRO_TMP/fifo"
  cat tests/data/captures/requests.pcap >&9
  soon 5 samples_reach metro 20
}

end_reading() {
  exec 9>&-
  wait_background metro 5
  equal status 0 $? && quiet metro
}

# Nobody takes its output: so it waits, and so does the thread that inflates.
inflating() {
  python3 tests/bench/capture.py "$METRO_TMP/large.pcap" 40000 30 24 && gzip -1 "$METRO_TMP/large.pcap" || return 1
  rm -f "$METRO_TMP/metro.out" && mkfifo "$METRO_TMP/metro.out" && exec 8<>"$METRO_TMP/metro.out" || return 1
  as_root metro -r "$METRO_TMP/large.pcap.gz" --output json
  soon 5 has_threads metro "$(($(nproc) > 1 ? 2 : 1))"
}

has_threads() { # NAME COUNT
  local tasks=(/proc/"$(background_pid "$1")"/task/*)
  [ ${#tasks[@]} -eq "$2" ]
}

end_inflating() {
  start_background drain cat "$METRO_TMP/metro.out"
  wait_background metro 10
  equal status 0 $? && quiet metro
  local status=$?
  exec 8>&-
  wait_background drain 5
  rm -f "$METRO_TMP/metro.out"
  return $status
}

with_no_user() {
  with_users "$METRO_TMP/passwd-without" "$@"
}

part_offline() {
  local case starter id groups
  for case in "as_root:$ID:$ID $SOCKET_GROUP" "with_no_user:65534:" "with_ambient_capabilities:$ID:"; do
    IFS=: read -r starter id groups <<<"$case"
    tap_check "offline, $starter: it reads" reading "$starter"
    tap_check "offline, $starter: a user without a way up" threads_are metro "$id" "$id" "$groups"
    tap_check "offline, $starter: no capabilities" capable metro $NONE $NONE
    tap_check "offline, $starter: it ends well" end_reading
  done
  tap_check "offline, compressed: it reads" inflating
  tap_check "offline, compressed: users without a way up" threads_are metro $ID $ID "$ID $SOCKET_GROUP"
  tap_check "offline, compressed: no capabilities" capable metro $NONE $NONE
  tap_check "offline, compressed: it ends well" end_inflating
  tap_check "offline, with --filter: it reads" reading as_root --filter 'tcp and host 10.77.0.2'
  tap_check "offline, with --filter: no capabilities" capable metro $NONE $NONE
  tap_check "offline, with --filter: it ends well" end_reading
}

# Names in front of it keep it waiting for a moment: nobody answers.
# shellcheck disable=SC2016 # for the other shell
part_captures() {
  local capture=$OWN/requests.pcap
  cp tests/data/captures/requests.pcap "$capture" && chmod 644 "$capture"
  echo "nameserver ${METRO_SERVER_V4%.*}.9" >"$METRO_TMP/resolv.conf"
  captures_config "{interface: file, pcap: $capture, ips: [0.0.0.0/0], hosts: [silent.example]}"
  start_background metro in_client sh -c 'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group &&
    mount --bind "$3" /etc/resolv.conf && mount -t tmpfs none /run && shift 3 && exec "$@"' sh "$METRO_TMP/passwd" "$METRO_TMP/group" \
    "$METRO_TMP/resolv.conf" "$BINARY" -c "$CONFIG" --output json
  log_has metro 'privileges, ready to measure'
  tap_check "a configuration with capture files alone has no capabilities" capable metro $NONE $NONE
  captures_config "{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4]}"
  hang_up
  tap_check "interfaces that a reload brings need a restart, and that is said" \
    log_has metro 'ERROR no interface is measured: .*restart it'
  stop_background metro
  captures_config "{interface: file, pcap: $capture, ips: [0.0.0.0/0]}"
  as_root metro -c "$CONFIG" --output json
  wait_background metro 10
  tap_check "capture files of a configuration: they are read" samples_reach metro 50
  chmod 600 "$capture"
  as_root metro -c "$CONFIG" --output json
  wait_background metro 10
  tap_check "a capture file that only root may read: what to do is said" \
    log_has metro "ERROR .*: Permission denied; bpf-metro runs as user bpf-metro now: .*--user root"
}

captures_config() { # INSTANCE
  printf '%s\n' 'init_config: {log_to_file: false, log_level: debug}' "instances: [$1]" >"$CONFIG"
}

if [ $# -gt 0 ]; then
  "part_$1"
else
  tap_parts root others daemon log socket containers offline captures
fi
tap_done
