#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Segments that fq holds back pass the BPF hook up to seconds before they leave: every ACK makes its
# sample, counted from when its segment left. See tests/tools/paced.c; this needs no fq.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

timeout 60 "$METRO_BUILD/paced" >"$METRO_TMP/paced.out" 2>"$METRO_TMP/paced.err"
tap_check "the segments pass and are acknowledged" test -s "$METRO_TMP/paced.out"
metro_comment <"$METRO_TMP/paced.err"

case_is_right() { # LINE
  echo "$1"
  [[ $1 =~ \"acks\":([0-9]+),\"samples\":([0-9]+),\"wrong\":0\}$ ]] &&
    equal samples "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
}

while read -r line; do
  name=${line#*\"case\":\"}
  tap_check "${name%%\"*}: each ACK makes its sample, from the departure on" case_is_right "$line"
done <"$METRO_TMP/paced.out"
tap_done
