#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The BPF programs on all CPUs at once, data and ACKs of each flow on two of them: every ACK makes its
# sample, none is torn, none is lost on the way to the one reader. See tests/tools/many_cpus.c. And the ACKs
# of one flow on two of them: its samples come in order of time. See tests/tools/two_cpus.c.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

cpus=$(nproc)
THREADS=$((cpus < 2 ? 2 : cpus > 128 ? 128 : cpus))

many_cpus() { # THREADS SEGMENTS BATCH
  timeout 60 "$METRO_BUILD/many_cpus" "$@" >"$METRO_TMP/many_cpus.out"
  local status=$?
  metro_comment <"$METRO_TMP/many_cpus.out" >&2
  return $status
}

none_lost() {
  cat "$METRO_TMP/many_cpus.out"
  grep -q '"lost":0,' "$METRO_TMP/many_cpus.out"
}

# in_order DELAY_MS HOLD_US: none is older than one that came before it. On a virtual machine whose CPU was taken
# away for longer than samples are held, one may be: but then by that much.
in_order() {
  local found
  found=$(timeout 60 "$METRO_BUILD/two_cpus" 4 "$1") || return
  metro_comment <<<"with a delay of $1 ms: $found" >&2
  # shellcheck disable=SC2046 # words
  holds "samples > 1000 && (disordered == 0 || displaced_us > $2)" $(tr -d '{}"' <<<"$found" | tr ':,' '= ')
}

tap_check "$THREADS threads: each sample arrives and is right" many_cpus $THREADS 100000 15
tap_check "$THREADS threads: none is lost" none_lost
tap_check "eight threads: each sample arrives and is right" many_cpus 8 20000 15
tap_check "eight threads: none is lost" none_lost
# The reader is woken for each record, as by the text and JSON outputs.
tap_check "$THREADS threads, one sample a record: each arrives and is right" \
  many_cpus $THREADS 20000 1
tap_check "$THREADS threads, one sample a record: none is lost" none_lost
if [ "$cpus" -lt 2 ]; then
  tap_skip "ACKs of one connection on two CPUs" "there is one"
else
  tap_check "ACKs of one connection on two CPUs: its samples come in order of time" in_order 100 10000
  tap_check ".. also where they wait for 4 ms at most" in_order 4 2000
fi
tap_done
