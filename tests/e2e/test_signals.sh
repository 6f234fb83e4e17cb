#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# SIGINT, SIGTERM and SIGQUIT report what was measured since the last report, and end it also while
# nobody reads its output; SIGHUP changes the configuration and costs the flows that stay no sample; a
# broken file changes nothing.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

AVG=system.net.tcp.rtt.avg
REMOVED=10.77.0.3
ADDED=10.77.0.4
CONFIG=$METRO_TMP/reload.yaml

metro_setup_pair signals --delay 20 && start_server || bail_out "two hosts and a server"
for address in $REMOVED $ADDED; do
  ip -n "$METRO_SERVER_NS" address add $address/24 dev "$METRO_SERVER_IF"
done

config() { # TAG PEER...
  local tag=$1 peers
  shift
  printf -v peers '%s, ' "$@"
  cat >"$CONFIG" <<END
init_config: {log_to_file: false, report_interval: 3600}
instances: [{interface: $METRO_CLIENT_IF, tags: ["$tag"], ips: [${peers%, }]}]
END
}

# ---- the end -------------------------------------------------------------------------------------

ends_with_report() { # BACKEND SIGNAL
  local status
  config end:yes "$METRO_SERVER_V4"
  start_statsd statsd && start_metro metro in_client -c "$CONFIG" --backend "$1" &&
    load rr "$METRO_SERVER_V4" --count 10 || return
  if gauge_arrived statsd $AVG; then
    echo "a report came before the signal"
    return 1
  fi
  stop_background metro "$2"
  status=$?
  wait_until 2 gauge_arrived statsd $AVG end:yes
  cat "$METRO_TMP/statsd.out" "$METRO_TMP/metro.err"
  equal status 0 $status && gauge_arrived statsd $AVG end:yes &&
    equal samples 10 "$(counter metro samples)"
  status=$?
  stop_background statsd
  return $status
}

for backend in bpf pcap; do
  tap_check "$backend: SIGTERM reports the last samples, status 0" ends_with_report $backend TERM
  tap_check "$backend: SIGINT reports the last samples, status 0" ends_with_report $backend INT
  tap_check "$backend: SIGQUIT reports the last samples, status 0" ends_with_report $backend QUIT
done

# ---- the end while output is stuck ---------------------------------------------------------------

# A pipe that nobody reads is full after 64 KB, some 400 of the 1000 samples.
ends_while_stuck() { # SIGNAL
  local status reader
  mkfifo "$METRO_TMP/stuck"
  sleep 60 <>"$METRO_TMP/stuck" & # keeps it open, and does not read
  reader=$!
  # shellcheck disable=SC2016 # for the other shell
  start_background metro in_client sh -c 'exec "$@" >"$0"' "$METRO_TMP/stuck" "$METRO" \
    --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" && await_metro metro || return
  load rr "$METRO_SERVER_V4" --connections 20 --count 50
  sleep 0.3
  stop_background metro "$1"
  status=$?
  kill $reader
  rm "$METRO_TMP/stuck"
  cat "$METRO_TMP/metro.err"
  equal status 1 $status && log_has metro 'cannot write the samples'
}

for signal in TERM INT QUIT; do
  tap_check "SIG$signal while nobody reads the output: it ends, and says what is lost" \
    ends_while_stuck $signal
done

# ---- reload --------------------------------------------------------------------------------------

reloaded() { # TIMES
  [ "$(log_count metro 'reloaded ')" -ge "$1" ]
}

# Three connections with a request on its way all the time. One peer stays, one goes, one comes.
test_reload() { # BACKEND
  local kept removed added status=0 i
  config before "$METRO_SERVER_V4" $REMOVED
  start_metro metro in_client -c "$CONFIG" --backend "$1" --output json ||
    bail_out "$1: bpf-metro starts"
  load kept "$METRO_SERVER_V4" --connections 2 --count 150 &
  kept=$!
  load removed $REMOVED --count 150 &
  removed=$!
  load added $ADDED --count 150 &
  added=$!
  sleep 1
  tap_check "$1, reload: the peer that will go is measured" \
    samples_reach metro 10 "\"dst\":\"$REMOVED\""
  tap_check "$1, reload: the peer that will come is not" \
    equal samples 0 "$(samples metro "\"dst\":\"$ADDED\"")"
  config after "$METRO_SERVER_V4" $ADDED
  kill -HUP "$(background_pid metro)"
  tap_check "$1, reload: it says so" wait_until 5 reloaded 1
  sleep 0.3
  cp "$METRO_TMP/metro.out" "$METRO_TMP/earlier.out"
  for ((i = 2; i < 8; i++)); do # and again, at other moments of a round trip
    kill -HUP "$(background_pid metro)"
    wait_until 2 reloaded $i
  done
  wait $kept && wait $removed && wait $added
  status=$?
  sleep 0.3
  tap_check "$1, reload: the traffic went on" equal status 0 $status
  tap_check "$1, reload: the peer that stays lost no sample" \
    equal samples 300 "$(samples metro "\"dst\":\"$METRO_SERVER_V4\"")"
  tap_check "$1, reload: the peer that went is measured no more" \
    equal samples "$(samples earlier "\"dst\":\"$REMOVED\"")" "$(samples metro "\"dst\":\"$REMOVED\"")"
  tap_check "$1, reload: the peer that came is measured" \
    samples_reach metro 20 "\"dst\":\"$ADDED\""
  tap_check "$1, reload: bpf-metro ends well" stop_background metro
}

# Tags and the server's address change with it.
test_reload_statsd() {
  config before:yes "$METRO_SERVER_V4"
  start_statsd first && start_statsd second in_client --port 8126 &&
    start_metro metro in_client -c "$CONFIG" --interval 0.5 || bail_out "bpf-metro starts"
  load rr "$METRO_SERVER_V4" --count 20
  tap_check "before the reload: the first server, the first tag" \
    wait_until 3 gauge_arrived first $AVG before:yes
  config after:yes "$METRO_SERVER_V4"
  sed -i 's/report_interval/statsd_port: 8126, report_interval/' "$CONFIG"
  kill -HUP "$(background_pid metro)"
  tap_check "the reload is logged" wait_until 5 reloaded 1
  load rr "$METRO_SERVER_V4" --count 20
  tap_check "after the reload: the second server, the second tag" \
    wait_until 3 gauge_arrived second $AVG after:yes
  tap_check "after the reload: nothing more to the first" \
    equal "lines with the second tag" "" "$(gauges first $AVG after:yes)"
}

test_broken_reload() {
  local before
  echo "instances: [{interface: $METRO_CLIENT_IF, ips: [nonsense/64]}]" >"$CONFIG"
  kill -HUP "$(background_pid metro)"
  tap_check "a broken file: its mistake is logged" log_has metro "$CONFIG:1: .*nonsense/64"
  tap_check "a broken file: the old one stays, and that is logged" \
    log_has metro 'not reloaded: keeping the old configuration'
  rm "$CONFIG"
  kill -HUP "$(background_pid metro)"
  wait_until 5 eval '[ "$(log_count metro "not reloaded")" -ge 2 ]'
  tap_check "a missing file: the old one stays" equal "refusals" 2 "$(log_count metro 'not reloaded')"
  before=$(gauges second $AVG after:yes | grep -c .)
  load rr "$METRO_SERVER_V4" --count 20
  tap_check "a broken file: it measures as before" \
    wait_until 3 eval '[ "$(gauges second $AVG after:yes | grep -c .)" -gt '"$before"' ]'
  tap_check "a broken file: bpf-metro ends well" stop_background metro
}

test_reload bpf
test_reload pcap
test_reload_statsd
test_broken_reload
tap_done
