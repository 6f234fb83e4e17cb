#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The live view in a real terminal, tmux: real traffic, keys, sizes, and what the terminal is like after
# each way to end.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

have tmux || {
  tap_skip "the live view" "there is no tmux"
  tap_done
  exit
}

# shellcheck source=tests/e2e/terminal.sh
. "$(dirname "$0")/terminal.sh"

# view [ARGUMENT...]
view() {
  run_in_terminal "$METRO" -i "$METRO_CLIENT_IF" $PEERS --output top "$@" && shows "^measuring $METRO_CLIENT_IF"
}

# ended [STATUS]: with the terminal as it was, and the log's lines on it.
ended() {
  as_before "$@" && shows 'INFO measuring on' && shows 'INFO counters: samples='
}

# The samples' own figures, as the view has them: a round trip of 5 ms.
row_is_right() {
  screen | awk -v peer="$METRO_SERVER_V4" '
    $1 == peer { print; found = $3 > 0 && $4 > 10 && $6 > 5 && $6 < 8 }
    END { exit !found }'
}

no_line_is_wider() {
  holds 'width <= most' "most=$1" "width=$(screen | LC_ALL=C.UTF-8 wc -L)"
}

sorts() { # KEY PEER
  keys "$1"
  wait_until 5 first_peer_is "$2" || { screen && return 1; }
}

is_frozen() {
  local before
  sleep 0.3
  before=$(screen | sed 1d | head -n 4)
  sleep 2.2
  equal "screen" "$before" "$(screen | sed 1d | head -n 4)"
}

# a log line stands in the view, and does not break it
line_is_in_its_place() {
  screen | tail -n 1 | grep -q "$1" && screen | head -n 1 | grep -q '^measuring '
}

signal() {
  kill -s "$1" "$(cat "$METRO_TMP/pid")"
}

is_gone() {
  ! kill -0 "$(cat "$METRO_TMP/pid")" 2>/dev/null
}

metro_setup_pair live --delay 5 || bail_out "there are two hosts"
tap_check "a server runs" start_server
start_background v4 in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT --rate 40 --connections 3
start_background v6 in_client "$LOAD" client --connect "$METRO_SERVER_V6" --port $PORT --rate 20

# ---- 80 columns
tap_check "80 columns: a terminal" open_terminal 80 24
tap_check "it starts" view
tap_check "both peers are there" shows "^$METRO_SERVER_V6 .* $METRO_CLIENT_IF "
tap_check "with right figures" soon 5 row_is_right
tap_check "and bars" shows '[▁▂▃▄▅▆▇█]'
tap_check "the header says with what" shows '^measuring .* with BPF at .*2 peers, .* samples/s'
tap_check "sorted by samples/s" soon 5 first_peer_is "$METRO_SERVER_V4"
tap_check "by connections, turned round" sorts c "$METRO_SERVER_V4"
tap_check ".. now" sorts c "$METRO_SERVER_V6"
tap_check "by name" sorts n "$METRO_SERVER_V4"
tap_check "by name, turned round" sorts n "$METRO_SERVER_V6"
keys / fd77
tap_check "a filter, while it is typed" hides "^$METRO_SERVER_V4 "
tap_check "is shown" shows '^filter: fd77'
keys Enter
tap_check "and stays" shows '^1 with "fd77"'
keys Escape
tap_check "Esc: all again" shows "^$METRO_SERVER_V4 "
keys h
tap_check "help" shows '^PgUp|PgDn Home End'
keys x
tap_check "and back" shows '^peer '
keys Space
tap_check "pause says so" shows 'PAUSED'
tap_check "and holds the picture" is_frozen
keys Space
tap_check "and goes on" hides 'PAUSED'
keys n
keys Home Enter
tap_check "a peer's page" shows "^$METRO_SERVER_V4 on $METRO_CLIENT_IF"
tap_check "with its last minute" shows '^p50 of the last minute .*[▁▂▃▄▅▆▇█]'
tap_check "with bars" shows ' 5 - 10 +█+'
tap_check "and its connections" shows "^$METRO_CLIENT_V4 port [0-9]+ > $PORT +[0-9]+ +[5-9]\."
keys Escape
tap_check "back to the table" shows '^peer '
keys r
tap_check "figures begin anew" shows 'for 0:0[01]$'

# ---- sizes
mux resize-window -t view -x 200 -y 40
tap_check "200 columns: all of them" shows 'last +min +mean +p50 +p95 +p99 +jitter +rexmit'
tap_check "on the last line is what belongs there" wait_until 10 screen_has '^h help'
mux resize-window -t view -x 30 -y 6
tap_check "30 columns: what there is room for" hides 'jitter'
tap_check "and no more" no_line_is_wider 30
mux resize-window -t view -x 4 -y 2
sleep 0.5
mux resize-window -t view -x 80 -y 24
tap_check "4 columns and 2 lines do no harm" shows '^peer '

# ---- ends
keys q
tap_check "q ends it, and the terminal is as it was" ended
view --interval 1 >"$METRO_TMP/view"
keys C-c
tap_check "Ctrl-C" ended
view --interval 1 >"$METRO_TMP/view"
signal TERM
tap_check "SIGTERM" ended
view --interval 1 >"$METRO_TMP/view"
signal HUP
tap_check "SIGHUP" ended
view --interval 1 >"$METRO_TMP/view"
signal SEGV
tap_check "a crash" soon 10 has_ended
tap_check "leaves the terminal as it was" diff "$METRO_TMP/before" "$METRO_TMP/after"
tap_check "and the shell's screen" hides '^measuring '
tap_check "a view" view
signal TSTP
tap_check "Ctrl-Z gives the screen back" hides '^peer '
keys fg Enter
tap_check "and fg shows the view again" shows '^peer '
mux kill-server
tap_check "the terminal goes: it ends" wait_until 10 is_gone

# ---- other terminals
tap_check "without UTF-8" open_terminal 100 24 LC_ALL=C
tap_check "it starts" view
tap_check "bars are of ASCII" shows "^$METRO_SERVER_V4 .* [-_.:=+*#]+$"
keys q
tap_check "it ends" ended
for variables in TERM=xterm TERM=linux TERM=vt100 NO_COLOR=1; do
  tap_check "$variables" open_terminal 80 24 $variables
  tap_check "$variables: it starts" view
  tap_check "$variables: rows" shows "^$METRO_SERVER_V4 "
  [ $variables != NO_COLOR=1 ] ||
    tap_check "no colour" test "$(mux capture-pane -e -p -t view | grep -cE $'\e\\[([0-9;]*;)?3[0-7]m')" = 0
  keys q
  tap_check "$variables: it ends" ended
done
tap_check "with libpcap" open_terminal 80 24
tap_check "it starts" view --backend pcap
tap_check "and says so" shows '^measuring .* with libpcap'
tap_check "rows" shows "^$METRO_SERVER_V4 "
# A link that comes is news; so is one that was lost.
ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" down
tap_check "a line of the log is in its place" wait_until 8 line_is_in_its_place "$METRO_CLIENT_IF"
keys q
tap_check "it ends" ended

# ---- without a terminal
# shellcheck disable=SC2086 # a list of words
in_client "$METRO" -i "$METRO_CLIENT_IF" $PEERS --output top </dev/null >"$METRO_TMP/none" 2>&1
tap_check "without a terminal: status 1" equal status 1 $?
tap_check "and what to do" grep -q 'have to be a terminal; --output text' "$METRO_TMP/none"
tap_check "of an unknown kind" open_terminal 80 24 TERM=unheard-of
keys "$METRO -i $METRO_CLIENT_IF $PEERS --output top" Enter
tap_check "says so" shows 'TERM=unheard-of'
tap_done
