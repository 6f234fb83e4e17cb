#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The live view of a capture file and of a named pipe, in a real terminal: while it is read, and after that.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

have tmux || {
  tap_skip "the live view of a file" "there is no tmux"
  tap_done
  exit
}
# shellcheck source=tests/e2e/terminal.sh
. "$(dirname "$0")/terminal.sh"

SMALL=$METRO_TMP/small.pcap LARGE=$METRO_TMP/large.pcap PIPE=$METRO_TMP/pipe
TIMES=12 # how often the large file has the small one

metro_setup_pair file || bail_out "a host"
python3 "$(dirname "$0")/../bench/capture.py" "$SMALL" 100000 40 200 || bail_out "a capture"
{
  cat "$SMALL"
  for ((i = 1; i < TIMES; i++)); do tail -c +25 "$SMALL"; done
} >"$LARGE"
mkfifo "$PIPE"

read_file() {
  run_in_terminal "$METRO" -r "$@" --output top
}

# Samples of the peer with the most, and its percentiles, are those of --output summary.
figures_are_right() { # FILE
  local peer=10.77.0.1 page
  in_client "$METRO" -r "$1" --output summary >"$METRO_TMP/summary" 2>/dev/null
  page=$(screen)
  echo "$page" | head -n 6
  python3 - "$METRO_TMP/summary" $peer "$page" <<'END'
import json, re, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
rows = [row for row in rows if row.get("dst") == sys.argv[2]]
samples = sum(row["samples"] for row in rows)
seen = int(re.search(r"samples (\d+)", sys.argv[3])[1])
print(samples, seen)
assert samples == seen, "samples"
END
}

tap_check "a terminal" open_terminal 80 24
read_file "$LARGE"
tap_check "how far it is" wait_until 8 screen_has '^[0-9]+ %: [0-9k]+ packets, [0-9k]+ packets/s; '
tap_check "it is done, and stays" shows "^done: 1200k packets, "
tap_check "rows" shows '^10\.77\.0\.1 .* file '
tap_check "with bars of all of it" shows '^10\.77\.0\.1 .*[▁▂▃▄▅▆▇█]'
keys n
tap_check "keys sort" wait_until 5 first_peer_is 10.77.0.1
keys q
tap_check "q ends it, and the terminal is as it was" as_before
tap_check "it was read to its end" hides 'was not read to its end'

mux resize-window -t view -x 200 -y 40
read_file "$SMALL"
tap_check "a small file" shows '^done: 100k packets, .*; small.pcap +376 peers'
keys / 10.77.0.1 Enter Enter
tap_check "a peer's page" shows '^10.77.0.1 on file'
tap_check "has its spread" shows '[0-9] - [0-9.]+ +█'
tap_check "and its connections" shows '^connections  '
tap_check "and the figures that summaries have" figures_are_right "$SMALL"
kill -s TERM "$(cat "$METRO_TMP/pid")"
tap_check "SIGTERM ends it, and the terminal is as it was" as_before

read_file "$PIPE"
exec 7>"$PIPE"
head -c 3000000 "$SMALL" >&7
tap_check "a pipe that waits" shows '^reading: [0-9]+ packets'
keys n
mux resize-window -t view -x 100 -y 40
tap_check "the size is followed while it does" wait_until 8 screen_has '^h help'
mux resize-window -t view -x 200 -y 40
tap_check "keys are taken while it does" wait_until 5 first_peer_is 10.77.0.1
keys h
tap_check ".. all of them" shows '^PgUp|PgDn Home End'
keys x
tail -c +3000001 "$SMALL" >&7
exec 7>&-
tap_check "the pipe ends" shows '^done: 100k packets'
keys C-c
tap_check "Ctrl-C ends it, and the terminal is as it was" as_before

read_file "$PIPE"
exec 7>"$PIPE"
head -c 3000000 "$SMALL" >&7
tap_check "a pipe again" shows '^reading: '
keys q
tap_check "q ends it before the pipe's end" as_before
tap_check "which is said" shows 'was not read to its end: stopped by a key'
exec 7>&-

# Job control of the shell in the terminal, by which run_in_terminal's file goes on when a job stops.
takes_keys() {
  keys h && shows '^PgUp|PgDn Home End' && keys x && shows '^done: 100k packets'
}
modes_are_back() {
  rm "$METRO_TMP/after"
  keys "stty -a >$METRO_TMP/after" Enter
  wait_until 8 has_ended && diff "$METRO_TMP/before" "$METRO_TMP/after"
}
read_file "$SMALL"
tap_check "a file again" shows '^done: 100k packets'
keys C-z
tap_check "Ctrl-Z stops it, and the terminal is as it was" as_before $((128 + $(kill -l TSTP)))
tap_check "the shell has it" shows '^\[1\].* Stopped '
keys fg Enter
tap_check "fg: the picture is back" shows '^done: 100k packets'
tap_check "and keys are taken" takes_keys
kill -s STOP "$(cat "$METRO_TMP/pid")"
tap_check "SIGSTOP: the shell has the terminal" shows '^ready>'
kill -s CONT "$(cat "$METRO_TMP/pid")"
tap_check "SIGCONT in the background: no picture" hides '^done:'
keys fg Enter
tap_check "fg: it is back" shows '^done: 100k packets'
tap_check "and takes keys again" takes_keys
keys q
tap_check "q ends it: the shell's screen" hides '^done:'
tap_check "and the terminal as it was" modes_are_back

head -c 5000013 "$SMALL" >"$METRO_TMP/cut.pcap"
read_file "$METRO_TMP/cut.pcap"
tap_check "a file that is cut off: what it has" shows '^broken off at [0-9]+ %: '
keys q
tap_check "and status 1" as_before 1
read_file "$METRO_TMP/none.pcap"
tap_check "no such file: status 1" as_before 1
tap_check "and no picture" shows 'none.pcap: '
tap_done
