#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# packaging/grafana and packaging/datadog, by the types that Grafana and Datadog publish (tests/dashboards). What
# they ask for is tested in tests/dashboards.py and tests/e2e/test_dashboards.sh.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
modules=${BUILD:-build}/dashboards

give_up() { # REASON
  tap_skip "types of dashboards" "$1"
  tap_done
  exit
}

# At the versions of the lock file, once. 160 MB, most of them Datadog's client.
install_modules() {
  mkdir -p "$modules" && ! cmp -s tests/dashboards/package-lock.json "$modules/installed" || return 0
  cp tests/dashboards/package.json tests/dashboards/package-lock.json "$modules/" &&
    (cd "$modules" && npm ci --no-audit --no-fund --ignore-scripts) &&
    cp tests/dashboards/package-lock.json "$modules/installed"
}

judge() { # grafana|datadog FILE...
  node "tests/dashboards/$1.mjs" "$modules" "${@:2}"
}

# catches KIND FILE FROM TO WORDS: with this slip in it, the judge says so.
catches() {
  local slip=$METRO_TMP/${2##*/}
  sed "s/$3/$4/" "packaging/$1/$2" >"$slip"
  ! cmp -s "packaging/$1/$2" "$slip" && ! judge "$1" "$slip" >"$METRO_TMP/said" && grep -q "$5" "$METRO_TMP/said" ||
    { head -c 2000 "$METRO_TMP/said"; return 1; }
}

command -v node >/dev/null && command -v npm >/dev/null || give_up "there is no node or npm"
install_modules >"$METRO_TMP/npm" 2>&1 || give_up "npm cannot install: $(grep -m 1 . "$METRO_TMP/npm")"

tap_check "Grafana's dashboards are of its types" judge grafana packaging/grafana/*.json
tap_check ".. which finds an option that there is not" \
  catches grafana overview.json '"cellHeight"' '"cellHigh"' "'\"cellHigh\"' does not exist"
tap_check ".. and a value that there is not" \
  catches grafana peer.json '"drawStyle": "line"' '"drawStyle": "lines"' "'\"lines\"' is not assignable"
tap_check ".. and one of another type" catches grafana self.json '"schemaVersion": \([0-9]*\)' '"schemaVersion": "\1"' "'string' is not"
tap_check ".. and a kind of panel that it does not know" catches grafana self.json '"type": "stat"' '"type": "stats"' 'a kind'

tap_check "Datadog's dashboard and monitors are of its types" judge datadog packaging/datadog/*.json
tap_check ".. which finds a widget that there is not" catches datadog dashboard.json '"type": "timeseries"' '"type": "time"' 'is of no type'
tap_check ".. and a key that there is not" catches datadog monitor-rtt.json '"message"' '"massage"' 'massage'
tap_check ".. and a kind of monitor that there is not" catches datadog monitor-lost.json '"type": "[a-z ]*alert"' '"type": "alerts"' 'is of no type'
tap_check ".. and one that is missing" catches datadog monitor-lost.json '"query":' '"_query":' 'query'
tap_done
