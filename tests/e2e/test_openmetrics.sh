#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# /metrics of daemons that measure real traffic: the figures of their own JSON, log and StatsD; what a real
# Prometheus makes of them; health; reloads; and clients that mean no good.
#   PROMETHEUS=PATH  the directory it is unpacked in; else prometheus in $METRO_BUILD
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

PROMETHEUS=${PROMETHEUS:-$METRO_BUILD/prometheus}/usr/bin
ASK=$(dirname "$0")/openmetrics.py
JSON=127.0.0.1:9747 # the daemon that also prints
STATSD=127.0.0.1:9748
WEB=127.0.0.1:9090

ask() {
  in_client python3 "$ASK" "$@"
}

# told NAME COMMAND...: a test that shows what it has found.
told() {
  tap_check "$@"
  metro_comment <"$METRO_TMP/tap_check"
}

# write_config NAME LISTEN [INIT [INSTANCE]]
write_config() {
  cat >"$METRO_TMP/$1.yaml" <<END
init_config:
  {log_to_file: false, report_interval: 1, reverse_names: false, control_socket: none, statsd_ip: 127.0.0.1,
   statsd_port: 8125, metrics: [samples, retransmissions]${2:+, openmetrics_listen: "$2"}${3:+, $3}}
instances:
  - {interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4, 10.99.0.0/16], ${4:-tags: [env:test]}}
END
}

json_lines() {
  grep -c . "$METRO_TMP/json.out"
}

# ---- figures ---------------------------------------------------------------------------------------

metro_setup_pair metrics --delay 4 --jitter 2 && start_server && start_statsd statsd || bail_out "two hosts and a server"
write_config json $JSON '' 'tags: ["k8s.pod:a b", "team:x", "team:y", plain]'
write_config daemon $STATSD
start_metro json in_client -c "$METRO_TMP/json.yaml" --backend bpf --output json &&
  start_metro daemon in_client -c "$METRO_TMP/daemon.yaml" --backend bpf || bail_out "bpf-metro starts"

load rr "$METRO_SERVER_V4" --rate 100 --count 100 --connections 3
wait_until 3 samples_reach json 300
COUNT=$(json_lines)
tap_check "all samples are added up" soon 5 ask counted $JSON "$COUNT"
told "buckets, sum and count are those of the daemon's JSON" ask equals_json $JSON "$METRO_TMP/json.out"
tap_check "tags are labels" ask labels $JSON iface=$METRO_CLIENT_IF "k8s_pod=a b" team=x team_2=y plain=true
tap_check "both formats, and gzip, have the same figures" ask forms $JSON

arrived() {
  gauges statsd "$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

statsd_has() { # METRIC NAME
  local shown
  shown=$(ask value $STATSD "$2") && holds 'sent > 0 && sent == shown' "sent=$(arrived "$1")" "shown=$shown"
}

tap_check "StatsD, from the same daemon, has as many samples" \
  soon 5 statsd_has system.net.tcp.rtt.samples bpf_metro_tcp_rtt_seconds_count
handshakes_are() {
  equal handshakes 3 "$(ask value $STATSD bpf_metro_tcp_handshake_seconds_count)" &&
    holds 'sum > 3 * 0.002 && sum < 3 * 0.1' "sum=$(ask value $STATSD bpf_metro_tcp_handshake_seconds_sum)"
}
tap_check "handshakes are timed, though no metric asks for them" handshakes_are

# ---- Prometheus ------------------------------------------------------------------------------------

start_prometheus() {
  cat >"$METRO_TMP/prometheus.yml" <<END
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: json, static_configs: [{targets: ["$JSON"]}]}
  - {job_name: daemon, static_configs: [{targets: ["$STATSD"]}]}
END
  start_background prometheus in_client "$PROMETHEUS/prometheus" --config.file="$METRO_TMP/prometheus.yml" \
    --storage.tsdb.path="$METRO_TMP/tsdb" --web.listen-address=$WEB &&
    wait_for_line "$METRO_TMP/prometheus.err" 'ready to receive web requests' 20
}

checks_clean() {
  ask text "$1" >"$METRO_TMP/scrape" && "$PROMETHEUS/promtool" check metrics <"$METRO_TMP/scrape" >"$METRO_TMP/lint" 2>&1 &&
    [ ! -s "$METRO_TMP/lint" ] && return
  cat "$METRO_TMP/lint"
  return 1
}

if [ -x "$PROMETHEUS/prometheus" ]; then
  tap_check "promtool check metrics finds nothing" checks_clean $JSON
  start_prometheus || bail_out "Prometheus starts: $(tail -n 3 "$METRO_TMP/prometheus.err")"
  for job in json daemon; do
    # It looks for what there is to scrape every five seconds.
    tap_check "Prometheus scrapes $job" soon 20 ask prometheus_has $WEB "up{job=\"$job\"}" 1
    tap_check ".. and has its samples" \
      soon 5 ask prometheus_has $WEB "sum(bpf_metro_tcp_rtt_seconds_count{job=\"$job\"})" "$COUNT"
  done
  told "histogram_quantile is in the true quantile's bucket" ask quantiles $WEB json "$METRO_TMP/json.out"
  tap_check "Prometheus knows the backend" ask prometheus_has $WEB 'count(bpf_metro_backend_info{job="daemon",backend="bpf"})' 1
  stop_background prometheus
else
  tap_skip "Prometheus" "it is not in $PROMETHEUS: sudo make deps"
fi

# ---- health ----------------------------------------------------------------------------------------

tap_check "/healthz: well" ask status $JSON /healthz 200 '"healthy":true,.*"output":"json"'
tap_check "/readyz: ready" ask status $JSON /readyz 200
tap_check "anything else is not there" ask status $JSON / 404

write_config lonely 127.0.0.1:9751
sed -i "s/interface: $METRO_CLIENT_IF/interface: nothing0/" "$METRO_TMP/lonely.yaml"
start_background lonely in_client "$METRO" -c "$METRO_TMP/lonely.yaml" --backend bpf
log_has lonely 'OpenMetrics at 127.0.0.1:9751' "$READY_SECONDS" || bail_out "a daemon without an interface starts"
lonely_shows() { # AWAITED MEASURED HEALTHY
  ask text 127.0.0.1:9751 >"$METRO_TMP/lonely.text"
  grep -qx "bpf_metro_interfaces{state=\"awaited\"} $1" "$METRO_TMP/lonely.text" &&
    grep -qx "bpf_metro_interface_measured{iface=\"nothing0\"} $2" "$METRO_TMP/lonely.text" &&
    grep -qx "bpf_metro_healthy $3" "$METRO_TMP/lonely.text"
}
tap_check "/healthz: there is no interface" ask status 127.0.0.1:9751 /healthz 503 'waiting for nothing0'
tap_check "/readyz: not ready" ask status 127.0.0.1:9751 /readyz 503
tap_check "metrics say so, too" soon 5 lonely_shows 1 0 0
ip -n "$METRO_CLIENT_NS" link add nothing0 type veth peer name nothing1
ip -n "$METRO_CLIENT_NS" link set nothing0 up && ip -n "$METRO_CLIENT_NS" link set nothing1 up
tap_check "/readyz: ready as soon as it is there" soon 5 ask status 127.0.0.1:9751 /readyz 200
tap_check ".. and metrics say so" soon 5 lonely_shows 0 1 1
stop_background lonely

# ---- clients that mean no good ---------------------------------------------------------------------

thread_capabilities() {
  local task
  for task in "/proc/$(background_pid daemon)"/task/*; do
    [ "$(cat "$task/comm")" != openmetrics ] || grep -E 'Cap(Prm|Eff)' "$task/status"
  done
}

has_none() {
  thread_capabilities >"$METRO_TMP/capabilities"
  equal "lines without capabilities" 2 "$(grep -c '0000000000000000$' "$METRO_TMP/capabilities")"
}
tap_check "the thread that serves has no capabilities" has_none

start_background nuisance in_client python3 "$ASK" nuisance $JSON 5
start_background nuisance2 in_client python3 "$ASK" nuisance $STATSD 5
load hostile "$METRO_SERVER_V4" --rate 100 --count 400
# With 10,000 connections a second it may be turned away, as the oldest that has not asked yet, and comes again.
tap_check "hostile clients: a scrape is answered all the same" soon 3 ask counted $STATSD 0
wait_until 3 samples_reach json $((COUNT + 400))
tap_check "hostile clients: no sample is missing" equal samples $((COUNT + 400)) "$(json_lines)"
wait_background nuisance 8
wait_background nuisance2 8
cat "$METRO_TMP/nuisance.out" | metro_comment
tap_check ".. and all are added up" soon 5 ask equals_json $JSON "$METRO_TMP/json.out"

# ---- the end, and reloads --------------------------------------------------------------------------

kept_counters() {
  sleep 1.5 # nothing passes any more
  ask text $JSON >"$METRO_TMP/last" && stop_background json && ask equals_log "$METRO_TMP/last" "$METRO_TMP/json.err"
}
told "all counters are those of the log" kept_counters

reload() {
  kill -HUP "$(background_pid daemon)" && log_has daemon "$1" || { tail -n 5 "$METRO_TMP/daemon.err" && return 1; }
}

write_config daemon unix:"$METRO_TMP/metrics.sock"
tap_check "a reload moves it to a Unix socket" reload 'OpenMetrics at unix:'
tap_check ".. which answers" ask status "$METRO_TMP/metrics.sock" /readyz 200
tap_check ".. and goes on counting" ask counted "$METRO_TMP/metrics.sock" "$COUNT"
tap_check ".. and is not open to others" equal mode 660 "$(stat -c %a "$METRO_TMP/metrics.sock")"
is_gone() {
  ! ask status $STATSD /readyz 200
}
tap_check ".. and nobody listens where it was" is_gone

start_background squatter in_client python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 9749)); print("ready", flush=True); time.sleep(60)'
wait_for_line "$METRO_TMP/squatter.out" ready 5
write_config daemon 127.0.0.1:9749
tap_check "a place that is taken is named" reload 'cannot serve OpenMetrics at 127.0.0.1:9749: Address already in use'
tap_check ".. and the old one stays" ask counted "$METRO_TMP/metrics.sock" "$COUNT"
does_not_start() {
  in_client timeout 20 "$METRO" -c "$METRO_TMP/daemon.yaml" >"$METRO_TMP/start" 2>&1
  equal status 1 $? && grep -q 'Address already in use' "$METRO_TMP/start"
}
tap_check "a start says so, and fails" does_not_start

# Below the ports of the hostile clients, some of whose connections are still winding up.
write_config daemon 0.0.0.0:1975
tap_check "an address that others reach is warned of" reload 'WARNING OpenMetrics at 0.0.0.0:1975 can be read by other hosts'
write_config daemon ''
tap_check "without the key it ends" reload 'reloaded .*daemon.yaml'
socket_is_gone() {
  [ ! -e "$METRO_TMP/metrics.sock" ] && ! ask status 127.0.0.1:1975 /readyz 200
}
tap_check ".. and nothing is left of it" socket_is_gone
stop_background daemon

# ---- 10,000 series ---------------------------------------------------------------------------------

write_config many $JSON 'max_flows: 32768, metrics: [samples]' 'tags: [env:production, role:database]'
sed -i 's/metrics: \[samples, retransmissions\], //' "$METRO_TMP/many.yaml"
start_metro many in_client -c "$METRO_TMP/many.yaml" --backend bpf || bail_out "bpf-metro starts"
in_client "$METRO_BUILD/sample_feed" --pid "$(background_pid many)" --interface "$METRO_CLIENT_IF" --seconds 4 \
  --flows 10000 --peers 10000 >"$METRO_TMP/feed.json" || cat "$METRO_TMP/feed.json"
told "a scrape of 10,000 series takes less than 100 ms, or three times what its bytes take" ask scrape_time $JSON 9900 "${METRO_SCRAPE_MS:-100}"
stop_background many
tap_done
