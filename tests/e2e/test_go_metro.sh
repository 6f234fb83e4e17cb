#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What go-metro's users have: its sample file and the Agent's command line as they are, -f, -st, sample
# phases, capture files, a log that makes room for itself, a start that fails, and SIGQUIT.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

AVG=system.net.tcp.rtt.avg
SHARED=$(dirname "$0")/../../../shared/go-metro/go-metro.yaml
CAPTURE=$(realpath "$(dirname "$0")/../data/captures/requests.pcap") # 10.77.0.1 asks 10.77.0.2
CONFIG=$METRO_TMP/metro.yaml

# The interface is called as in go-metro's sample, and so is the peer.
metro_setup_pair go-metro --delay 20 || bail_out "two hosts"
ip -n "$METRO_CLIENT_NS" link set metro0 down &&
  ip -n "$METRO_CLIENT_NS" link set metro0 name eth0 &&
  ip -n "$METRO_CLIENT_NS" link set eth0 up &&
  ip -n "$METRO_CLIENT_NS" address add "$METRO_CLIENT_V6/64" dev eth0 nodad &&
  ip -n "$METRO_CLIENT_NS" address add 192.168.0.9/24 dev eth0 &&
  ip -n "$METRO_SERVER_NS" address add 192.168.0.1/24 dev "$METRO_SERVER_IF" ||
  bail_out "an interface called eth0"
start_server && PORT=5001 start_server server2 || bail_out "two servers"

# ends_with STATUS ARGUMENT...: what it says is in $METRO_TMP/said.
ends_with() {
  local expected=$1 status
  shift
  timeout 20 "$METRO" "$@" >"$METRO_TMP/said" 2>&1
  status=$?
  cat "$METRO_TMP/said"
  equal "status of $*" "$expected" $status
}

said() { # PATTERN
  cat "$METRO_TMP/said"
  grep -qE -e "$1" "$METRO_TMP/said"
}

# ---- the sample file, the Agent's command line, SIGQUIT ------------------------------------------

# An /etc and a /var/log of its own, as the Agent would have left them.
prepare_agent() {
  local etc=$METRO_TMP/etc file
  mkdir -p "$etc/dd-agent/conf.d" && cp "$SHARED" "$etc/dd-agent/conf.d/go-metro.yaml" || return
  for file in /etc/hosts /etc/nsswitch.conf /etc/ld.so.cache /etc/resolv.conf; do
    [ ! -e $file ] || cp $file "$etc/"
  done
}

log_file_has() { # PATTERN
  grep -qsE "$1" "/proc/$(background_pid metro)/root/var/log/bpf-metro/bpf-metro.log"
}

agent_runs_it() { # BACKEND
  local status
  # shellcheck disable=SC2016 # for the other shell
  start_statsd statsd && start_background metro in_client bash -c \
    'mount --bind "$1" /etc && mount -t tmpfs none /var/log && shift && exec -a go-metro "$@"' - \
    "$METRO_TMP/etc" "$METRO" -cfg=/etc/dd-agent/conf.d/go-metro.yaml ${1:+"$@"} || return
  wait_until $READY_SECONDS log_file_has 'INFO measuring on eth0' || cat "$METRO_TMP/metro.err"
  load rr 192.168.0.1 --count 20
  stop_background metro QUIT
  status=$?
  wait_until 3 gauge_arrived statsd $AVG '\|g\|#src:192.168.0.9,dst:192.168.0.1,foo:bar,iface:eth0$'
  cat "$METRO_TMP/statsd.out" "$METRO_TMP/metro.err"
  gauge_arrived statsd $AVG 'foo:bar' &&
    holds 'avg > 19 && avg < 40' "avg=$(gauges statsd $AVG | tail -n 1)" &&
    equal "status after SIGQUIT" 0 $status
  status=$?
  stop_background statsd
  return $status
}

if [ -e "$SHARED" ]; then
  tap_check "go-metro's sample file is where the Agent has it" prepare_agent
  tap_check "the Agent's command line; SIGQUIT reports and ends it" agent_runs_it
  tap_check "the same with libpcap" agent_runs_it --backend pcap
else
  tap_skip "go-metro's sample file with the Agent's command line" "no $SHARED here"
fi

# ---- -f and -st ----------------------------------------------------------------------------------

only_that_port() { # ARGUMENT...
  local status
  start_metro metro in_client -i eth0 --output json "$@" "$METRO_SERVER_V4" "$METRO_SERVER_V6" &&
    load one "$METRO_SERVER_V4" --count 20 && PORT=5001 load two "$METRO_SERVER_V4" --count 20 &&
    PORT=5001 load six "$METRO_SERVER_V6" --count 20 && load six5 "$METRO_SERVER_V6" --count 20
  status=$?
  wait_until 3 samples_reach metro 40
  sleep 0.3
  stop_background metro
  cat "$METRO_TMP/metro.err"
  [ $status = 0 ] && equal "samples of port 5001" 40 "$(samples metro '"dport":5001')" &&
    equal "samples of port 5000" 0 "$(samples metro '"dport":5000')"
}

tap_check "-f EXPR: only what matches is measured" only_that_port -f "port 5001"
tap_check "-f EXPR selects libpcap, and says so" log_has metro 'INFO --filter does not work with BPF'
tap_check "-f=EXPR, with --backend pcap" only_that_port -f='tcp port 5001' --backend pcap
tap_check "-f tcp, go-metro's default, goes with BPF" ends_with 2 -f tcp --backend bpf -i eth0
tap_check "-f EXPR does not" ends_with 2 -f "port 80" --backend bpf -i eth0 10.0.0.1
tap_check "-f EXPR does not, and says why" said '--filter needs libpcap'
tap_check "-f with a mistake: status 2" ends_with 2 -f "port 80 and and" -i eth0 10.0.0.1
tap_check "-f with a mistake: libpcap's message" said 'syntax error'
printf 'instances:\n- {interface: eth0, ips: [10.0.0.1]}\n' >"$CONFIG"
tap_check "-f with a mistake: --check finds it" ends_with 2 --check -c "$CONFIG" -f "no such filter"

filtered_capture() { # EXPECTED ARGUMENT...
  "$METRO" -r "$CAPTURE" --output json "${@:2}" >"$METRO_TMP/filtered.out" &&
    equal samples "$1" "$(samples filtered)"
}

tap_check "-f with -r: all match" filtered_capture "$("$METRO" -r "$CAPTURE" --output json | wc -l)" \
  -f "host $METRO_CLIENT_V4 and port 5000"
tap_check "-f with -r: none matches" filtered_capture 0 -f "not port 5000"

softens() {
  local status
  printf 'init_config: {log_to_file: false}\ninstances: [{interface: eth0, ips: [%s]}]\n' \
    "$METRO_SERVER_V4" >"$CONFIG"
  start_statsd statsd && start_metro metro in_client -c "$CONFIG" -st &&
    load rr "$METRO_SERVER_V4" --count 20
  stop_background metro
  wait_until 3 gauge_arrived statsd $AVG
  status=$?
  holds 'avg > 19 && avg < 40' "avg=$(gauges statsd $AVG)" || status=1
  stop_background statsd
  return $status
}

tap_check "-st" softens

# ---- sample phases -------------------------------------------------------------------------------

# One second of every three for the one peer; the other is measured all the time.
cat >"$CONFIG" <<END
init_config: {log_to_file: false, log_level: debug}
instances:
- interface: eth0
  ips: [$METRO_SERVER_V4]
  sample: true
  sample_duration: 1
  sample_interval: 2
- interface: eth0
  ips: ["$METRO_SERVER_V6"]
END

# Requests all the time, and a reload in a pause.
run_phases() {
  start_metro bpf in_client -c "$CONFIG" --backend bpf --output json &&
    start_metro pcap in_client -c "$CONFIG" --backend pcap --output json || return
  load always "$METRO_SERVER_V6" --count 400 &
  local always=$!
  load sampled "$METRO_SERVER_V4" --count 400 &
  sleep 5
  wait_until 3 grep -q 'pauses for' "$METRO_TMP/bpf.err"
  kill -HUP "$(background_pid bpf)" "$(background_pid pcap)"
  wait $! && wait $always
  local status=$?
  sleep 0.3
  stop_background bpf && stop_background pcap && [ $status = 0 ]
}

# Runs of samples without a gap of a second and more: how many, and how long the longest took.
phases() { # NAME
  grep "\"dst\":\"$METRO_SERVER_V4\"" "$METRO_TMP/$1.out" | awk -F '[":]' '
    {
      for (i = 1; i < NF; i++) if ($i == "time") { t = ($(i + 4) * 60) + $(i + 5); break }
      if (!n || t - last > 1 || t < last) { n++; first = t }
      last = t
      if (t - first > longest) longest = t - first
    }
    END { printf "%d %.3f\n", n, longest }'
}

measured_in_phases() { # NAME
  local runs longest
  read -r runs longest <<END
$(phases "$1")
END
  grep -E 'pauses|measures|reloaded' "$METRO_TMP/$1.err"
  holds 'runs >= 2 && runs <= 4 && longest > 0.5 && longest < 1.6' "runs=$runs" "longest=$longest" &&
    holds 'n > 60 && n < 240' "n=$(samples "$1" "\"dst\":\"$METRO_SERVER_V4\"")" &&
    equal "samples of the other" 400 "$(samples "$1" "\"dst\":\"$METRO_SERVER_V6\"")" &&
    equal reloads 1 "$(log_count "$1" 'INFO reloaded')"
}

tap_check "sample: requests all the time" run_phases
for backend in bpf pcap; do
  tap_check "sample: $backend measures in its phases, and everything of others" \
    measured_in_phases $backend
done

# ---- capture files -------------------------------------------------------------------------------

capture_config() { # PATH MORE
  cat >"$CONFIG" <<END
init_config: {log_to_file: false}
instances:
- interface: file
  pcap: $1
  ips: [$METRO_SERVER_V4]
  tags: [from:file]
${2-}
END
}

file_alone() {
  local status
  capture_config "$CAPTURE"
  start_statsd statsd && start_background metro in_client "$METRO" -c "$CONFIG" || return
  wait_background metro 10
  status=$?
  wait_until 3 gauge_arrived statsd $AVG from:file
  cat "$METRO_TMP/statsd.out" "$METRO_TMP/metro.err"
  equal status 0 $status &&
    equal gauges 1 "$(gauges statsd $AVG '#src:10.77.0.1,dst:10.77.0.2,from:file,iface:file$' | wc -l)"
  status=$?
  stop_background statsd
  return $status
}

# The same two hosts in two files, of which one is measured for two instances.
files_alone() {
  local line status
  cp "$CAPTURE" "$METRO_TMP/copy.pcap"
  capture_config "$CAPTURE" "\
- {interface: file, pcap: $METRO_TMP/copy.pcap, ips: [$METRO_SERVER_V4], tags: [from:copy]}
- {interface: file, pcap: $CAPTURE, ips: [0.0.0.0/0], tags: [all]}"
  start_statsd statsd && start_background metro in_client "$METRO" -c "$CONFIG" || return
  wait_background metro 10
  status=$?
  wait_until 3 gauge_arrived statsd $AVG '#src:10.77.0.2,.*all'
  cat "$METRO_TMP/statsd.out" "$METRO_TMP/metro.err"
  stop_background statsd
  equal status 0 $status || return
  for line in src:10.77.0.1,dst:10.77.0.2,from:file,iface:file \
    src:10.77.0.1,dst:10.77.0.2,all,iface:file \
    src:10.77.0.1,dst:10.77.0.2,from:copy,iface:file \
    src:10.77.0.2,dst:10.77.0.1,all,iface:file; do
    equal "gauges of $line" 1 "$(gauges statsd $AVG "#$line\$" | wc -l)" || return
  done
  equal "all gauges" 4 "$(gauges statsd $AVG | wc -l)"
}

file_and_interface() {
  local expected status
  expected=$("$METRO" -r "$CAPTURE" --output json | grep -c "\"dst\":\"$METRO_SERVER_V4\"")
  capture_config "$CAPTURE" "- {interface: eth0, ips: [$METRO_SERVER_V4]}"
  start_metro metro in_client -c "$CONFIG" --output json --interval 1 &&
    wait_until 5 samples_reach metro "$expected" && load rr "$METRO_SERVER_V4" --count 20
  wait_until 3 samples_reach metro $((expected + 20))
  stop_background metro
  status=$?
  cat "$METRO_TMP/metro.err"
  equal "samples of the file" "$expected" "$(samples metro '"iface":"file"')" &&
    equal "live samples" 20 "$(samples metro '"iface":"eth0"')" && equal status 0 $status
}

tap_check "interface: file: read, reported once, and done" file_alone
tap_check "several capture files with the same hosts: each with its own tags" files_alone
tap_check "interface: file beside eth0: both" file_and_interface
head -c 3000 "$CAPTURE" >"$METRO_TMP/cut.pcap"
capture_config "$METRO_TMP/cut.pcap"
tap_check "a damaged capture, status 1" ends_with 1 -c "$CONFIG" --output json
tap_check "a damaged capture: what is wrong" said 'ERROR .*cut\.pcap: .*the packets before it were read'
tap_check "a damaged capture: what was read before" said '"iface":"file"'
capture_config "$METRO_TMP/nowhere.pcap"
tap_check "a missing capture, status 1" ends_with 1 -c "$CONFIG"
tap_check "a missing capture is named" said 'ERROR .*nowhere\.pcap: '

# ---- the log -------------------------------------------------------------------------------------

LOG=$METRO_TMP/rotated.log

log_full() {
  [ -e "$LOG.5" ]
}

# Samples one by one, each a line of the level trace. Both ends are local: two for each request.
fill_log() {
  local file
  cat >"$CONFIG" <<END
init_config: {log_level: trace}
instances: [{interface: lo, ips: [127.0.0.1]}]
END
  start_server local in_client &&
    start_background metro in_client "$METRO" -c "$CONFIG" -log="$LOG" --output json &&
    wait_for_line "$LOG" 'INFO measuring on lo' $READY_SECONDS &&
    load rr 127.0.0.1 --count 6000 || return
  wait_until 5 log_full || { ls -l "$LOG"* && return 1; }
  for file in "$LOG" "$LOG".[1-5]; do
    holds 'size <= 100000' "size=$(stat -c %s "$file")" || return
  done
  holds 'size > 99000' "size=$(stat -c %s "$LOG.1")" && [ ! -e "$LOG.6" ]
}

made_anew() {
  mv "$LOG" "$METRO_TMP/moved.log" && kill -HUP "$(background_pid metro)" &&
    wait_for_line "$LOG" 'INFO reloaded' 5
}

tap_check "the log makes room at 100,000 bytes and keeps five old ones" fill_log
tap_check "the log that was moved away is made anew with SIGHUP" made_anew
stop_background metro
tap_check "level trace tells of each sample" grep -qE \
  'TRACE lo: 127.0.0.1 port [0-9]+ to 127.0.0.1 port [0-9]+: 1 samples, the last 0\.[0-9]+ ms' "$LOG.1"

# ---- a start that fails --------------------------------------------------------------------------

fails_once() {
  local begin=$SECONDS
  ends_with 2 -cfg="$METRO_TMP/nowhere.yaml" -log="$METRO_TMP/start.log" &&
    holds 'seconds < 4' "seconds=$((SECONDS - begin))" &&
    equal "lines said" 1 "$(wc -l <"$METRO_TMP/said")" &&
    equal "lines in the log" 1 "$(wc -l <"$METRO_TMP/start.log")"
}

tap_check "a missing configuration: status 2, one line, at once" fails_once
tap_check "a missing configuration is named" said "$METRO_TMP/nowhere.yaml: no such file"
tap_check "a missing configuration is named in the log, too" \
  grep -q "CRITICAL .*$METRO_TMP/nowhere.yaml: No such file" "$METRO_TMP/start.log"
tap_done
