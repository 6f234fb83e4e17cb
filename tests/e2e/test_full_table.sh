#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A flow table that is full, with BPF and with libpcap at the same time: connections in use go on being
# measured, others are refused and counted, and long before idle_ttl the idle ones make room.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

MAX_FLOWS=40
BUSY=4
IDLE=$((MAX_FLOWS - BUSY - 3))
WAYS="bpf pcap"

config() { # FILE
  cat >"$1" <<END
init_config:
  log_to_file: false
  report_interval: 1
  idle_ttl: 300
  max_flows: $MAX_FLOWS
instances:
  - interface: $METRO_CLIENT_IF
    ips: [$METRO_SERVER_V4]
END
}

start_servers() {
  local port
  for port in 5000 5001 5002 5003; do
    PORT=$port start_server "server-$port" || return
  done
}

start_both() {
  local way
  config "$METRO_TMP/config.yaml"
  for way in $WAYS; do
    start_metro "$way" in_client --backend "$way" --output json -c "$METRO_TMP/config.yaml" || return
  done
}

stop_both() {
  local way
  for way in $WAYS; do
    stop_background "$way" || return
  done
}

# start_load NAME PORT OPTION...
start_load() {
  start_background "$1" in_client timeout 60 "$LOAD" client --connect "$METRO_SERVER_V4" --port "$2" \
    "${@:3}"
}

both_have() { # NUMBER PATTERN
  local way
  for way in $WAYS; do
    samples_reach "$way" "$1" "$2" || return
  done
}

metro_setup_pair full-table && start_servers && start_both || bail_out "two hosts, and bpf-metro"

start_load busy 5000 --connections $BUSY --rate 50 --seconds 13
soon 5 both_have $BUSY '"dport":5000,' || bail_out "busy connections"
start_load idle 5001 --connections $IDLE --count 1 --hold 12
tap_check "connections until the table is nearly full" soon 5 both_have $IDLE '"dport":5001,'
start_load more 5002 --connections 50 --count 1 --hold 10
tap_check "three more find room" soon 5 both_have 3 '"dport":5002,'

# Idle ones go when they have been silent for 5 s, with the next report.
sleep 7.5
PORT=5003 load late "$METRO_SERVER_V4" --connections 10 --count 5
tap_check "then ten others are measured, and each sample of theirs" \
  soon 5 both_have 50 '"dport":5003,'
wait_background busy 20
sleep 0.3 # what is still on the way
tap_check "all end well" stop_both

for way in $WAYS; do
  busy=$(samples "$way" '"dport":5000,')
  requests=$(grep -o '"requests":[0-9]*' "$METRO_TMP/busy.out" |
    awk -F : '{ sum += $2 } END { print sum }')
  tap_check "$way: no sample of a busy connection is missing" equal samples "$requests" "$busy"
  tap_check "$way: new connections were refused" \
    holds 'refused >= 47' "refused=$(counter "$way" flows_refused)"
  tap_check "$way: and none of them measured" \
    equal samples 3 "$(samples "$way" '"dport":5002,')"
  tap_check "$way: idle ones made room" \
    holds 'evicted >= 10 && evicted <= most' "evicted=$(counter "$way" flows_evicted)" \
    "most=$((MAX_FLOWS - BUSY))"
  tap_check "$way: the table was never larger" \
    holds 'flows - evicted <= most' "flows=$(counter "$way" flows)" \
    "evicted=$(counter "$way" flows_evicted)" "most=$MAX_FLOWS"
done
tap_done
