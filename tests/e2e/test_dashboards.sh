#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Every query of Grafana's dashboards has figures in a real Prometheus, which scrapes a bpf-metro that measures
# real traffic; promtool holds the alert rules against figures that are well, and some that are not. What
# needs no traffic is in tests/dashboards.py.
#   PROMETHEUS=PATH  the directory it is unpacked in; else prometheus in $METRO_BUILD
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/common.sh

PROMETHEUS=${PROMETHEUS:-$METRO_BUILD/prometheus}/usr/bin
WEB=127.0.0.1:9090

if [ ! -x "$PROMETHEUS/prometheus" ]; then
  tap_skip "dashboards" "Prometheus is not in $PROMETHEUS: sudo make deps"
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

metro_setup_pair boards --delay 2 && start_server && start_statsd statsd || bail_out "two hosts and a server"
cat >"$METRO_TMP/metro.yaml" <<END
init_config:
  {log_to_file: false, report_interval: 1, reverse_names: false, control_socket: none, statsd_ip: 127.0.0.1,
   statsd_port: 8125, openmetrics_listen: "127.0.0.1:9747"}
instances:
  - {interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4, $METRO_SERVER_V6], direction: both}
END
start_metro metro in_client -c "$METRO_TMP/metro.yaml" || bail_out "bpf-metro starts"

cat >"$METRO_TMP/prometheus.yml" <<END
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: bpf-metro, static_configs: [{targets: ["127.0.0.1:9747"]}]}
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
stop_background traffic
stop_background prometheus
stop_background metro
tap_done
