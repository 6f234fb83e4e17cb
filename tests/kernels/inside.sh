#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# inside.sh privileges|TEST[+netem]...: what tests/kernels.sh runs in each of its virtual machines. Prints
# what this kernel is, what bpf-metro does and needs there, and what becomes of the tests, a line each:
#
#   = kernel VERSION       = btf yes|no       = auto HOW       = needs/WAY PRIVILEGES
#   = confined WHAT IT HAS LEFT, OF ALL THREADS                = probe agrees|differs
#   = TEST PASSED FAILED SKIPPED SECONDS
#
# TEST is a script of this directory or of e2e/; with +netem, that makes the troubles of its link. Lines
# that begin otherwise are for people. A test that fails runs once more, for an emulated processor
# stalls more often than a real one.
set -u
cd "$(dirname "$0")/../.." || exit 1
# An emulated processor takes its time for everything.
export METRO_READY_SECONDS=120 METRO_SET_CLOCK=1 BUILD=${BUILD:-build} LC_ALL=C
limit=240 # s, for a test

say() {
  echo "= $*"
}

facts() {
  say kernel "$(uname -r)"
  if [ -e /sys/kernel/btf/vmlinux ]; then say btf yes; else say btf no; fi
}

# probe_must_say HOW: what bpf-metro itself says about this kernel, to root; that it measures so
probe_must_say() {
  local said=libpcap
  echo "# bpf-metro --probe:"
  in_client "$METRO" --probe -i "$METRO_CLIENT_IF" >"$METRO_TMP/probe" 2>&1
  sed 's/^/# /' "$METRO_TMP/probe"
  ! grep -q '^bpf-metro measures with BPF here' "$METRO_TMP/probe" ||
    said=$(sed -n "s/^BPF: yes: $METRO_CLIENT_IF: \(.*\), in .*/BPF at \1/p" "$METRO_TMP/probe")
  echo "root: $said" >>"$NEEDS_ASKED"
  [ "$said" = "$1" ] || echo "root: --probe says '$said', not '$1'" >>"$NEEDS_WRONG"
}

# confined NAME: that it measures with what it has left, which is this
confined() {
  local field what
  load confined "$METRO_SERVER_V4" --count 20
  wait_until 5 samples_reach "$1" 20
  what="$(samples "$1") samples"
  for field in NoNewPrivs Seccomp CapEff CapBnd; do # of each thread, each value once
    what+=", $field $(sed -n "s/^$field:[[:space:]]*0*\([0-9a-f]\)/\1/p" \
      /proc/"$(background_pid "$1")"/task/*/status | sort -u | paste -sd/)"
  done
  echo "$what"
}

# The kernel, asked without bpf-metro's own checks, must need for loading what our own BPF needs in all.
kernel_agrees() { # NEEDS OF BPF
  local loading
  loading=$(needed_by loads_with)
  say needs/load "$loading"
  [ "$loading" = "$1" ] || echo "loading takes $loading, and bpf-metro asks for $1" >>"$NEEDS_WRONG"
}

privileges() (
  # shellcheck source=tests/e2e/common.sh
  . tests/e2e/common.sh
  # shellcheck source=tests/kernels/capabilities.sh
  . tests/kernels/capabilities.sh
  metro_setup_pair needs && start_server && needs_begin || exit
  start_metro auto in_client --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4"
  auto=$(sed -n 's/.*INFO measuring on [^ ]* with //p' "$METRO_TMP/auto.err")
  say auto "$auto"
  grep WARNING "$METRO_TMP/auto.err" | sed 's/^/# /'
  say confined "$(confined auto)"
  stop_background auto
  probe_must_say "$auto"
  if has_tcx; then
    say needs/tcx "$(needed_by measures_with --backend bpf --hook tc)"
  else
    say needs/tcx -
  fi
  needs=$(needed_by measures_with --backend bpf --hook clsact)
  say needs/clsact "$needs"
  kernel_agrees "$needs"
  say needs/xdp "$(needed_by measures_with --backend bpf --hook xdp)"
  say needs/pcap "$(needed_by measures_with --backend pcap)"
  if probe_agrees; then say probe agrees; else say probe differs; fi
)

# tried TEST: runs it; PASSED, FAILED and SKIPPED are its tests
tried() {
  local output=$TMPDIR/output script=${1%+*}.sh by=delay_link status
  [ -e "tests/kernels/$script" ] && script=tests/kernels/$script || script=tests/e2e/$script
  [ "${1%+netem}" = "$1" ] || by=netem
  METRO_TROUBLES_BY=$by timeout -k 10 $limit bash "$script" >"$output" 2>&1 </dev/null
  status=$?
  SKIPPED=$(grep -c '^ok .*# SKIP' "$output")
  PASSED=$(($(grep -c '^ok ' "$output") - SKIPPED))
  FAILED=$(grep -c '^not ok ' "$output")
  if [ $status != 0 ] && [ "$FAILED" = 0 ]; then
    echo "not ok - $1 ended with status $status"
    FAILED=1
  fi
  grep '^ok .*# SKIP' "$output" | sed 's/^/# /'
  awk '/^ok / { shown = 0 } /^not ok / { shown = 12 } shown-- > 0' "$output" | sed 's/^/# /'
}

run_test() {
  local begin=$SECONDS
  echo "# $1"
  tried "$1"
  if [ "$FAILED" != 0 ]; then
    echo "# $1 runs again"
    tried "$1"
  fi
  say "$1" "$PASSED $FAILED $SKIPPED $((SECONDS - begin))"
}

facts
for word in "$@"; do
  case $word in
    privileges) privileges ;;
    *) run_test "$word" ;;
  esac
done
