#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# --output summary: lines are what the schema says, of a capture file with the figures of its samples, and live
# once an interval, under the names and tags of the configuration, before and after a reload.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

captures=tests/data/captures

check() { # [--schema] ARGUMENT...
  python3 tests/tools/check_summary.py "$@"
}

check_schema() { # NAME FILE
  if python3 -c 'import jsonschema' 2>/dev/null; then
    tap_check "$1" check --schema "$2"
  else
    tap_skip "$1" "there is no jsonschema for python3 here"
  fi
}

for capture in "$captures"/*.pcap; do
  "$METRO" -r "$capture" --output json >"$METRO_TMP/samples" &&
    "$METRO" -r "$capture" --output summary >"$METRO_TMP/summary"
  tap_check "${capture##*/}: figures are those of the samples" check "$METRO_TMP/summary" "$METRO_TMP/samples"
  cat "$METRO_TMP/summary" >>"$METRO_TMP/summaries"
done
check_schema "lines of captures are what the schema says" "$METRO_TMP/summaries"
"$METRO" -r $captures/lossy-upload.pcap --output summary >"$METRO_TMP/summary"
tap_check "what was sent again is counted" grep -q '"retransmissions":10}$' "$METRO_TMP/summary"
if [ -n "$(type -p jq)" ]; then
  tap_check "jq reads it" jq -e '.samples >= 0' "$METRO_TMP/summary"
else
  tap_skip "jq reads it" "there is no jq here"
fi
tap_check "nothing to say of no file" \
  bash -c "[ -z \"\$('$METRO' -r '$METRO_TMP/absent' --output summary 2>/dev/null)\" ]"

# ---- live

metro_setup_pair summary --delay 5 || bail_out "two hosts"
start_server || bail_out "a server"

config() { # TAG INSTANCE-EXTRA
  cat >"$METRO_TMP/summary.yaml" <<END
init_config: {log_to_file: false, report_interval: 0.5, control_socket: none}
instances:
  - interface: $METRO_CLIENT_IF
    ips: [$METRO_SERVER_V4, "$METRO_SERVER_V6"]
    tags: ["$1", "we\"ird:t\\\\ag"]
END
}

sum() { # FIELD PATTERN
  python3 -c '
import json, re, sys
lines = [json.loads(line) for line in open(sys.argv[1]) if re.search(sys.argv[3], line)]
print(sum(line[sys.argv[2]] for line in lines))' "$METRO_TMP/metro.out" "$1" "$2"
}

sum_is() { # FIELD PATTERN NUMBER
  [ "$(sum "$1" "$2")" = "$3" ]
}

v4="\"src\":\"$METRO_CLIENT_V4\",\"dst\":\"$METRO_SERVER_V4\""
v6="\"src\":\"$METRO_CLIENT_V6\",\"dst\":\"$METRO_SERVER_V6\""

config env:one
start_metro metro in_client --output summary -c "$METRO_TMP/summary.yaml" || bail_out "it measures"
load rr "$METRO_SERVER_V4" --count 40 && load rr "$METRO_SERVER_V6" --count 30 || bail_out "requests"
tap_check "IPv4: all samples, over the intervals" soon 5 sum_is samples "$v4.*env:one" 40
tap_check "IPv6: all samples, over the intervals" soon 5 sum_is samples "$v6.*env:one" 30
tap_check "handshakes, although the configuration asks for none" sum_is handshakes "$v4" 1
tap_check "tags are cleaned" grep -q '"tags":\["env:one","we_ird:t_ag"\]' "$METRO_TMP/metro.out"

config env:two
kill -HUP "$(background_pid metro)"
log_has metro 'reloaded' || log_has metro 'configuration' || bail_out "a reload"
load rr "$METRO_SERVER_V4" --count 20 || bail_out "requests"
tap_check "after a reload, under the new tags" soon 5 sum_is samples "$v4.*env:two" 20
tap_check ".. and nothing twice" sum_is samples "$v4.*env:one" 40

sleep 1.2
lines=$(wc -l <"$METRO_TMP/metro.out")
sleep 1.2
tap_check "of an interval without traffic there is no line" test "$(wc -l <"$METRO_TMP/metro.out")" = "$lines"
load rr "$METRO_SERVER_V4" --count 10 || bail_out "requests"
stop_background metro
tap_check "the end reports what is left" sum_is samples "$v4.*env:two" 30
check_schema "each line is what the schema says" "$METRO_TMP/metro.out"
no_line_may() { # CHANGE, by sed
  sed "$1" "$METRO_TMP/metro.out" >"$METRO_TMP/changed"
  ! cmp -s "$METRO_TMP/changed" "$METRO_TMP/metro.out" && ! check --schema "$METRO_TMP/changed" >/dev/null 2>&1
}
for change in 's/"samples":/"sample":/' 's/"tags":\[[^]]*\]/"tags":"a"/' 's/"last_ns":/"last_ns":-/' 's/Z",/",/'; do
  tap_check ".. which finds $change" no_line_may "$change"
done
cat >"$METRO_TMP/order.py" <<'END'
import json, sys
times = [(line["from"], line["to"]) for line in map(json.loads, open(sys.argv[1]))]
sys.exit(not all(a < b for a, b in times) or not all(a[1] <= b[0] or a == b for a, b in zip(times, times[1:])))
END
tap_check "intervals follow each other" python3 "$METRO_TMP/order.py" "$METRO_TMP/metro.out"
tap_done
