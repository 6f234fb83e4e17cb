# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A Debian that systemd boots in a container (systemd-nspawn), with a network of its own and a host beyond
# it. To be sourced behind tests/lib.sh. One at a time.
#
#   machine_make SUITE PACKAGE... || ...   its root, at $MACHINE_ROOT; status 77: not here, see
#                                          $MACHINE_REASON
#   machine_boot v1|v2 || ...              with that version of control groups; 77, again
#   inside COMMAND...                      as root
#   machine_off                            by systemctl poweroff; fails if that does not end it in 30 s
#
# The root is $METRO_TMP's, and the machine this script's child: both go with it, whatever ends it.

MACHINE_ROOT=$METRO_TMP/machine
MACHINE_REASON=
MACHINE_CGROUP=metro-machine-$$
MACHINE_PID= # of its first process

machine_reason() {
  MACHINE_REASON=$1
  return 77
}

machine_make() {
  local status
  command -v systemd-nspawn >/dev/null || machine_reason "there is no systemd-nspawn here" || return
  "$(dirname "${BASH_SOURCE[0]}")/../root.sh" make "$1" "$MACHINE_ROOT" "${@:2}" \
    >"$METRO_TMP/make.out" 2>&1
  status=$?
  [ $status = 0 ] || cat "$METRO_TMP/make.out" >&2
  [ $status != 77 ] || machine_reason "$(sed -n 's/.*SKIP: //p' "$METRO_TMP/make.out")"
  return $status
}

# Where it gets control groups of its own: those of two machines in one would end each other's processes.
machine_cgroup_mounts() {
  awk '$3 == "cgroup2" || ($3 == "cgroup" && $4 ~ /(^|,)name=systemd(,|$)/) { print $2 }' \
    /proc/self/mounts
}

machine_has_v1() {
  awk '$3 == "cgroup" && $4 ~ /(^|,)name=systemd(,|$)/ { found = 1 } END { exit !found }' /proc/self/mounts
}

machine_has_v2() {
  grep -q ' cgroup2 ' /proc/self/mounts
}

# BPF takes the system call and three capabilities; the kernel knows no network namespaces of users here.
machine_start() { # UNIFIED
  # shellcheck disable=SC2016 # for the other shell
  start_background machine env SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="$1" bash -c '
    group=$1 && shift
    while [ "$1" != -- ]; do
      mkdir -p "$1/$group" && echo $$ >"$1/$group/cgroup.procs" || exit
      shift
    done
    shift
    exec "$@"' bash "$MACHINE_CGROUP" $(machine_cgroup_mounts) -- \
    systemd-nspawn --quiet --directory="$MACHINE_ROOT" --machine="$MACHINE_CGROUP" --keep-unit \
    --register=no --private-network --system-call-filter=bpf \
    --capability=CAP_BPF,CAP_PERFMON,CAP_NET_ADMIN,CAP_NET_RAW --console=pipe --boot
}

machine_find() {
  MACHINE_PID=$(pgrep -P "$(background_pid machine)" | head -n 1)
  [ -n "$MACHINE_PID" ]
}

machine_is_up() {
  background_alive machine || return 0
  machine_find && inside systemctl is-system-running 2>/dev/null | grep -qE '^(running|degraded)'
}

machine_boot() {
  "machine_has_$1" || machine_reason "this kernel has no control groups $1 mounted" || return
  : >"$MACHINE_ROOT/etc/machine-id" # one for each boot; without the file, it asks questions first
  machine_start "$([ "$1" = v1 ] && echo 0 || echo 1)"
  wait_until 60 machine_is_up && background_alive machine && return
  [ -z "$MACHINE_PID" ] || inside systemctl list-jobs --no-pager >&2
  cat "$METRO_TMP/machine.out" "$METRO_TMP/machine.err" >&2
  return 1
}

inside() {
  nsenter --target "$MACHINE_PID" --all env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
    HOME=/root LANG=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER=cat "$@"
}

machine_remove_cgroups() {
  local mount
  for mount in $(machine_cgroup_mounts); do
    [ ! -d "$mount/$MACHINE_CGROUP" ] || find "$mount/$MACHINE_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null
  done
}

machine_off() {
  local status
  inside systemctl poweroff 2>/dev/null
  wait_background machine 30
  status=$?
  MACHINE_PID=
  machine_remove_cgroups
  return $status
}

# Behind the traps of lib.sh: nspawn needs no farewell, and takes all that runs in it along.
machine_cleanup() {
  trap '' INT TERM HUP
  [ -z "${METRO_PIDS[machine]:-}" ] || kill -KILL "${METRO_PIDS[machine]}" 2>/dev/null
  [ -z "$MACHINE_PID" ] || wait_until 5 metro_is_gone "$MACHINE_PID"
  machine_remove_cgroups
  metro_cleanup
}
trap machine_cleanup EXIT
