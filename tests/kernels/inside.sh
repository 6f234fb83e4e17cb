#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# inside.sh privileges|TEST[+netem]...: what tests/kernels.sh runs in each of its virtual machines. Prints what this kernel
# is, what bpf-metro does and needs there, and what becomes of the tests, a line each:
#
#   = kernel VERSION       = btf yes|no       = auto HOW       = needs/WAY PRIVILEGES
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

# probe: what bpf-metro itself says about this kernel
probe() {
  echo "# bpf-metro --probe:"
  "$BUILD/bpf-metro" --probe 2>&1 | sed 's/^/# /'
}

privileges() (
  # shellcheck source=tests/e2e/common.sh
  . tests/e2e/common.sh
  # shellcheck source=tests/kernels/capabilities.sh
  . tests/kernels/capabilities.sh
  metro_setup_pair needs || exit
  chmod 711 "$METRO_TMP"
  NEEDS_BINARY=$METRO_TMP/bpf-metro
  install -m 755 "$METRO" "$NEEDS_BINARY"
  start_metro auto in_client -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4"
  say auto "$(sed -n 's/.*INFO measuring on [^ ]* with //p' "$METRO_TMP/auto.err")"
  grep WARNING "$METRO_TMP/auto.err" | sed 's/^/# /'
  stop_background auto
  if has_tcx; then
    say needs/tcx "$(needed_privileges --backend bpf --hook tc)"
  else
    say needs/tcx -
  fi
  say needs/clsact "$(needed_privileges --backend bpf --hook clsact)"
  say needs/xdp "$(needed_privileges --backend bpf --hook xdp)"
  say needs/pcap "$(needed_privileges --backend pcap)"
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
! "$BUILD/bpf-metro" --help | grep -q -- --probe || probe
for word in "$@"; do
  case $word in
    privileges) privileges ;;
    *) run_test "$word" ;;
  esac
done
