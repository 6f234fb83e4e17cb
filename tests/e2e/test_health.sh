#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The control socket of a daemon that measures real traffic, and bpf-metro --health, which asks it: well and
# unwell, stopped, killed, several of them, users without rights, and clients that mean no good.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

SOCKET=$METRO_TMP/control.sock
chmod 755 "$METRO_TMP" # for other users

# write_config FILE SOCKET [INTERFACE]
write_config() {
  cat >"$METRO_TMP/$1.yaml" <<END
init_config:
  {log_to_file: false, log_level: debug, report_interval: 1, reverse_names: false, statsd_ip: 127.0.0.1,
   statsd_port: 8125, metrics: [samples]${2:+, control_socket: $2}}
instances:
  - {interface: ${3:-$METRO_CLIENT_IF}, ips: [$METRO_SERVER_V4]}
END
}

# health_says STATUS PATTERN OPTION...: within two seconds and a little
health_says() {
  local expected=$1 pattern=$2 begin=$EPOCHREALTIME
  shift 2
  "$METRO" --health "$@" >"$METRO_TMP/health" 2>&1
  equal "status" "$expected" $? && holds "end - begin < 3" "begin=$begin" "end=$EPOCHREALTIME" >/dev/null &&
    equal "lines" 1 "$(wc -l <"$METRO_TMP/health")" && grep -qE -e "$pattern" "$METRO_TMP/health" && return
  cat "$METRO_TMP/health"
  return 1
}

asks() { # STATUS PATTERN [OPTION...]
  health_says "$1" "$2" --control "$SOCKET" "${@:3}"
}

as_nobody() { # GROUP COMMAND...
  setpriv --reuid 65534 --regid "$1" --clear-groups --inh-caps=-all --bounding-set=-all "${@:2}"
}

nobody_asks() { # GROUP STATUS PATTERN
  as_nobody "$1" "$METRO" --health --control "$SOCKET" >"$METRO_TMP/health"
  equal "status" "$2" $? && grep -qE -e "$3" "$METRO_TMP/health"
}

traffic() {
  in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT "$@" >"$METRO_TMP/load.json"
}

json_is_whole() {
  "$METRO" --health --control "$SOCKET" --output json >"$METRO_TMP/health.json" &&
    python3 - "$METRO_TMP/health.json" "$(background_pid daemon)" "$METRO_CLIENT_IF" <<'END'
import json, sys
reply = json.load(open(sys.argv[1]))
assert list(reply)[:2] == ["healthy", "summary"], list(reply)
assert reply["healthy"] is True and reply["measuring"] is True, reply
assert reply["backend"] == "bpf" and reply["hook"] in ("tcx", "clsact") and reply["fallback"] is None, reply
assert reply["interfaces"] == [sys.argv[3]] and reply["waiting_for"] == [], reply
assert reply["pid"] == int(sys.argv[2]) and 0 < reply["uptime_s"] < 60 and reply["version"], reply
assert 0 <= reply["report_age_s"] < 2 and reply["report_interval_s"] == 1, reply
assert [(s["server"], s["reachable"]) for s in reply["servers"]] == [("127.0.0.1:8125", True)], reply
END
}

arrived() {
  gauges statsd system.net.tcp.rtt.samples | awk '{ sum += $1 } END { print sum + 0 }'
}

arrived_is() {
  same_count "$(arrived)" "$1"
}

# Connections without end, with noise, half requests, large numbers of them, and none that reads an answer.
write_nuisance() {
  cat >"$METRO_TMP/nuisance.py" <<'END'
import os, random, socket, sys, time
path, end, held, n = sys.argv[1], time.time() + 5, [], 0
while time.time() < end:
    s = socket.socket(socket.AF_UNIX)
    s.setblocking(False)
    try:
        s.connect(path)
        s.send(random.choice([os.urandom(500), b"health\n" * 20, b"heal", b"", b"\n" * 200]))
        n += 1
    except OSError:
        time.sleep(0.001)
    held.append(s)
    if len(held) > 50:
        held.pop(random.randrange(50)).close()
print(n)
END
}

nuisance_changes_nothing() {
  start_background nuisance python3 "$METRO_TMP/nuisance.py" "$SOCKET"
  before=$(arrived)
  traffic --count 1000 --rate 200 || return
  asks 0 '^healthy' || return
  wait_background nuisance 20 && holds "n > 200" "n=$(cat "$METRO_TMP/nuisance.out")" &&
    soon 5 arrived_is $((before + 1000))
}

descriptors() {
  find "/proc/$(background_pid daemon)/fd" -mindepth 1 | wc -l
}

descriptors_are() {
  equal "descriptors" "$1" "$(descriptors)"
}

# in_own_run OPTION COMMAND...: with a /run of its own, mounted so, with its namespace in the client's network
start_in_own_run() { # NAME OPTIONS ARGUMENT...
  local name=$1 options=$2
  shift 2
  # shellcheck disable=SC2016 # for the other shell
  start_background "$name" nsenter --net="/run/netns/$METRO_CLIENT_NS" unshare --mount sh -c \
    'mount -t tmpfs -o "$0" run /run && exec "$@"' "$options" "$METRO" "$@" && await_metro "$name"
}

in_run_of() { # NAME COMMAND...
  nsenter -t "$(background_pid "$1")" -m "${@:2}"
}

metro_setup_pair health --delay 2 && start_server || bail_out "a pair of hosts"
start_statsd statsd || bail_out "a StatsD server"
write_config daemon "$SOCKET"
write_config lonely "$METRO_TMP/lonely.sock" nothing0
write_config none none
write_config default ''
write_nuisance

tap_check "without a daemon the status is 3" asks 3 '^no bpf-metro listens at '
start_metro daemon in_client -c "$METRO_TMP/daemon.yaml" || bail_out "bpf-metro"
tap_check "before the first sample it is well" asks 0 '^healthy: measuring on .* nothing was sent to StatsD server'
tap_check "traffic" traffic --count 100 --rate 100
tap_check "it is well, and says what it does" \
  soon 5 asks 0 "^healthy: measuring on $METRO_CLIENT_IF with BPF at .*; last report [01]\.[0-9] s ago; StatsD server 127.0.0.1:8125 takes metrics$"
tap_check "the configuration tells where to ask" health_says 0 '^healthy' -c "$METRO_TMP/daemon.yaml"
tap_check "as JSON: every key, and its value" json_is_whole

tap_check "the socket is for its owner and its group" equal "mode" 660 "$(stat -c %a "$SOCKET")"
tap_check "another user may not ask, and is told so" nobody_asks 65534 3 '^this user may not ask at .*: root and the'
tap_check "one of the group may, without any capability" nobody_asks 0 0 '^healthy'
tap_check "a configuration with mistakes: status 2" \
  eval 'echo "instances: 1" >"$METRO_TMP/wrong.yaml"; "$METRO" --health -c "$METRO_TMP/wrong.yaml"; equal status 2 $?'
tap_check "control_socket: none: status 2" health_says 2 'nobody can be asked' -c "$METRO_TMP/none.yaml"

BEFORE=$(descriptors)
tap_check "hostile clients: no sample is missing, and others are answered" nuisance_changes_nothing
tap_check "and nothing of them is left" soon 10 descriptors_are "$BEFORE"

start_background second in_client "$METRO" -c "$METRO_TMP/daemon.yaml"
tap_check "a second one with the same path measures, and says what to do" \
  eval 'await_metro second && log_has second "WARNING control socket .*: another bpf-metro listens there; control_socket in"'
stop_background second
tap_check "the first is still there to be asked" asks 0 '^healthy'

start_background lonely in_client "$METRO" -c "$METRO_TMP/lonely.yaml"
tap_check "one that waits for its interface is unwell" \
  soon 10 health_says 1 '^unhealthy: not measuring: waiting for nothing0$' -c "$METRO_TMP/lonely.yaml"
ip -n "$METRO_CLIENT_NS" link add nothing0 type veth peer name nothing1
ip -n "$METRO_CLIENT_NS" link set nothing0 up
tap_check "and well as soon as that comes" \
  soon 10 health_says 0 '^healthy: measuring on nothing0' -c "$METRO_TMP/lonely.yaml"
stop_background lonely

kill -STOP "$(background_pid daemon)"
tap_check "one that hangs: status 1 within two seconds" asks 1 'does not answer within 2 s'
kill -CONT "$(background_pid daemon)"
tap_check "goes on: well" soon 5 asks 0 '^healthy'

stop_background statsd
traffic --rate 50 --seconds 3
tap_check "a server that has just gone is said, and no reason to be unwell" \
  asks 0 '^healthy: .*; StatsD server 127.0.0.1:8125: Connection refused'
traffic --rate 50 --seconds 4
tap_check "after three reports it is" \
  soon 3 asks 1 '^unhealthy: StatsD server 127.0.0.1:8125 takes no metrics since [0-9]+ s: Connection refused$'
start_statsd statsd
start_background again in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT --rate 50 --seconds 20
tap_check "until the server is there again" soon 15 asks 0 'takes metrics$'
stop_background again

write_config daemon "$SOCKET.other"
kill -HUP "$(background_pid daemon)"
tap_check "a reload with another path" soon 5 health_says 0 '^healthy' --control "$SOCKET.other"
tap_check "leaves the former one" eval '[ ! -e "$SOCKET" ]'
stop_background daemon KILL
tap_check "killed: status 3, with the socket left there" eval '[ -S "$SOCKET.other" ] && health_says 3 "^no bpf-metro" --control "$SOCKET.other"'
start_metro daemon in_client -c "$METRO_TMP/daemon.yaml"
tap_check "the next one takes its place" health_says 0 '^healthy' --control "$SOCKET.other"
stop_background daemon
tap_check "and its socket goes with it" eval '[ ! -e "$SOCKET.other" ]'

start_in_own_run own mode=755 -c "$METRO_TMP/default.yaml"
tap_check "without a key the socket is in /run/bpf-metro" \
  in_run_of own "$METRO" --health --control /run/bpf-metro/bpf-metro.sock
tap_check "where --health looks for it" in_run_of own "$METRO" --health -c "$METRO_TMP/default.yaml"
stop_background own
start_in_own_run read-only ro -c "$METRO_TMP/default.yaml"
tap_check "where there is no place for it, a debug line says so" \
  eval 'log_has read-only "DEBUG no control socket at /run/bpf-metro/bpf-metro.sock: Read-only file system" &&
        equal warnings 0 "$(log_count read-only WARNING)"'
stop_background read-only
tap_done
