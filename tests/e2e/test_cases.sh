#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Captures that were measured wrongly once. They lie outside the repository.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib.sh

cases=../shared/cases

# samples FILE [OPTION...]: its samples in milliseconds, to 0.01, and how many of each: "20x5.00".
samples() {
  "$METRO_BUILD/bpf-metro" -r "$cases/$1" --output json "${@:2}" 2>"$METRO_TMP/errors" |
    sed -n 's/.*"rtt_ns":\([0-9]*\).*/\1/p' |
    awk '{ n[sprintf("%.2f", $1 / 1e6)]++ } END { for (ms in n) print n[ms] "x" ms }' | sort |
    paste -sd' '
}

check() { # NAME EXPECTED FILE [OPTION...]
  local found
  if [ ! -f "$cases/$3" ]; then
    tap_skip "$1" "no $cases/$3 here"
    return
  fi
  found=$(samples "${@:3}")
  tap_check "$1: ${found:-none}" [ "$found" = "$2" ]
}

check "a neighbour of a connection that just ended" "51x5.00" same-tag.pcap
check "a port used again far away, without a SYN" "319x5.00" jump.pcap
check "a bare FIN behind data" "" bare-fin.pcap
check "every packet twice" "19x80.00 20x20.00" every-packet-twice.pcap
check "a keep-alive as the first thing seen" "" keepalive-first.pcap
check "an old mark beside a young one" "" old-mark.pcap
if [ -f $cases/seen-twice.pcap ]; then
  tap_check "seen from a bridge: six samples" \
    [ "$("$METRO_BUILD/bpf-metro" -r $cases/seen-twice.pcap --output json 2>/dev/null | wc -l)" = 6 ]
else
  tap_skip "seen from a bridge: six samples" "no $cases/seen-twice.pcap here"
fi

tap_done
