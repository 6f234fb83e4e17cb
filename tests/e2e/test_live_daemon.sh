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
  run_in_terminal "$METRO" --top --control "$SOCKET" && shows "^measuring $METRO_CLIENT_IF"
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

# The answer about one peer, and that there is none about others.
page_is_right() {
  python3 - "$SOCKET" "$METRO_SERVER_V4" "$METRO_CLIENT_V4" <<'END'
import json, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[1])
answers = asked.makefile()
def ask(request):
    asked.sendall(request.encode() + b"\n")
    return json.loads(answers.readline())
top = ask("top")
rows = [dict(zip(top["columns"], row)) for row in top["rows"]]
row = next(r for r in rows if r["address"] == sys.argv[2])
page = ask("top_peer %d %s" % (row["number"], row["address"]))
lines = [dict(zip(page["columns"], line)) for line in page["connections"]]
print(row, page["spread"], lines)
assert len(lines) == 3 and page["more"] == 0
assert len({line["local_port"] for line in lines}) == 3 and all(line["local"] == sys.argv[3] for line in lines)
assert all(line["peer_port"] == 5000 and 5 < line["min"] <= line["mean"] <= line["max"] for line in lines)
assert len(page["spread"]) == len(page["edges"]) + 1 and sum(page["spread"]) >= row["samples"]
for other in "1 192.0.2.1", "x", "", "4294967295 fd77::2", "%d %s x" % (row["number"], row["address"]):
    assert ask("top_peer " + other) == {"error": "unknown peer"}, other
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
tap_check "with its spread" shows ' 5 - 10 +█+'
tap_check "and its connections" shows "^$METRO_CLIENT_V6 port [0-9]+ > $PORT +[0-9]+ +[5-9]\."
tap_check "the daemon's answer has the three connections of the other" page_is_right
keys r
tap_check "figures begin anew" shows 'for 0:0[0-2]$'
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

# ---- as another user, by a daemon that root has started and that has become bpf-metro
stop_background daemon
own=$METRO_TMP/own hosts=/etc/netns/$METRO_CLIENT_NS id=47749 # files there are those of /etc in the client
mkdir -p "$own" "$hosts" && chown $id:$id "$own"
{ grep -v '^bpf-metro:' /etc/passwd && echo "bpf-metro:x:$id:$id::/:/usr/sbin/nologin"; } >"$hosts/passwd"
{ grep -v '^bpf-metro:' /etc/group && echo "bpf-metro:x:$id:"; } >"$hosts/group"
sed -i "s,$SOCKET,$own/control.sock," "$METRO_TMP/daemon.yaml"
chmod 0644 "$METRO_TMP/daemon.yaml"
SOCKET=$own/control.sock
watch_as() { # USER GROUPS
  METRO=$METRO_PROGRAM
  run_in_terminal "setpriv --reuid $1 --regid 65534 $2 $METRO" --top --control "$SOCKET"
}
refused() {
  watch_as 65534 --clear-groups
  as_before 3 && shows "this user may not ask"
}
let_in() { # USER GROUPS
  watch_as "$@"
  shows "^$METRO_SERVER_V4 " && keys n && wait_until 5 first_peer_is "$METRO_SERVER_V4" && keys Enter &&
    shows "^$METRO_CLIENT_V4 port [0-9]+ > $PORT" && keys q && as_before
}
is_bpf_metro() {
  grep -qE "^Uid:\s+$id\s" "/proc/$(background_pid daemon)/status"
}
METRO=$METRO_PROGRAM
tap_check "a daemon, started by root" start_daemon
tap_check "has become bpf-metro" is_bpf_metro
tap_check "bpf-metro may watch" let_in $id --clear-groups
tap_check "so may who is in its group" let_in 65534 "--groups $id"
tap_check "who is in no such group may not" refused
rm -r "$hosts"

tap_check "--output with it: status 2" says 2 'has an output of its own' --top --output text
tap_done
