#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Metrics by choice, against the samples of the same capture file one by one; every sample as a
# distribution; smoothing; and with many peers on the wire, what dst becomes and how many there are.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

CAPTURES=$(realpath "$(dirname "$0")/../data/captures")
ALL="rtt, avg, jitter, min, max, p50, p95, p99, samples, handshake, retransmissions"
ANY='["0.0.0.0/0", "::/0"]'

metro_setup_pair metrics && start_server || bail_out "two hosts and a server"

# ---- a capture file ------------------------------------------------------------------------------

# report NAME KEYS [OPTION...]: what it reports of the capture file $capture goes to NAME.out.
report() {
  local name=$1
  cat >"$METRO_TMP/$name.yaml" <<END
init_config: {log_to_file: false, $2}
instances: [{interface: file, pcap: "$capture", ips: $ANY}]
END
  start_statsd "$name" && in_client "$METRO" -c "$METRO_TMP/$name.yaml" "${@:3}" || return
  sleep 0.2
  stop_background "$name"
  grep -q '^system' "$METRO_TMP/$name.out"
}

# The same, from the samples: NAME.json has those of the capture file. Percentiles are the nearest
# rank's, and right to 1 %; everything else is right to the sixth decimal. Smoothed values depend on
# the order in which samples of several connections are taken in.
cat >"$METRO_TMP/judge.py" <<'END'
import collections, json, math, sys

samples = collections.defaultdict(list)
connections = collections.defaultdict(lambda: collections.defaultdict(list))
for line in open(sys.argv[2]):
    s = json.loads(line)
    samples[s["src"], s["dst"]].append(s["rtt_ns"] / 1e6)
    connections[s["src"], s["dst"]][s["sport"], s["dport"]].append(s["rtt_ns"] / 1e6)
reported = collections.defaultdict(dict)
every = collections.defaultdict(list)
for line in open(sys.argv[3]):
    if line.startswith("--"):
        continue
    head, kind, tags = line.strip().split("|")
    name, *values = head.split(":")
    tags = dict(t.split(":", 1) for t in tags[1:].split(","))
    assert tags["iface"] == "file", line
    who = tags["src"], tags["dst"]
    if kind == "d":
        assert name == "system.net.tcp.rtt.distribution", line
        every[who] += map(float, values)
        continue
    assert len(values) == 1 and name not in reported[who], "twice: " + line
    reported[who][name] = kind, float(values[0])

def near(who, name, want, share=0, kind="g"):
    got_kind, got = reported[who][name]
    print(*who, name, got, want)
    assert got_kind == kind and abs(got - want) <= share * want + 1.1e-6

assert samples and set(samples) <= set(reported) | set(every), (samples.keys(), reported.keys())
for who in set(reported) - set(samples):
    assert set(reported[who]) <= {"system.net.tcp.handshake", "system.net.tcp.retransmissions"}
for who, rtts in samples.items():
    rank = lambda q: sorted(rtts)[max(1, math.ceil(q * len(rtts))) - 1]
    if sys.argv[1] == "all":
        near(who, "system.net.tcp.rtt.avg", sum(rtts) / len(rtts))
        near(who, "system.net.tcp.rtt", rtts[-1])
        near(who, "system.net.tcp.rtt.min", min(rtts))
        near(who, "system.net.tcp.rtt.max", max(rtts))
        near(who, "system.net.tcp.rtt.samples", len(rtts), kind="c")
        for q in 50, 95, 99:
            near(who, "system.net.tcp.rtt.p%d" % q, rank(q / 100), 0.01)
        assert sorted(every[who]) == sorted(rtts), (len(every[who]), len(rtts))
    if sys.argv[1] == "smoothed":
        srtt, rttvar = rtts[0], rtts[0] / 2
        for r in rtts[1:]:
            rttvar = 0.75 * rttvar + 0.25 * abs(srtt - r)
            srtt = 0.875 * srtt + 0.125 * r
        near(who, "system.net.tcp.rtt.avg", srtt)
        near(who, "system.net.tcp.rtt.jitter", rttvar)
    if sys.argv[1] == "jitter":
        apart = [abs(a - b) for c in connections[who].values() for a, b in zip(c, c[1:])]
        near(who, "system.net.tcp.rtt.jitter", sum(apart) / len(apart) if apart else 0)
END

judge() { # all|smoothed|jitter NAME
  python3 "$METRO_TMP/judge.py" "$1" "$METRO_TMP/samples.json" "$METRO_TMP/$2.out"
}

of_all_captures() { # JUDGED KEYS [OPTION...]
  local judged=$1 keys=$2
  shift 2
  for capture in "${captures[@]}"; do
    echo "$capture"
    "$METRO" -r "$capture" --output json >"$METRO_TMP/samples.json" 2>/dev/null &&
      report file "$keys" "$@" && judge "$judged" file || return
  done
}

counts_are() { # HANDSHAKES-MS-ABOUT RETRANSMISSIONS
  local tags="src:$METRO_CLIENT_V4,dst:$METRO_SERVER_V4"
  report counts "metrics: [handshake, retransmissions]" || return
  cat "$METRO_TMP/counts.out"
  holds 'ms > about - 1 && ms < about + 1' about="$1" \
    ms="$(gauges counts system.net.tcp.handshake "$tags")" &&
    equal "segments sent again" "$2" "$(gauges counts system.net.tcp.retransmissions "$tags")"
}

test_captures() {
  local -a captures=("$CAPTURES"/*.pcap)
  tap_check "every metric and every sample of all captures is right" \
    of_all_captures all "metrics: [$ALL], distribution: true"
  tap_check "jitter is within connections" of_all_captures jitter "metrics: [jitter]"
  captures=("$CAPTURES"/{lossy,reordered}-upload.pcap) # one connection each
  tap_check "-st smooths avg and jitter as RFC 6298 does" \
    of_all_captures smoothed "metrics: [avg, jitter]" -st
  capture=$CAPTURES/lossy-upload.pcap
  tap_check "handshake and retransmissions of a lossy upload" counts_are 10.04 10
}

# ---- many peers ----------------------------------------------------------------------------------

peers=40

# Every address of the network is the server's. Half of them are in 10.99.0.0/24, half in .1.0.
many_servers() {
  ip -n "$METRO_SERVER_NS" route add local 10.99.0.0/16 dev lo &&
    ip -n "$METRO_CLIENT_NS" route add 10.99.0.0/16 via "$METRO_SERVER_V4"
}

ask_all() {
  # shellcheck disable=SC2016 # for the other shell
  in_client timeout 30 bash -c '
    for ((i = 0; i < $3; i++)); do
      "$1" client --connect "10.99.$((i % 2)).$((i + 1))" --port "$2" --count 2 || exit
    done >/dev/null' - "$LOAD" $PORT $peers
}

destinations() { # NAME: of samples, sorted
  sed -n 's/^system\.net\.tcp\.rtt\.samples:.*,dst:\([^,]*\),.*/\1/p' "$METRO_TMP/$1.out" | sort -u
}

samples_sum() { # NAME
  gauges "$1" system.net.tcp.rtt.samples | awk '{ sum += $1 } END { print sum + 0 }'
}

# of_many NAME KEYS: all peers' samples in one report.
of_many() {
  local name=$1
  cat >"$METRO_TMP/$name.yaml" <<END
init_config: {log_to_file: false, report_interval: 3600, metrics: [samples, handshake], $2}
instances: [{interface: $METRO_CLIENT_IF, ips: [10.99.0.0/16], tags: ["env:test"]}]
END
  start_statsd "$name" && start_metro "$name-metro" in_client -c "$METRO_TMP/$name.yaml" &&
    ask_all || return
  sleep 0.2
  stop_background "$name-metro"
  sleep 0.2
  stop_background "$name"
  cat "$METRO_TMP/$name-metro.err" "$METRO_TMP/$name.out"
}

folds() {
  of_many folded "max_series: 10, telemetry: true" || return
  equal "series and one for the others" 11 "$(destinations folded | grep -c .)" &&
    destinations folded | grep -qx other &&
    equal "samples, of two requests each" $((2 * peers)) "$(samples_sum folded)" &&
    equal "folded" 30 "$(gauges folded bpf_metro.series_folded)" &&
    equal "series" 11 "$(gauges folded bpf_metro.series)" &&
    equal "warnings" 1 "$(log_count folded-metro 'WARNING more series than max_series')"
}

telemetry_is_whole() {
  grep '^bpf_metro' "$METRO_TMP/folded.out"
  equal "samples" $((2 * peers)) "$(gauges folded bpf_metro.samples)" &&
    holds 'flows >= peers' "flows=$(gauges folded bpf_metro.flows)" "peers=$peers" &&
    equal "parse errors" 0 "$(gauges folded bpf_metro.parse_errors)"
}

becomes() { # KEYS DESTINATIONS
  of_many becomes "$1" || return
  equal "destinations" "$2" "$(destinations becomes | paste -sd ' ')" &&
    equal "samples" $((2 * peers)) "$(samples_sum becomes)" &&
    holds 'ms > 0 && ms < 20' "ms=$(gauges becomes system.net.tcp.handshake | head -n 1)"
}

test_captures
many_servers || bail_out "a network of peers"
tap_check "$peers peers, max_series 10: the rest is in dst:other, and nothing is lost" folds
tap_check "telemetry says what there was" telemetry_is_whole
tap_check "aggregate: network/24" becomes "aggregate: network/24" "10.99.0.0/24 10.99.1.0/24"
tap_check "aggregate: configured" becomes "aggregate: configured" "10.99.0.0/16"
tap_done
