#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What arrives at a StatsD server: go-metro's lines to the letter, from several instances and
# interfaces; nothing about hosts that are no peers; datagrams that are never too long; and a server
# that comes and goes.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

AVG=system.net.tcp.rtt.avg
STRANGER=10.77.0.3 # a server that is no peer

metro_setup_pair statsd && start_server && start_server local in_client ||
  bail_out "two hosts and their servers"
ip -n "$METRO_SERVER_NS" address add $STRANGER/24 dev "$METRO_SERVER_IF"

config() { # FILE: the init_config is here, the instances come from standard input
  { printf 'init_config:\n  log_to_file: false\n  report_interval: 3600\n' && cat; } >"$1"
}

# ---- lines ---------------------------------------------------------------------------------------

# The same peer twice, a network, and an interface of its own.
config "$METRO_TMP/lines.yaml" <<END
instances:
  - interface: $METRO_CLIENT_IF
    tags: ["env:test", "role:db", plain]
    ips: [$METRO_SERVER_V4]
  - interface: $METRO_CLIENT_IF
    tags: ["second:yes"]
    ips: [$METRO_SERVER_V4, "fd77::/64"]
  - interface: lo
    ips: [127.0.0.0/8]
END

# Tags in the order of go-metro: src, dst, the configured ones, iface.
expected_tags() {
  cat <<END | sort
src:$METRO_CLIENT_V4,dst:$METRO_SERVER_V4,env:test,role:db,plain,iface:$METRO_CLIENT_IF
src:$METRO_CLIENT_V4,dst:$METRO_SERVER_V4,second:yes,iface:$METRO_CLIENT_IF
src:$METRO_CLIENT_V6,dst:$METRO_SERVER_V6,second:yes,iface:$METRO_CLIENT_IF
src:127.0.0.1,dst:127.0.0.1,iface:lo
END
}

lines_are_exact() {
  ! grep -vE -e '^-- datagram [0-9]+$' \
    -e '^system\.net\.tcp\.rtt(\.avg|\.jitter)?:[0-9]+\.[0-9]{6}\|g\|#src:[^,]+,dst:[^,]+(,[^,]+)*,iface:[^,]+$' \
    "$METRO_TMP/$1.out"
}

# avg, jitter and rtt of one set of tags follow each other.
sets_are_complete() {
  grep '^system' "$METRO_TMP/$1.out" | awk -F '[:|#]' '
    BEGIN { split("avg jitter rtt", order, " ") }
    {
      tags = substr($0, index($0, "#"))
      name = $1 == "system.net.tcp.rtt" ? "rtt" : substr($1, length("system.net.tcp.rtt.") + 1)
      place = (NR - 1) % 3 + 1
      if (name != order[place]) { print "line " NR ": " name " and not " order[place]; exit 1 }
      if (place > 1 && tags != before) { print "line " NR ": other tags"; exit 1 }
      before = tags
    }
    END { if (NR == 0 || NR % 3) { print NR " lines"; exit 1 } }'
}

tags_are() { # NAME EXPECTED
  equal tags "$2" "$(sed -n 's/^system.*|#//p' "$METRO_TMP/$1.out" | sort -u)"
}

# Each window is one set however many connections there are in it.
sets_are_few() { # NAME LEAST MOST
  local n
  n=$(gauges "$1" $AVG 'env:test' | grep -c .)
  holds 'n >= least && n <= most' "n=$n" "least=$2" "most=$3"
}

requests() {
  load stranger $STRANGER --count 20 &&
    load lo 127.0.0.1 --rate 20 --seconds 1 &&
    load v6 "$METRO_SERVER_V6" --rate 20 --seconds 1 &&
    load v4 "$METRO_SERVER_V4" --connections 5 --rate 20 --seconds 3
}

test_lines() {
  local sets
  start_statsd lines && start_metro metro in_client -c "$METRO_TMP/lines.yaml" --interval 1 ||
    bail_out "bpf-metro and a StatsD listener start"
  tap_check "requests to peers and a stranger are answered" requests
  tap_check "--interval beats report_interval" wait_until 5 gauge_arrived lines $AVG 'env:test'
  sleep 1.5
  sets=$(gauges lines $AVG | grep -c .)
  sleep 2.2
  tap_check "nothing is reported for intervals without samples" \
    equal "sets of gauges" "$sets" "$(gauges lines $AVG | grep -c .)"
  stop_background metro
  sleep 0.2
  tap_check "lines are go-metro's to the letter" lines_are_exact lines
  tap_check "avg, jitter and rtt come in this order" sets_are_complete lines
  tap_check "src, dst, configured tags and iface; peers and nobody else" \
    tags_are lines "$(expected_tags)"
  tap_check "5 connections over 3 s make one set an interval" sets_are_few lines 3 5
  stop_background lines
}

# ---- many peers ----------------------------------------------------------------------------------

many=300

# Every address of the network is the server's.
many_servers() {
  ip -n "$METRO_SERVER_NS" route add local 10.99.0.0/16 dev lo &&
    ip -n "$METRO_CLIENT_NS" route add 10.99.0.0/16 via "$METRO_SERVER_V4"
}

ask_all() {
  # shellcheck disable=SC2016 # for the other shell
  in_client timeout 60 bash -c '
    for ((i = 0; i < $3; i++)); do
      "$1" client --connect "10.99.$((i / 200)).$((i % 200 + 1))" --port "$2" --count 2 || exit
    done >/dev/null' - "$LOAD" $PORT $many
}

all_arrived() {
  equal "peers reported" $many \
    "$(sed -n 's/^'$AVG':.*,\(dst:10\.99\.[^,]*\),.*/\1/p' "$METRO_TMP/many.out" | sort -u | grep -c .)"
}

datagrams() { # NAME: the length that each had
  sed -n 's/^-- datagram //p' "$METRO_TMP/$1.out"
}

datagrams_are_fine() {
  local -a numbers
  read -ra numbers < <(datagrams many | sort -n | awk '
    { sum += $1; most = $1 } END { print NR, most, sum / NR }')
  holds 'n > 10 && most <= 1432 && mean > 1200' "n=${numbers[0]}" "most=${numbers[1]}" \
    "mean=${numbers[2]}"
}

test_many_peers() {
  config "$METRO_TMP/many.yaml" <<END
instances:
  - interface: $METRO_CLIENT_IF
    ips: [10.99.0.0/16]
    tags: ["datacenter:somewhere-in-the-middle-of-nowhere", "role:one-of-$many"]
  - interface: $METRO_CLIENT_IF # shorter lines between the long ones: datagrams of many lengths
    ips: [10.99.0.0/16]
    tags: [again]
END
  many_servers && start_statsd many && start_metro metro in_client -c "$METRO_TMP/many.yaml" ||
    bail_out "bpf-metro with a network of peers"
  tap_check "$many peers answer" ask_all
  stop_background metro
  tap_check "$many peers: the last report is about every one" soon 5 all_arrived
  sleep 0.2
  tap_check "$many peers: each has all three gauges" sets_are_complete many
  tap_check "$many peers: no datagram over 1432 bytes, and few half empty" datagrams_are_fine
  tap_check "$many peers: no line is cut" lines_are_exact many
  stop_background many
}

# ---- a server that comes and goes ----------------------------------------------------------------

test_server_restart() {
  config "$METRO_TMP/restart.yaml" <<END
instances: [{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4]}]
END
  start_statsd before && start_metro metro in_client -c "$METRO_TMP/restart.yaml" --interval 0.3 &&
    start_background traffic in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT \
      --rate 50 --seconds 60 || bail_out "bpf-metro, a StatsD listener and traffic"
  tap_check "metrics arrive at the first server" wait_until 5 gauge_arrived before $AVG
  stop_background before
  tap_check "its end is noticed" log_has metro 'StatsD server .* metrics are lost'
  sleep 2
  start_statsd after
  tap_check "its return is noticed" log_has metro 'StatsD server .* takes metrics again' 10
  tap_check "metrics arrive at the second server" wait_until 5 gauge_arrived after $AVG
  sleep 1
  tap_check "one line about its end" equal lines 1 "$(log_count metro 'metrics are lost')"
  tap_check "one line about its return" equal lines 1 "$(log_count metro 'takes metrics again')"
  stop_background traffic
  tap_check "bpf-metro ends well" stop_background metro
  stop_background after
}

test_lines
test_many_peers
test_server_restart
tap_done
