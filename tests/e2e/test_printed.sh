#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Samples that are printed wait for each other: all of them come, in order and with their own times, no later
# than --delay, and bpf-metro wakes up a few times a second. A reader that is too slow loses nothing up
# to 16 MB, and is told of what it lost beyond.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/common.sh

metro_setup_pair printed && start_server || bail_out "two hosts and a server"
mkfifo "$METRO_TMP/pipe"

# begin BACKEND OPTION...: prints into a pipe, which is read once $GO is there.
begin() {
  local backend=$1
  shift
  start_background reader python3 tests/e2e/printed.py "$METRO_TMP/pipe" "$GO"
  # shellcheck disable=SC2016 # for the other shell
  start_background metro in_client sh -c 'exec "$@" >"$0"' "$METRO_TMP/pipe" "$METRO" --backend "$backend" \
    --output json -i "$METRO_CLIENT_IF" "$@" "$METRO_SERVER_V4" && await_metro metro
}

# end: what the reader found is in $FOUND.
end() {
  stop_background metro && wait_background reader 30 || return
  FOUND=$(cat "$METRO_TMP/reader.out")
  metro_comment "$* $FOUND"
}

wakeups() {
  sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$(background_pid metro)/status"
}

# paced BACKEND DELAY CONDITION: some 100 samples a second.
paced() {
  GO=/ begin "$1" --delay "$2" &&
    load paced "$METRO_SERVER_V4" --connections 10 --rate 10 --count 40 && end "$1, --delay $2:" &&
    # shellcheck disable=SC2086 # words
    holds "lines == samples && torn == 0 && disordered == 0 && $3" $FOUND "samples=$(counter metro samples)"
}

# A single sample after a pause is printed soon.
alone() {
  GO=/ begin bpf --delay 5 &&
    load alone "$METRO_SERVER_V4" --connections 1 --count 1 && sleep 1 && end "one sample, --delay 5:" &&
    # shellcheck disable=SC2086 # words
    holds "lines == 1 && latest < 900" $FOUND
}

# As many as can be: a handful of wake-ups for thousands of samples, and none is lost.
flood() { # BACKEND
  local before seconds
  GO=/ begin "$1" || return
  before=$(wakeups)
  seconds=$EPOCHREALTIME
  load flood "$METRO_SERVER_V4" --connections 64 --count 300 &&
    seconds=$(bc <<<"$EPOCHREALTIME - $seconds") && before=$(($(wakeups) - before)) && end "$1, flood:" &&
    # shellcheck disable=SC2086 # words
    holds "lines == samples && samples >= 19200 && torn == 0 && disordered == 0 && lost == 0 &&
      wakeups < 200 + 40 * seconds" $FOUND \
      "samples=$(counter metro samples)" "lost=$(counter metro ring_lost)" "wakeups=$before" "seconds=$seconds"
}

# slow SAMPLES CONDITION: nobody reads until all have been made.
slow() {
  local log=$METRO_TMP/metro.err
  GO=$METRO_TMP/go
  rm -f "$GO"
  begin bpf --interval 1 &&
    load slow "$METRO_SERVER_V4" --connections 64 --count $(($1 / 64)) && sleep 1.5 && touch "$GO" &&
    end "$1 samples, a slow reader:" &&
    # shellcheck disable=SC2086 # words
    holds "lines + lost == samples && torn == 0 && $2" $FOUND \
      "samples=$(counter metro samples)" "lost=$(counter metro output_lost)" \
      "warnings=$(grep -c 'WARNING.* samples were not printed: standard output is read too slowly' "$log")"
}

# An interface that goes takes nothing along that was measured there: its last block is still open then.
gone() {
  GO=/ begin pcap && load gone "$METRO_SERVER_V4" --connections 8 --count 20 &&
    ip -n "$METRO_CLIENT_NS" link delete "$METRO_CLIENT_IF" && sleep 0.3 && end "gone:" &&
    # shellcheck disable=SC2086 # words
    holds "lines == 160 && torn == 0" $FOUND
}

tap_check "bpf: samples come 0.1 s late at most, unless told otherwise" paced bpf 0.1 "p95 < 200"
tap_check "bpf: with --delay 1 they wait that long" paced bpf 1 "median > 200 && p95 < 1200"
tap_check "bpf: with --delay 0 not at all" paced bpf 0 "p95 < 50"
tap_check "bpf: one after a pause is printed soon" alone
tap_check "pcap: samples come in blocks, 0.1 s late at most" paced pcap 0.1 "median > 10 && p95 < 100"
tap_check "pcap: with --delay 0.04, of 20 ms" paced pcap 0.04 "median > 4 && median < 20 && p95 < 40"
tap_check "pcap: with --delay 1, of 40 ms" paced pcap 1 "median > 10 && p95 < 100"
tap_check "pcap: with --delay 0 each comes at once" paced pcap 0 "median < 2 && p95 < 50"
tap_check "bpf: a flood is printed whole, for a few wake-ups" flood bpf
tap_check "pcap: a flood is printed whole, for a few wake-ups" flood pcap
tap_check "a slow reader loses nothing up to 16 MB" slow 64000 "lost == 0 && warnings == 0"
tap_check "beyond that, it is told what it lost" slow 192000 "lost > 50000 && lines > 85000 && warnings == 2"
tap_check "pcap: what was measured on an interface that goes is printed" gone
tap_done
