#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Whatever is in BPF's way is named, one thing with its cure, by --probe and by the line that explains libpcap:
# capabilities, seccomp, a user namespace, locked memory. What is not needed here is in nobody's way. A
# control group's memory is in test_memory.sh; lockdown and old kernels take another kernel.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

for tool in setpriv capsh unshare; do
  have $tool || {
    tap_skip "probe" "$tool is not installed" && tap_done
    exit
  }
done
metro_setup_pair probe || bail_out "two hosts"

# Where any user may run it.
BINARY=$METRO_TMP/bpf-metro
chmod 711 "$METRO_TMP" && install -m 755 "$METRO" "$BINARY"
FORBIDDEN=$METRO_BUILD/bpf_forbidden

# In which circumstances: each of these becomes COMMAND..., run in them.
enter() { exec ip netns exec "$METRO_CLIENT_NS" "$@"; }
as_it_is() { enter "$@"; }
without() { # CAPABILITIES COMMAND...: as root, and CAP_SYS_ADMIN, which stands for some, goes, too
  # shellcheck disable=SC2016 # for the other shell
  enter capsh "--drop=cap_sys_admin${1:+,$1}" -- -c 'exec "$0" "$@"' "${@:2}"
}
filtered() { enter "$FORBIDDEN" "$@"; } # ERRNO|kill|none COMMAND...
filtered_without() { # CAPABILITIES COMMAND...
  # shellcheck disable=SC2016 # for the other shell
  enter "$FORBIDDEN" 1 capsh "--drop=cap_sys_admin,$1" -- -c 'exec "$0" "$@"' "${@:2}"
}
# As systemd has it with ProcSubset=pid.
# shellcheck disable=SC2016 # for the other shell
hidden() { # ERRNO|none COMMAND...
  enter unshare -m sh -c 'mount -t proc -o subset=pid proc /proc && exec "$@"' sh "$FORBIDDEN" "$@"
}
# As it looks in a kernel that was built without.
# shellcheck disable=SC2016 # for the other shell
built_without() {
  enter unshare -m sh -c 'mount -t tmpfs none /proc/sys/kernel && exec "$@"' sh "$FORBIDDEN" 38 "$@"
}
in_user_namespace() { enter unshare -r "$@"; }
# shellcheck disable=SC2016 # for the other shell
in_own_network() { enter unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"; }
# shellcheck disable=SC2016 # for the other shell
locked() { enter capsh --drop=cap_sys_resource -- -c 'ulimit -l 64; exec "$0" "$@"' "$@"; }
nobody() { enter setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
nobody_new() { nobody setpriv --no-new-privs "$@"; }
nobody_with() { # CAPABILITIES COMMAND...: has these alone
  enter setpriv --reuid 65534 --regid 65534 --clear-groups \
    --inh-caps "-all,$1" --ambient-caps "-all,$1" --bounding-set "-all,$1" "${@:2}"
}

# probe STATUS BPF LIBPCAP WHERE...: --probe ends so, and says so of both: patterns.
probe() {
  local status expected=$1 bpf=$2 pcap=$3
  shift 3
  ("$@" "$BINARY" --probe -i "$INTERFACE") >"$METRO_TMP/probe.out" 2>"$METRO_TMP/probe.err"
  status=$?
  cat "$METRO_TMP/probe.out" "$METRO_TMP/probe.err"
  equal status "$expected" $status && [ ! -s "$METRO_TMP/probe.err" ] &&
    grep -qE "^BPF: $bpf" "$METRO_TMP/probe.out" && grep -qE "^libpcap: $pcap" "$METRO_TMP/probe.out"
}

row() { # NAME ANSWER PATTERN: the last table has this row.
  awk -v name="$1" -v answer="$2" -v pattern="$3" '
    index($0, name " ") == 1 { row = $0; rest = substr($0, 25, 3); gsub(" ", "", rest) }
    END { print row; exit !(rest == answer && row ~ pattern) }' "$METRO_TMP/probe.out"
}

# falls_back PATTERN WHERE...: measures with libpcap and says why, and the verifier was left alone: it takes
# seconds for what it refuses in the end.
falls_back() {
  local pattern=$1
  shift
  start_background metro "$@" "$BINARY" -v --output json -i "$INTERFACE" 0.0.0.0/0
  wait_until 3 metro_measures_or_ended metro
  stop_background metro
  equal status 0 $? && cat "$METRO_TMP/metro.err" &&
    equal lines 1 "$(log_count metro "WARNING BPF cannot be used here: $pattern.*; falling back to libpcap$")" &&
    equal warnings 1 "$(log_count metro ' (WARNING|ERROR|CRITICAL) ')" &&
    grep -q "INFO measuring on $INTERFACE with libpcap" "$METRO_TMP/metro.err" &&
    equal loads 0 "$(log_count metro 'PROG LOAD LOG')"
}

INTERFACE=$METRO_CLIENT_IF
has_tcx && HOOK=tcx || HOOK=clsact

# ---- nothing is in the way -------------------------------------------------------------------------

tap_check "root: BPF, at $HOOK" probe 0 "yes: $INTERFACE: $HOOK" yes as_it_is
tap_check "every row has its place and its reason" awk '
  NR == 1 && !/^bpf-metro [0-9.]+.*, user 0, interface / { bad = 1 }
  NR > 2 && !$0 { exit }
  NR > 2 && substr($0, 24) !~ /^ (yes|no |\?  ) +[^ ].*  [^ ]/ { print; bad = 1 }
  END { exit bad || NR < 25 }' "$METRO_TMP/probe.out"

nothing_is_left() {
  ! clsact_is_there && { ! have bpftool || [ -z "$(in_client bpftool net show dev "$INTERFACE" | grep metro_)" ]; }
}
tap_check "it leaves nothing on the interface" nothing_is_left

clsact_is_tried() {
  in_client "$BINARY" --probe -i "$INTERFACE" --hook clsact >"$METRO_TMP/probe.out"
  equal status 0 $? && row attaching yes clsact && row clsact yes attached && nothing_is_left
}
tap_check "--hook clsact: clsact is tried" clsact_is_tried
xdp_is_tried() {
  in_client "$BINARY" --probe -i lo --hook xdp >"$METRO_TMP/probe.out"
  equal status 0 $? && row attaching yes "xdp and $HOOK .generic XDP"
}
tap_check "--hook xdp: says which kind of XDP" xdp_is_tried

# Other processes take their share of the CPUs, so what counts is what it takes itself.
is_fast() {
  local taken
  taken=$(TIMEFORMAT='%U %S' && { time in_client "$BINARY" --probe -i "$INTERFACE" >/dev/null; } 2>&1)
  echo "user and system: $taken s"
  echo "$taken" | awk '{ exit $1 + $2 > 0.6 }'
}
if [ "$READY_SECONDS" -le 15 ]; then
  tap_check "it takes a fraction of a second" is_fast
else
  tap_skip "it takes a fraction of a second" "this machine is said to be slow"
fi

for name in sys_admin sys_ptrace sys_resource; do
  tap_check "without CAP_${name^^}: BPF" probe 0 "yes: " yes without "cap_$name"
done
tap_check "a filter that lets bpf() through: BPF" probe 0 "yes: " yes filtered none
tap_check "the row says so" row 'seccomp allows bpf()' yes 'lets it through'
tap_check "a user with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: BPF" \
  probe 0 "yes: " 'no: CAP_NET_RAW is missing, taken away' nobody_with +bpf,+net_admin,+perfmon

# As the image has it. The daemon puts into effect what the file permits, and so must this.
permitted() {
  have setcap || PATH=$PATH:/sbin:/usr/sbin
  cp "$BINARY" "$METRO_TMP/permitted" && chmod 755 "$METRO_TMP/permitted" &&
    setcap cap_bpf,cap_perfmon,cap_net_admin,cap_net_raw+p "$METRO_TMP/permitted" &&
    (BINARY=$METRO_TMP/permitted && probe 0 'yes: ' yes nobody) && row CAP_BPF yes effective
}
if PATH=$PATH:/sbin:/usr/sbin have setcap; then
  tap_check "capabilities that the file has as permitted, not as effective: BPF" permitted
else
  tap_skip "capabilities that the file has as permitted" "setcap is not installed"
fi

# ---- capabilities ----------------------------------------------------------------------------------

AWAY='taken away by what starts bpf-metro: use --cap-add'
for name in bpf net_admin; do
  why="CAP_${name^^} is missing, $AWAY"
  tap_check "without CAP_${name^^}: libpcap" probe 3 "no: $why" yes without "cap_$name"
  tap_check "its row says where it is lost" row "CAP_${name^^}" no 'not in the bounding set'
  tap_check "without CAP_${name^^}: one line says why, at once" falls_back "$why" without "cap_$name"
done

# The verifier of some kernels does without.
without_perfmon() {
  local why="CAP_PERFMON is missing, $AWAY"
  probe "" "" "" without cap_perfmon >/dev/null
  if row verifier yes 'without CAP_PERFMON'; then
    probe 0 'yes: ' yes without cap_perfmon
  else
    row verifier no 'it refuses' && probe 3 "no: $why" yes without cap_perfmon &&
      falls_back "$why" without cap_perfmon
  fi
}
tap_check "without CAP_PERFMON: as the verifier has it, and at once" without_perfmon
tap_check "without CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: all are named" \
  falls_back "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are missing, $AWAY" without cap_bpf,cap_net_admin,cap_perfmon
tap_check "without CAP_NET_RAW: BPF all the same" \
  probe 0 "yes: " "no: CAP_NET_RAW is missing, $AWAY" without cap_net_raw
tap_check "without CAP_BPF and CAP_NET_RAW: nothing" \
  probe 1 "no: CAP_BPF is missing" "no: CAP_NET_RAW is missing, $AWAY" without cap_bpf,cap_net_raw

ALL='CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are missing'
tap_check "an ordinary user: nothing, and how to give it" \
  probe 1 "no: $ALL, not given to this user: run it as root, " 'no: CAP_NET_RAW is missing, not given' nobody
tap_check "its rows say that one cannot ask" row 'ring buffer' '?' 'cannot be asked here'
tap_check "an ordinary user with no_new_privs: nothing, and that it is why" \
  probe 1 "no: $ALL, and no_new_privs" 'no: CAP_NET_RAW is missing, and no_new_privs' nobody_new

# ---- seccomp ---------------------------------------------------------------------------------------

# As podman of Debian 12 has it, newer ones, and systemd.
for answer in 1 38 kill; do
  case $answer in
    1) how='.* answers bpf.. with "Operation not permitted"' ;;
    38) how='.* answers bpf.. with "Function not implemented"' ;;
    kill) how='.* ends whoever calls' ;;
  esac
  why="seccomp forbids bpf.. .$how.*: allow it in the profile"
  tap_check "all capabilities, and a filter ($answer): libpcap" probe 3 "no: $why" yes filtered $answer
  tap_check "all capabilities, and a filter ($answer): one line says why" falls_back "$why" filtered $answer
done
if unshare -m mount -t proc -o subset=pid proc /proc 2>/dev/null; then # Linux 5.8
  tap_check "/proc without sysctls, and a filter that lets bpf() through: BPF" probe 0 "yes: " yes hidden none
  tap_check "/proc without sysctls, and another filter: libpcap" probe 3 "no: seccomp forbids" yes hidden 38
else
  tap_skip "/proc without sysctls" "this kernel has no subset=pid"
fi
tap_check "a filter and no CAP_BPF: the capability comes first" \
  probe 3 "no: CAP_BPF is missing" yes filtered_without cap_bpf

why='this kernel is built without CONFIG_BPF_SYSCALL: BPF takes another kernel'
tap_check "a kernel without BPF: libpcap" probe 3 "no: $why" yes built_without
tap_check "a kernel without BPF: one line says why" falls_back "$why" built_without

# ---- namespaces, limits ----------------------------------------------------------------------------

why='in a user namespace, capabilities do not count for BPF: start it outside'
tap_check "in a user namespace, and another's network: nothing" \
  probe 1 "no: $why" 'no: this network belongs to another user namespace' in_user_namespace
INTERFACE=lo
tap_check "in a user namespace with a network of its own: libpcap" probe 3 "no: $why" yes in_own_network
tap_check "in a user namespace: one line says why" falls_back "$why" in_own_network
INTERFACE=$METRO_CLIENT_IF

if [ "$(printf '%s\n' 5.11 "$(uname -r)" | sort -V | head -n 1)" = 5.11 ]; then
  tap_check "little locked memory, which does not count: BPF" probe 0 'yes: ' yes locked
else
  why='RLIMIT_MEMLOCK is 0.1 MiB, and the maps take [0-9.]* MiB: raise it'
  tap_check "little locked memory: libpcap" probe 3 "no: $why" yes locked
  tap_check "little locked memory: one line says why" falls_back "$why" locked
fi

# ---- usage -----------------------------------------------------------------------------------------

wrong() {
  in_client "$BINARY" "$@"
  equal status 2 $?
}
tap_check "an interface that is not there: status 2" wrong --probe -i nosuch0
tap_check "--probe with a PEER: status 2" wrong --probe -i "$INTERFACE" 192.0.2.1
tap_check "--probe with -r: status 2" wrong --probe -r /dev/null
no_default_route() {
  in_client "$BINARY" --probe >"$METRO_TMP/probe.out"
  equal status 0 $? && row attaching '?' 'name one with -i'
}
tap_check "without a default route: programs are loaded, and attached nowhere" no_default_route
tap_done
