#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Connections as busy as can be while the peers around theirs change again and again, a few and then
# thousands: a peer that is configured before and after a reload is not missed for a single packet. Nor is one
# that a reload brings, from then on.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

RELOADS=16
CONFIG=$METRO_TMP/config.yaml

# config PEER...
config() {
  {
    printf '%s\n' 'init_config:' '  log_to_file: false' '  report_interval: 3600' 'instances:' \
      "  - interface: $METRO_CLIENT_IF" '    ips:'
    printf '      - "%s"\n' "$@"
  } >"$CONFIG.part" && mv "$CONFIG.part" "$CONFIG"
}

# The same host by its address, by networks of several sizes; and then beside 5000 others.
change_peers() { # NUMBER
  local others
  case $(($1 % 4)) in
    0) config "$METRO_SERVER_V4" ;;
    1) config 10.77.0.0/24 ;;
    2)
      mapfile -t others < <(seq 1 5000 | awk '{ printf "172.16.%d.%d\n", $1 / 250, $1 % 250 + 1 }')
      config 10.0.0.0/9 "${others[@]}" ;;
    3) config 0.0.0.0/0 198.51.100.7 ;;
  esac
}

reload() {
  local i
  for ((i = 1; i <= RELOADS; i++)); do
    change_peers $i && kill -HUP "$(background_pid metro)" &&
      soon 10 reloaded $i || return
  done
}

reloaded() { # TIMES
  equal reloads "$1" "$(log_count metro 'INFO reloaded ')"
}

# Its connections have ended before libpcap has been handed a block of their packets.
brought() { # BACKEND
  config 198.51.100.7
  start_metro metro in_client --backend "$1" -c "$CONFIG" && change_peers 0 &&
    kill -HUP "$(background_pid metro)" && soon 10 reloaded 1 &&
    load brought "$METRO_SERVER_V4" --connections 8 --count 20 && stop_background metro &&
    equal samples 160 "$(counter metro samples)"
}

metro_setup_pair reload-busy && start_server || bail_out "two hosts"
change_peers 0
start_metro metro in_client --backend bpf --output json -c "$CONFIG" || bail_out "bpf-metro"
start_background busy in_client timeout 60 "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT \
  --connections 8 --rate 400 --seconds 8
soon 5 samples_reach metro 100 || bail_out "traffic"
tap_check "$RELOADS reloads" reload
tap_check "the traffic went on meanwhile" background_alive busy
wait_background busy 20
requests=$(grep -o '"requests":[0-9]*' "$METRO_TMP/busy.out" |
  awk -F : '{ sum += $2 } END { print sum }')
sleep 0.3 # what is still on the way
tap_check "bpf-metro ends well" stop_background metro
tap_check "every request has its sample" equal samples "$requests" "$(samples metro)"
tap_check "no connection was taken for another" equal flows 8 "$(counter metro flows)"
tap_check "bpf: no sample of a peer that a reload brings is missing" brought bpf
tap_check "pcap: no sample of a peer that a reload brings is missing" brought pcap
tap_done
