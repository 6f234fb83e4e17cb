#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# bpf-metro --top: the live view of a daemon that runs, by its control socket, in a real terminal.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

have tmux || {
  tap_skip "the live view of a daemon" "there is no tmux"
  tap_done
  exit
}
# shellcheck source=tests/e2e/terminal.sh
. "$(dirname "$0")/terminal.sh"

SOCKET=$METRO_TMP/control.sock

cat >"$METRO_TMP/daemon.yaml" <<END
init_config:
  {log_to_file: false, log_level: debug, report_interval: 2, reverse_names: false, statsd_ip: 127.0.0.1,
   statsd_port: 8125, metrics: [samples, avg], control_socket: $SOCKET}
instances:
  - {interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4, "$METRO_SERVER_V6"]}
END

start_daemon() {
  start_metro daemon in_client -c "$METRO_TMP/daemon.yaml"
}

watch() {
  run_in_terminal "$METRO" --top --control "$SOCKET" "$@" && shows "^measuring $METRO_CLIENT_IF"
}

row_is_right() {
  screen | awk -v peer="$METRO_SERVER_V4" '
    $1 == peer { print; found = $3 == 3 && $4 > 100 && $4 < 130 && $6 > 5 && $6 < 8 }
    END { exit !found }'
}

# The rows of the daemon's own answer, by name: what jq would do.
answer_is_right() {
  python3 - "$SOCKET" "$METRO_SERVER_V4" <<'END'
import json, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[1])
asked.sendall(b"top\n")
answer = json.loads(asked.makefile().readline())
rows = [dict(zip(answer["columns"], row)) for row in answer["rows"]]
row = next(r for r in rows if r["address"] == sys.argv[2])
print(row)
assert len(answer["columns"]) == len(answer["rows"][0]), answer
assert row["connections"] == 3 and 5 < row["min"] <= row["p50"] <= row["p95"] <= row["p99"] < 1000, row
assert answer["losses"] == "" and answer["fallback"] == "" and "BPF" in answer["how"], answer
END
}

# Of 500 questions without a pause, about one in 0.8 s is counted for.
answers_are_shared() {
  python3 - "$SOCKET" <<'END'
import json, socket, sys, time
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[1])
answers, begin, lines = set(), time.time(), asked.makefile()
for _ in range(500):
    asked.sendall(b"top\n")
    answers.add(json.loads(lines.readline())["for_s"])
seconds = time.time() - begin
print(len(answers), "answers in", seconds, "s")
assert len(answers) <= 2 + seconds / 0.8
END
}

says() { # STATUS PATTERN ARGUMENT...
  mux clear-history -t view
  run_in_terminal "$METRO" "${@:3}" && as_before "$1" && shows "$2"
}

metro_setup_pair top --delay 5 || bail_out "there are two hosts"
tap_check "a server runs" start_server
start_background v4 in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT --rate 40 --connections 3
start_background v6 in_client "$LOAD" client --connect "$METRO_SERVER_V6" --port $PORT --rate 20
tap_check "a terminal" open_terminal 80 24
tap_check "no daemon: status 3" says 3 'no bpf-metro listens at' --top --control "$SOCKET"
tap_check "StatsD" start_statsd statsd
tap_check "a daemon" start_daemon
tap_check "--top starts" watch
tap_check "both peers are there" shows "^$METRO_SERVER_V6 .* $METRO_CLIENT_IF "
tap_check "with right figures" soon 8 row_is_right
tap_check "and bars" shows "^$METRO_SERVER_V4 .*[▁▂▃▄▅▆▇█]"
tap_check "the answer has them" answer_is_right
tap_check "questions without a pause share answers" answers_are_shared
keys n
tap_check "keys sort" wait_until 5 first_peer_is "$METRO_SERVER_V4"
keys n
tap_check "both ways" wait_until 5 first_peer_is "$METRO_SERVER_V6"
keys Enter
tap_check "a peer has a page" shows "^$METRO_SERVER_V6 on $METRO_CLIENT_IF"
keys Escape
mux resize-window -t view -x 200 -y 30
tap_check "200 columns" shows 'last +min +mean +p50 +p95 +p99 +jitter +rexmit'
mux resize-window -t view -x 80 -y 24
tap_check "the daemon reports all the same" wait_until 5 gauge_arrived statsd system.net.tcp.rtt.samples
stop_background daemon
tap_check "the daemon ends: the view says so" shows '^no bpf-metro listens at'
tap_check "and holds what it had" shows "^$METRO_SERVER_V4 "
tap_check "a daemon again" start_daemon
tap_check "and it goes on" shows "^measuring $METRO_CLIENT_IF"
keys q
tap_check "q ends it, and the terminal is as it was" as_before
tap_check "the daemon stops counting for it" log_has daemon 'nobody watches any more' 15
watch >"$METRO_TMP/watch"
keys C-c
tap_check "Ctrl-C" as_before
watch >"$METRO_TMP/watch"
kill -s TERM "$(cat "$METRO_TMP/pid")"
tap_check "SIGTERM" as_before
chmod 0600 "$SOCKET"
chmod 0755 "$METRO_TMP"
METRO_ASKS="setpriv --reuid 65534 --regid 65534 --clear-groups $METRO"
may_not_ask() {
  run_in_terminal "$METRO_ASKS" --top --control "$SOCKET" && as_before 3 && shows "this user may not ask"
}
tap_check "who may not ask is told" may_not_ask
tap_check "--output with it: status 2" says 2 'has an output of its own' --top --output text
tap_done
