#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# kernels.sh [--quick | --tests LIST] [--record] [ROW...]: boots kernels of Debian's packages, runs bpf-metro and its
# tests in them, and prints what each of them has: a table, and the same as is recorded in
# tests/kernels/expected. Ends with status 1 if a row has become worse or other than recorded; --record writes
# what is true now. As root; QEMU emulates, so a row takes minutes. --quick leaves out the long tests, and
# --tests runs those alone.
#
# A row whose suite this host's mirror does not have is skipped. Kernels stay in $BUILD/kernels.
set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-build}
KERNELS=$(realpath -m "$BUILD/kernels")
EXPECTED=tests/kernels/expected
# shellcheck source=tests/kernels/fetch.sh
. tests/kernels/fetch.sh
# shellcheck source=tests/kernels/boot.sh
. tests/kernels/boot.sh
# shellcheck source=tests/kernels/judge.sh
. tests/kernels/judge.sh

# What is tried where. Left out are tests whose bounds an emulated processor does not keep, those of
# what no kernel changes, and those with programs of others.
QUICK="privileges test_slots test_marks test_fallback test_fq test_queues test_paced"
WHOLE="test_interface_kinds test_live_truth+netem test_clock_steps test_attachments test_retransmissions
 test_replay test_many_cpus test_leftovers test_directions test_router test_nonlinear"
NO_BPF="privileges test_without_bpf test_clock_steps" # what libpcap can do alone

# A row's kind of kernel and its suite. Out of several suites: that with the newest kernel.
declare -A ROWS=(
  [5.10]="qemu bullseye" [6.1]="qemu bookworm" [6.12]="qemu trixie" [newest]="qemu trixie-backports sid"
  [uml-5.10]="uml bullseye" [uml-6.1]="uml bookworm" [no-bpf]="uml bookworm"
)
ORDER="5.10 6.1 6.12 newest uml-5.10 uml-6.1 no-bpf"
SECONDS_FOR_ROW=${KERNELS_SECONDS:-1500}

quick=no only="" record=no worse=0 skipped=0
RESULTS=$(mktemp -d) || exit 1
clean_up() {
  boot_end
  rm -rf "$RESULTS"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- running a row -----------------------------------------------------------------------------------

tests_of() { # ROW
  [ -z "$only" ] || { echo "$only" && return; }
  case $1 in
    no-bpf) echo "$NO_BPF" ;;
    *) [ $quick = yes ] && echo "$QUICK" || echo "$QUICK $WHOLE" ;;
  esac
}

# get_kernel KIND SUITE...: DIR is where it is; the reason if there is none
get_kernel() {
  local kind=$1 suite
  shift
  suite=$(newest_suite "$@") || { echo "$suite" && return 3; }
  DIR=$KERNELS/$kind-$suite
  mkdir -p "$KERNELS" && fetch_kernel "$suite" "$kind" "$DIR"
}

run_row() { # ROW
  local row=$1 kind
  local -a command=(bash tests/kernels/inside.sh)
  # shellcheck disable=SC2086 # a list of words
  get_kernel ${ROWS[$row]} >"$RESULTS/why" || {
    echo "$row: SKIP $(cat "$RESULTS/why")"
    skipped=$((skipped + 1))
    return 0
  }
  kind=${ROWS[$row]%% *}
  [ "$row" != no-bpf ] || command=(bash tests/kernels/without_bpf.sh "${command[@]}")
  echo "# $row: $(ls "$DIR/lib/modules") ($kind)"
  # shellcheck disable=SC2046 # a list of words
  boot_kernel "$kind" "$DIR" "$SECONDS_FOR_ROW" "${command[@]}" $(tests_of "$row") \
    > >(tee "$RESULTS/$row.log") 2>&1 || echo "$row: the machine did not come to its end"
  sleep 0.5 # tee has the last line
  sed -n 's/^= //p' "$RESULTS/$row.log" >"$RESULTS/$row"
}

# ---- the table ----------------------------------------------------------------------------------------

# sum ROW COLUMN: over all tests
sum() {
  awk -v column="$2" '/^test_/ { sum += $column } END { print sum + 0 }' "$RESULTS/$1"
}

table() {
  local row
  printf '%-9s %-26s %-4s %-38s %6s %6s %7s\n' row kernel BTF "measures with" passed failed skipped
  for row in $ROWS_RUN; do
    printf '%-9s %-26s %-4s %-38s %6s %6s %7s\n' "$row" "$(value "$row" kernel)" "$(value "$row" btf)" \
      "$(value "$row" auto)" "$(sum "$row" 2)" "$(sum "$row" 3)" "$(sum "$row" 4)"
  done
  printf '\n%-9s %-7s %s\n' row way "privileges it needs"
  for row in $ROWS_RUN; do
    sed -n "s|^needs/\([^ ]*\) \(.*\)|\1 \2|p" "$RESULTS/$row" | while read -r way needs; do
      printf '%-9s %-7s %s\n' "$row" "$way" "$needs"
    done
  done
}

# ---- what was asked for ------------------------------------------------------------------------------

asked=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=yes ;;
    --tests) only=${2:?} && shift ;;
    --record) record=yes ;;
    *)
      [ -n "${ROWS[$1]:-}" ] || { echo "kernels.sh: no row '$1'; there are: $ORDER" >&2 && exit 2; }
      asked+=" $1"
      ;;
  esac
  shift
done
ROWS_RUN=
for row in ${asked:-$ORDER}; do
  run_row "$row"
  [ ! -e "$RESULTS/$row" ] || ROWS_RUN+=" $row"
done
echo
table
echo
for row in $ROWS_RUN; do
  if [ $record = yes ]; then record_row "$row"; else judge_row "$row"; fi
done
[ $worse = 0 ] || echo "If that is right, record it: tests/kernels.sh --record"
passed=0
for row in $ROWS_RUN; do
  passed=$((passed + $(sum "$row" 2)))
done
echo "$passed passed, $worse failed, $skipped skipped"
[ $worse = 0 ]
