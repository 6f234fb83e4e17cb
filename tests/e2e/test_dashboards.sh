#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Every query of Grafana's dashboards has figures in a real Prometheus, which scrapes two bpf-metro that measure
# real traffic, one with BPF and one that cannot have it; alerts fire there where they should. promtool holds
# them against figures that are well, and some that are not. What needs no traffic is in tests/dashboards.py.
#   PROMETHEUS=PATH  the directory it is unpacked in; else prometheus in $METRO_BUILD
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/common.sh

PROMETHEUS=${PROMETHEUS:-$METRO_BUILD/prometheus}/usr/bin
WEB=127.0.0.1:9090

if [ ! -x "$PROMETHEUS/prometheus" ] || ! have capsh; then
  tap_skip "dashboards" "capsh, or Prometheus in $PROMETHEUS, is not there: sudo make deps"
  tap_done
  exit
fi

# ---- alert rules -------------------------------------------------------------------------------------

RULES=$METRO_TMP/bpf-metro.rules.yml
cp tests/data/prometheus/rules_test.yml "$METRO_TMP/"
cp packaging/prometheus/bpf-metro.rules.yml "$RULES"
test_rules() {
  "$PROMETHEUS/promtool" test rules "$METRO_TMP/rules_test.yml"
}
tap_check "promtool check rules" "$PROMETHEUS/promtool" check rules "$RULES"
tap_check "promtool test rules" test_rules

# no_rule_may CHANGE: by sed; the tests of the rules notice each.
no_rule_may() {
  sed "$1" packaging/prometheus/bpf-metro.rules.yml >"$RULES"
  ! cmp -s "$RULES" packaging/prometheus/bpf-metro.rules.yml && ! test_rules
}
tap_check ".. finds another threshold" no_rule_may 's/> 2 \*/> 20 */'
tap_check ".. finds a rule that never fires" no_rule_may 's/ring_lost_total/ring_losd_total/'
tap_check ".. finds a rule that fires without a reason" no_rule_may 's/fallback!=""/backend!=""/'

# ---- dashboards --------------------------------------------------------------------------------------

metro_setup_pair boards --delay 4 && start_server && start_statsd statsd || bail_out "two hosts and a server"

# write_config NAME PORT
write_config() {
  cat >"$METRO_TMP/$1.yaml" <<END
init_config:
  {log_to_file: false, report_interval: 1, reverse_names: false, control_socket: none, statsd_ip: 127.0.0.1,
   statsd_port: 8125, openmetrics_listen: "127.0.0.1:$2"}
instances:
  - {interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4, $METRO_SERVER_V6], direction: both}
END
}

write_config metro 9747
write_config poor 9748
start_metro metro in_client -c "$METRO_TMP/metro.yaml" || bail_out "bpf-metro starts"
start_background poor in_client capsh --drop=cap_bpf,cap_sys_admin -- -c 'exec "$0" "$@"' "$METRO" -c "$METRO_TMP/poor.yaml" &&
  await_metro poor || bail_out "bpf-metro without CAP_BPF starts"

# The same rules, in less time.
sed 's/interval: 1m/interval: 1s/; s/for: .*/for: 1s/' packaging/prometheus/bpf-metro.rules.yml >"$RULES"
cat >"$METRO_TMP/prometheus.yml" <<END
global: {scrape_interval: 1s, scrape_timeout: 1s}
rule_files: [$RULES]
scrape_configs:
  - {job_name: bpf-metro, static_configs: [{targets: ["127.0.0.1:9747", "127.0.0.1:9748"]}]}
END
start_background prometheus in_client "$PROMETHEUS/prometheus" --config.file="$METRO_TMP/prometheus.yml" \
  --storage.tsdb.path="$METRO_TMP/tsdb" --web.listen-address=$WEB &&
  wait_for_line "$METRO_TMP/prometheus.err" 'ready to receive web requests' 20 || bail_out "Prometheus starts"

# New connections all the time: handshakes are timed, too.
traffic() {
  while :; do
    for address in $PEERS; do
      load traffic "$address" --rate 100 --count 30 --connections 2
    done
  done
}
traffic &
METRO_PIDS[traffic]=$!

# shows DASHBOARD...: asked again while Prometheus has not seen enough for rates.
shows() {
  wait_until 20 asks "$@"
  local status=$?
  cat "$METRO_TMP/asked"
  return $status
}

asks() {
  in_client python3 tests/e2e/dashboards.py $WEB "$@" >"$METRO_TMP/asked" 2>&1
}

# told NAME COMMAND...: a test that shows what it has found.
told() {
  tap_check "$@"
  metro_comment <"$METRO_TMP/tap_check"
}

for board in packaging/grafana/*.json; do
  told "$board: every query has figures" shows "$board"
done

misspelt() {
  sed 's/bpf_metro_series{/bpf_metro_serie{/' packaging/grafana/self.json >"$METRO_TMP/misspelt.json"
  ! asks "$METRO_TMP/misspelt.json" && grep -q '^Series: no data' "$METRO_TMP/asked" &&
    equal "dashboards with faults" 1 "$(grep -c ', 1 without data' "$METRO_TMP/asked")"
}
tap_check "a misspelt metric is found" misspelt

# ---- alerts on real figures ----------------------------------------------------------------------------

# query EXPRESSION: one line for each series.
query() {
  in_client "$PROMETHEUS/promtool" query instant http://$WEB "$1"
}

firing_are() { # NAME@PORT...
  local fire
  fire=$(query 'ALERTS{alertstate="firing"}' | sed 's/.*alertname="\([^"]*\)".*instance="[^"]*:\([0-9]*\)".*/\1@\2/' | sort)
  equal "alerts that fire" "$(printf '%s\n' "$@")" "$fire"
}
usual_is_known() {
  query "instance_dst:bpf_metro_tcp_rtt_seconds:p50_10m{dst=\"$METRO_SERVER_V4\",direction=\"\"}" >"$METRO_TMP/usual"
  # There are 4 ms of delay: a bucket from 2.5 to 5 ms.
  equal "daemons whose median is in the bucket of 4 ms" 2 "$(grep -cE '=> 0\.00(2[5-9]|3|4|5 )' "$METRO_TMP/usual")" ||
    { cat "$METRO_TMP/usual" && return 1; }
}
tap_check "the rules record each peer's median" soon 15 usual_is_known
tap_check "the daemon without BPF is the only one with an alert" soon 10 firing_are BpfMetroFallback@9748
stop_background metro
tap_check "one that has ended has another" soon 10 firing_are BpfMetroAbsent@9747 BpfMetroFallback@9748
stop_background traffic
stop_background prometheus
stop_background poor
tap_done
