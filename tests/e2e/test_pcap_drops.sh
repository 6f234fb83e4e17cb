#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What libpcap could not keep up with is counted and said: a bpf-metro that is stopped for a while
# loses packets, and goes on measuring afterwards.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/common.sh

metro_setup_pair drops || bail_out "two hosts"
start_server || bail_out "a server"
start_metro metro in_client --backend pcap --output json --interval 1 -i "$METRO_CLIENT_IF" \
  $PEERS || bail_out "bpf-metro with libpcap"

# stuck: more packets than the buffer of 8 MB holds while nobody reads it.
stuck() {
  kill -STOP "$(background_pid metro)" || return
  load flood "$METRO_SERVER_V4" --connections 64 --request 400 --response 400 --count 2000
  local status=$?
  kill -CONT "$(background_pid metro)"
  return $status
}

# to another address, lest what waited in the buffer is taken for it
goes_on() {
  load after "$METRO_SERVER_V6" --count 100 && soon 10 samples_reach metro 100 "$METRO_SERVER_V6"
}

tap_check "traffic while bpf-metro is stopped" stuck
tap_check "the log says that packets were lost" \
  log_has metro 'WARNING in the last interval, [0-9]+ packets were too many for libpcap' 10
tap_check "it goes on measuring" goes_on
stop_background metro TERM
tap_check "the drops are counted" holds 'drops > 0' "drops=$(counter metro capture_drops)"
tap_done
