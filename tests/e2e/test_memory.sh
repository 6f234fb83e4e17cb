#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# In a memory control group with little room: BPF where it fits, else libpcap with a line that names need and
# limit, and never an end by the kernel. --check prints the sum, which is about what is charged.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

GROUPS_MADE=()
LIMIT_FILE='' # of version 1 or 2

# memory_parents: directories below which a group with a limit may be made, ours first.
memory_parents() {
  local mount own
  for mount in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    [ -e "$mount/cgroup.procs" ] || continue
    own=$(awk -F: -v v1="${mount##*/}" '$2 == "memory" && v1 == "memory" || $2 == "" && v1 != "memory" {
      print $3 }' /proc/self/cgroup)
    echo "$mount${own%/}"
    [ "${own%/}" = '' ] || echo "$mount"
  done
}

# make_group NAME MIB: sets GROUP to a new group with that limit; MIB 0 is none.
make_group() {
  local file
  GROUP=$PARENT/$1
  mkdir "$GROUP" 2>/dev/null || return
  GROUPS_MADE+=("$GROUP")
  for file in memory.max memory.limit_in_bytes; do
    [ -e "$GROUP/$file" ] || continue
    LIMIT_FILE=$file
    [ "$2" = 0 ] || echo $(($2 * 1024 * 1024)) 2>/dev/null >"$GROUP/$file"
    return
  done
  return 1
}

remove_groups() {
  local i
  for ((i = ${#GROUPS_MADE[@]} - 1; i >= 0; i--)); do
    wait_until 3 rmdir "${GROUPS_MADE[i]}" 2>/dev/null
  done
  GROUPS_MADE=()
}

find_parent() {
  for PARENT in $(memory_parents); do
    make_group "metro-test-$$" 64 && remove_groups && return
    remove_groups
  done
  return 1
}

trap 'stop_all_background; remove_groups; metro_cleanup' EXIT
find_parent || {
  tap_skip "memory" "no memory control group can be made here" && tap_done
  exit
}
metro_setup_pair memory && start_server || bail_out "two hosts and a server"

# `ip netns exec` mounts another /sys, where no limit is seen.
# in_group COMMAND...: in GROUP, and the client's network
# shellcheck disable=SC2016 # for the other shell
in_group() {
  sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh "$GROUP" \
    nsenter --net="/run/netns/$METRO_CLIENT_NS" "$@"
}

# shellcheck disable=SC2016 # for the other shell
start_in_group() { # NAME ARGUMENT...
  local name=$1
  shift
  start_background "$name" sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh "$GROUP" \
    nsenter --net="/run/netns/$METRO_CLIENT_NS" \
    "$METRO" --output json "$@"
  wait_until "$READY_SECONDS" metro_measures_or_ended "$name"
}

oom_kills() {
  cat "$GROUP/memory.events" "$GROUP/memory.oom_control" 2>/dev/null | awk '$1 == "oom_kill" { print $2 }'
}

# need_bpf ARGUMENT...: what --check says is needed with BPF, in MiB
need_bpf() {
  "$METRO" --check "$@" | tee "$METRO_TMP/check.out" |
    sed -n 's/^memory, at most: \([0-9.]*\) MiB with BPF .*/\1/p'
}

USUAL=(-i "$METRO_CLIENT_IF" "$METRO_SERVER_V4")
NEED_BPF=$(need_bpf "${USUAL[@]}")
NEED_PCAP=$(sed -n 's/.*; \([0-9.]*\) MiB with libpcap .*/\1/p' "$METRO_TMP/check.out")
tap_check "--check prints the sum for both backends" \
  holds 'bpf > 16 && pcap > 16 && bpf < 64 && pcap < 24' "bpf=$NEED_BPF" "pcap=$NEED_PCAP"

# expected MIB: bpf, pcap, or any where the need is about the limit.
expected() {
  awk -v limit="$1" -v need="$NEED_BPF" 'BEGIN {
    print (limit >= 1.05 * need ? "BPF" : limit * 1.15 <= need ? "libpcap" : "(BPF|libpcap)") }'
}

measures() { # MIB
  local status way
  way=$(expected "$1") && [ -n "$way" ] || return
  cat "$METRO_TMP/metro.err"
  grep -qE "INFO measuring on $METRO_CLIENT_IF with $way" "$METRO_TMP/metro.err" || return
  load rr "$METRO_SERVER_V4" --count 50
  wait_until 2 samples_reach metro 50
  stop_background metro
  status=$?
  equal status 0 $status && equal samples 50 "$(samples metro)"
}

says_why() { # MIB
  local limit="limit is $1.0 MiB \\($LIMIT_FILE"
  cat "$METRO_TMP/metro.err"
  case $(expected "$1") in
    BPF) equal warnings 0 "$(log_count metro 'WARNING .*MiB')" ;;
    libpcap)
      equal reasons 1 "$(log_count metro \
        "WARNING BPF cannot be used here: .*; it takes [0-9.]+ MiB at the start, .* and the $limit.*; falling back")" ;;
  esac
}

warns_of_later() { # MIB
  equal warnings "$(awk -v need="$NEED_PCAP" -v limit="$1" 'BEGIN { print (need > limit ? 1 : 0) }')" \
    "$(log_count metro "WARNING up to $NEED_PCAP MiB may be needed with libpcap .*limit is $1.0 MiB")"
}

for limit in 16 24 32 64; do
  make_group "metro-test-$$-$limit" $limit || bail_out "a group with $limit MiB"
  start_in_group metro "${USUAL[@]}"
  tap_check "$limit MiB: it measures, with $(expected $limit)" measures $limit
  tap_check "$limit MiB: where BPF has no room, need and limit are said" says_why $limit
  tap_check "$limit MiB: the kernel has ended nothing" equal kills 0 "$(oom_kills)"
  [ "$(expected $limit)" != libpcap ] ||
    tap_check "$limit MiB: what libpcap may come to need is warned of" warns_of_later $limit
done

# The verifier's share is charged since Linux 6.17, and a distribution's kernel may be another one.
charged() {
  local most
  most=$(cat "$GROUP/memory.peak" "$GROUP/memory.max_usage_in_bytes" 2>/dev/null)
  holds 'most / 1048576 <= 1.15 * need && (old || most / 1048576 >= 0.85 * need)' \
    "most=$most" "need=$NEED_BPF" "old=$(uname -r | awk -F. '{ print ($1 < 6 || $1 == 6 && $2 < 17) }')"
}
if [ -e "$GROUP/memory.peak" ] || [ -e "$GROUP/memory.max_usage_in_bytes" ]; then
  tap_check "64 MiB: what was charged at most is what --check says, to 15 %" charged
else
  tap_skip "what was charged at most" "this kernel does not tell"
fi

bpf_alone_fails() {
  local status
  wait_background metro 5
  status=$?
  cat "$METRO_TMP/metro.err"
  equal status 1 $status && equal kills 0 "$(oom_kills)" &&
    log_has metro "CRITICAL cannot measure: .*MiB at the start.*the limit is 16.0 MiB \\($LIMIT_FILE" 1
}
make_group "metro-test-$$-bpf" 16
start_in_group metro --backend bpf "${USUAL[@]}"
tap_check "16 MiB, --backend bpf: status 1, with need and limit" bpf_alone_fails

probe_tells() {
  local status
  in_group "$METRO" --probe -i "$METRO_CLIENT_IF" | tee "$METRO_TMP/probe.out"
  status=${PIPESTATUS[0]}
  equal status 3 "$status" && equal kills 0 "$(oom_kills)" &&
    grep -qE "^memory +no " "$METRO_TMP/probe.out" &&
    grep -qE "^BPF: no: BPF takes [0-9.]+ MiB at the start, and the limit is 16.0 MiB \($LIMIT_FILE.*: raise it" \
      "$METRO_TMP/probe.out"
}
tap_check "16 MiB, --probe: libpcap, with need and limit" probe_tells

# 2 MiB short: of these connections the index alone, which is made after the slots, takes 4.
cat >"$METRO_TMP/many.yaml" <<END
init_config: {log_to_file: false, max_flows: 131072}
instances: [{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4]}]
END
many_do_not_end_it() {
  cat "$METRO_TMP/metro.err"
  metro_measures metro && equal kills 0 "$(oom_kills)"
}
many=$(need_bpf -c "$METRO_TMP/many.yaml")
make_group "metro-test-$$-many" $((${many%.*} - 2)) || bail_out "a group for many connections"
start_in_group metro -c "$METRO_TMP/many.yaml"
tap_check "131,072 connections and too little for them: measured, and the kernel has ended nothing" many_do_not_end_it
stop_background metro

# The programs for data that arrives are loaded when the peers are there already: 57 MB are charged with these,
# and 45 without those programs.
{
  echo "init_config: {log_to_file: false, max_flows: 1000, reverse_names: false}"
  echo "instances: [{interface: $METRO_CLIENT_IF, direction: both, ips: ["
  seq 0 99999 | awk '{ printf "10.%d.%d.%d,\n", 128 + int($1 / 65536), int($1 / 256) % 256, $1 % 256 }'
  echo "  $METRO_SERVER_V4]}]"
} >"$METRO_TMP/both.yaml"
make_group "metro-test-$$-both" 50 || bail_out "a group for both ways"
start_in_group metro -c "$METRO_TMP/both.yaml"
tap_check "100,000 peers, both ways and too little for them: measured, and the kernel has ended nothing" \
  many_do_not_end_it
[ "$(uname -r | awk -F. '{ print ($1 > 6 || $1 == 6 && $2 >= 17) }')" = 0 ] ||
  tap_check ".. with libpcap, and why is said" log_has metro \
    "WARNING BPF cannot be used here: $METRO_CLIENT_IF: no room to load the BPF programs for data that arrives"
stop_background metro

make_group "metro-test-$$-around" 48
make_group "metro-test-$$-around/inner" 0
check_in_group() {
  in_group "$METRO" --check --backend bpf -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" | tee "$METRO_TMP/check.out"
  grep -qE "^memory, at most: $NEED_BPF MiB with BPF .*; the limit is 48.0 MiB \\($LIMIT_FILE" \
    "$METRO_TMP/check.out"
}
tap_check "--check says the limit of a group around ours" check_in_group
remove_groups
tap_done
