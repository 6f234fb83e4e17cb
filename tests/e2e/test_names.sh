#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Names, against a name server of our own: hosts move and bpf-metro follows without a restart and
# without losing a sample of what stays; addresses get their reverse names; and a name server that is
# silent delays nothing.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

AVG=system.net.tcp.rtt.avg
CONFIG=$METRO_TMP/names.yaml
ZONE=$METRO_TMP/zone
NETNS_ETC=

have python3 || { tap_skip "names" "no python3 for the name server" && tap_done && exit; }
for file in resolv.conf nsswitch.conf hosts; do # what ip-netns(8) can mount ours over
  [ -e /etc/$file ] || { tap_skip "names" "no /etc/$file" && tap_done && exit; }
done

cleanup() {
  metro_cleanup
  [ -z "$NETNS_ETC" ] || rm -rf "$NETNS_ETC"
}
trap cleanup EXIT

metro_setup_pair names --delay 20 && start_server || bail_out "two hosts and a server"
for address in 10.77.0.{3,4,5}; do
  ip -n "$METRO_SERVER_NS" address add "$address/24" dev "$METRO_SERVER_IF"
done
ip -n "$METRO_SERVER_NS" address add fd77::4/64 dev "$METRO_SERVER_IF" nodad

NETNS_ETC=/etc/netns/$METRO_CLIENT_NS
mkdir -p "$NETNS_ETC" || bail_out "/etc/netns can be written"
echo "nameserver $METRO_SERVER_V4" >"$NETNS_ETC/resolv.conf"
echo "hosts: files dns" >"$NETNS_ETC/nsswitch.conf"
echo "127.0.0.1 localhost" >"$NETNS_ETC/hosts"

zone() { # LINE...: all at once, since it is read at any time
  printf '%s\n' "$@" >"$ZONE.part" && mv "$ZONE.part" "$ZONE"
}

config() { # INTERVAL INIT PEERS: of lookups; more of init_config; of the instance
  cat >"$CONFIG" <<END
init_config: {log_to_file: false, report_interval: 1, resolve_interval: $1, $2}
instances: [{interface: $METRO_CLIENT_IF, $3}]
END
}

zone "# nothing"
start_background dns in_server python3 "$(dirname "$0")/../tools/name_server.py" \
  "$METRO_SERVER_V4" "$ZONE" && wait_for_line "$METRO_TMP/dns.err" '^answering' 5 ||
  bail_out "a name server"

# ---- a lookup that fails at first ----------------------------------------------------------------

# The interval is long: the next attempt comes because the first failed. The other tests go on
# meanwhile, with zones that have the name.
start_late() {
  config 3600 "" "hosts: [late.test]"
  start_metro late in_client -c "$CONFIG" --output json || bail_out "it starts"
  tap_check "a lookup that fails is reported" \
    log_has late 'WARNING host late.test is not found: .*; nothing is measured for it'
}

end_late() {
  tap_check "a lookup that failed is tried again soon" \
    log_has late 'INFO host late.test is found again at 10.77.0.2' 10
  load rr "$METRO_SERVER_V4" --count 10
  tap_check "then the host is measured" wait_until 3 samples_reach late 10
  tap_check "it ends well" stop_background late
}

# ---- hosts that move -----------------------------------------------------------------------------

STAYS=("db.test $METRO_SERVER_V4" "db.test $METRO_SERVER_V6" "late.test $METRO_SERVER_V4")

samples_to() { # ADDRESS
  samples metro "\"dst\":\"$1\""
}

# Two addresses stay, one goes, two come, and then they change again and again.
test_moving() { # BACKEND
  local kept kept_v6 removed added added_v6 status=0
  zone "${STAYS[@]}" "db.test 10.77.0.3"
  config 1 "" "hosts: [db.test]"
  start_metro metro in_client -c "$CONFIG" --backend "$1" --output json || bail_out "$1: it starts"
  tap_check "$1: all addresses of a host, of both families" \
    log_has metro 'INFO host db.test is at 10.77.0.2 and 2 more'
  sleep 0.3
  load kept "$METRO_SERVER_V4" --connections 2 --count 210 &
  kept=$!
  load kept_v6 "$METRO_SERVER_V6" --connections 2 --count 210 &
  kept_v6=$!
  load removed 10.77.0.3 --count 210 &
  removed=$!
  load added 10.77.0.4 --count 210 &
  added=$!
  load added_v6 fd77::4 --count 210 &
  added_v6=$!
  sleep 0.3
  tap_check "$1: the address that will go is measured" wait_until 3 eval '[ "$(samples_to 10.77.0.3)" -ge 5 ]'
  tap_check "$1: the addresses that will come are not" \
    equal samples "0 0" "$(samples_to 10.77.0.4) $(samples_to fd77::4)"
  zone "${STAYS[@]}" "db.test 10.77.0.4" "db.test fd77::4"
  tap_check "$1: a change is followed" \
    log_has metro 'INFO host db.test has moved to .* and 3 more'
  sleep 1.3
  zone "${STAYS[@]}" "db.test 10.77.0.4" "fail AAAA" # keeps what it knows of IPv6
  sleep 1.1
  zone "${STAYS[@]}" "db.test 10.77.0.4" "db.test fd77::4" "db.test 10.77.0.5"
  sleep 1.1
  zone "${STAYS[@]}" "fail db.test"
  wait $kept && wait $kept_v6 && wait $removed && wait $added && wait $added_v6
  status=$?
  sleep 0.3
  tap_check "$1: the traffic went on" equal status 0 $status
  tap_check "$1: what stays lost no sample" \
    equal samples "420 420" "$(samples_to "$METRO_SERVER_V4") $(samples_to "$METRO_SERVER_V6")"
  tap_check "$1: nor did the connection to the address that went" \
    equal samples 210 "$(samples_to 10.77.0.3)"
  tap_check "$1: what came is measured, IPv4" samples_reach metro 50 '"dst":"10.77.0.4"'
  tap_check "$1: what came is measured, IPv6" samples_reach metro 50 '"dst":"fd77::4"'
  tap_check "$1: a name server that fails is said once" \
    log_has metro 'WARNING host db.test is not found: .*; its last known addresses stay in use'
  tap_check "$1: it ends well" stop_background metro
}

# An answer that is another one each time. A connection outlives the answer that it came from, a
# reload, and the next answers; when it has ended, its address is no peer any more.
test_rotating() { # BACKEND
  local status=0 live answer
  zone "rotating.test 10.77.0.3"
  config 1 "idle_ttl: 2" "hosts: [rotating.test]"
  start_metro metro in_client -c "$CONFIG" --backend "$1" --output json || bail_out "$1: it starts"
  log_has metro 'INFO host rotating.test is at 10.77.0.3'
  sleep 0.3
  load live 10.77.0.3 --count 250 &
  live=$!
  for answer in 4 5 4; do
    sleep 1.1
    zone "rotating.test 10.77.0.$answer"
    [ $answer != 5 ] || kill -HUP "$(background_pid metro)"
  done
  wait $live || status=$?
  sleep 0.3
  tap_check "$1: the traffic went on while answers changed" equal status 0 $status
  tap_check "$1: answers were followed" equal moves 3 "$(log_count metro 'host rotating.test has moved to')"
  tap_check "$1: the connection lost no sample" equal samples 250 "$(samples_to 10.77.0.3)"
  sleep 4.5 # two seconds without flows, and the report after that
  load late 10.77.0.3 --count 10
  load present 10.77.0.4 --count 10
  tap_check "$1: a new connection to the present answer is measured" \
    wait_until 3 samples_reach metro 10 '"dst":"10.77.0.4"'
  tap_check "$1: one to an answer of long ago is not" equal samples 250 "$(samples_to 10.77.0.3)"
  tap_check "$1: it ends well" stop_background metro
}

# ---- reverse names -------------------------------------------------------------------------------

queries() { # TYPE
  grep -c "^$1 " "$METRO_TMP/dns.out"
}

# Traffic to all of them until the test ends.
traffic() {
  local address
  for address in "$METRO_SERVER_V4" 10.77.0.{3,4,5} "$METRO_SERVER_V6"; do
    start_background "load-$address" in_client timeout 60 "$LOAD" client --connect "$address" \
      --port $PORT --rate 20 --seconds 60
  done
}

end_traffic() {
  local address
  for address in "$METRO_SERVER_V4" 10.77.0.{3,4,5} "$METRO_SERVER_V6"; do
    stop_background "load-$address" KILL 2>/dev/null
  done
}

dst_arrives() { # DST
  wait_until 4 gauge_arrived statsd $AVG "dst:$1,"
}

# Since now.
dst_arrives_still() { # DST
  : >"$METRO_TMP/statsd.out"
  dst_arrives "$1"
}

test_reverse() {
  local asked
  zone "10.77.0.2 Two.example.test" "fd77::2 six.test" '10.77.0.3 ev\124\044env:prod.test' \
    "www.test 10.77.0.5"
  config 1 "" "ips: [10.77.0.2, 10.77.0.3, 10.77.0.4, 'fd77::/64', 'fd77::2'], hosts: [www.test]"
  start_statsd statsd && start_metro metro in_client -c "$CONFIG" || bail_out "it starts"
  traffic
  tap_check "reverse name of an IPv4 address" dst_arrives two.example.test
  tap_check "reverse name of an IPv6 address" dst_arrives six.test
  tap_check "an address without a name" dst_arrives 10.77.0.4
  tap_check "an address whose name would break tags" dst_arrives 10.77.0.3
  tap_check "nothing of that name arrives" equal "lines" 0 "$(grep -c 'prod' "$METRO_TMP/statsd.out")"
  tap_check "names that are missing are no message" \
    equal messages 0 "$(log_count metro 'WARN|ERROR|no name')"
  tap_check "the name of a host" dst_arrives www.test
  zone "10.77.0.2 second.test" "fd77::2 six.test" "www.test 10.77.0.9"
  tap_check "a reverse name that changes" dst_arrives second.test
  tap_check "a host that moves" log_has metro 'host www.test has moved to 10.77.0.9'
  zone "# none"
  sleep 1.5
  tap_check "what it left is not reported without its name" \
    equal lines 0 "$(grep -c 'dst:10.77.0.5' "$METRO_TMP/statsd.out")"
  tap_check "a reverse name that goes: the last one stays" dst_arrives_still second.test

  config 3600 "" "ips: [10.77.0.2, 10.77.0.3, 10.77.0.4]"
  asked=$(queries PTR)
  kill -HUP "$(background_pid metro)"
  log_has metro 'reloaded '
  tap_check "a reload keeps reverse names" dst_arrives_still second.test
  tap_check "and looks none of them up" holds 'now <= before + 3' "now=$(queries PTR)" "before=$asked"
  config 3600 "reverse_names: false" "ips: [10.77.0.2, 10.77.0.3, 10.77.0.4]"
  kill -HUP "$(background_pid metro)"
  tap_check "reverse_names: false takes them away" dst_arrives_still 10.77.0.2
  end_traffic
  tap_check "it ends well" stop_background metro
  stop_background statsd
}

# ---- the StatsD server's name --------------------------------------------------------------------

test_server() {
  config 1 "" "ips: [$METRO_SERVER_V4]"
  zone "# not yet"
  start_statsd first in_server --bind 10.77.0.3 && start_statsd second in_server --bind fd77::4 ||
    bail_out "two listeners"
  DD_AGENT_HOST=agent.test start_metro metro in_client -c "$CONFIG" || bail_out "it starts"
  start_background load-server in_client timeout 60 "$LOAD" client --connect "$METRO_SERVER_V4" \
    --port $PORT --rate 20 --seconds 60
  tap_check "a StatsD server that is not found is reported" \
    log_has metro 'WARNING StatsD server agent.test is not found: .*; nothing is sent to it'
  zone "agent.test 10.77.0.3"
  tap_check "once it is found, metrics arrive" wait_until 5 gauge_arrived first $AVG
  zone "agent.test fd77::4"
  tap_check "a StatsD server that moves is followed" wait_until 5 gauge_arrived second $AVG
  : >"$METRO_TMP/first.out" >"$METRO_TMP/second.out"
  zone "fail"
  tap_check "a name server that fails is reported" \
    log_has metro 'WARNING StatsD server agent.test is not found: .*; its last known addresses stay'
  tap_check "and metrics arrive where they did" wait_until 3 gauge_arrived second $AVG
  tap_check "and nowhere else" equal lines 0 "$(wc -l <"$METRO_TMP/first.out")"
  stop_background load-server KILL 2>/dev/null
  tap_check "it ends well" stop_background metro
  stop_background first
  stop_background second
}

# ---- a silent name server ------------------------------------------------------------------------

now_ms() {
  date +%s%3N
}

# Starts with a name server that is silent or not, and prints how long it took.
start_ms() { # ZONE
  local begin
  zone "$@"
  begin=$(now_ms)
  start_metro metro in_client -c "$CONFIG" || return
  took=$(($(now_ms) - begin))
}

test_silence() {
  local took fine silent begin many asked
  printf -v many '10.77.1.%d, ' {1..200}
  config 300 "" "ips: [$METRO_SERVER_V4, ${many%, }], hosts: [db.test, lost.test]"
  start_ms "${STAYS[@]}" || bail_out "it starts"
  fine=$took
  stop_background metro
  start_statsd statsd || bail_out "statsd"
  start_background load-silent in_client timeout 60 "$LOAD" client --connect "$METRO_SERVER_V4" \
    --port $PORT --rate 20 --seconds 60
  start_ms silent || bail_out "it starts with a silent name server"
  silent=$took
  begin=$(now_ms)
  wait_until 8 gauge_arrived statsd $AVG
  tap_check "silent name server: the first report is on time" \
    holds 'ms < 1900' "ms=$(($(now_ms) - begin))"
  tap_check "silent name server: starting takes no longer" \
    holds 'silent < fine + 900' "silent=$silent" "fine=$fine"
  sleep 2.2
  tap_check "silent name server: reports go on, each second" \
    holds 'reports >= 2 && reports <= 4' "reports=$(gauges statsd $AVG | grep -c .)"
  begin=$(now_ms)
  tap_check "silent name server: it ends well" stop_background metro
  tap_check "silent name server: and at once" holds 'ms < 1500' "ms=$(($(now_ms) - begin))"
  asked=$(queries PTR)
  start_ms "${STAYS[@]}" "silent PTR" || bail_out "it starts with half a silent name server"
  tap_check "silent about addresses alone: hosts are found" \
    log_has metro 'INFO host db.test is at .* and 1 more' 3
  tap_check "and few addresses are asked for at a time" \
    holds 'now > before && now <= before + 8' "now=$(queries PTR)" "before=$asked"
  tap_check "it ends well" stop_background metro
  stop_background load-silent KILL 2>/dev/null
  stop_background statsd
}

start_late
test_moving bpf
test_moving pcap
test_rotating bpf
test_rotating pcap
end_late
test_reverse
test_server
test_silence
tap_done
