#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# go-metro's configuration and command line work unchanged; mistakes are reported all at once; the
# environment fills in what is left to it; host names are looked up.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

AVG=system.net.tcp.rtt.avg

metro_setup_pair config && start_server || bail_out "two hosts and a server"

# ---- go-metro's own ------------------------------------------------------------------------------

SAMPLE=$METRO_TMP/go-metro.yaml
LOG=/var/log/bpf-metro/bpf-metro.log # where log_to_file goes

# The sample that go-metro comes with; only interface and address are those of this host.
cat >"$SAMPLE" <<END
init_config:
    snaplen: 512
    idle_ttl: 300
    exp_ttl: 60
    statsd_ip: 127.0.0.1
    statsd_port: 8125
    log_to_file: true
    log_level: info

instances:
- interface: $METRO_CLIENT_IF
  tags:
    - foo:bar
  ips:
    - $METRO_SERVER_V4
  hosts:
    - somehost.somedomain.to
END

# Its /var/log is a file system of its own that nobody else sees. Until it is there, what the host has
# in its own must not be taken for it.
start_with_log_file() { # ARGUMENT...
  # shellcheck disable=SC2016 # for the other shell
  start_background metro in_client sh -c 'mount -t tmpfs none /var/log && exec "$@"' - "$METRO" "$@"
}

log_file_has() { # PATTERN
  local root
  root=/proc/$(background_pid metro)/root
  [ "$(stat -c %d "$root/var/log")" != "$(stat -c %d /var/log)" ] && grep -qsE "$1" "$root$LOG"
}

runs_and_reports() { # ARGUMENT...
  local status
  start_statsd statsd && start_with_log_file "$@" || return
  if ! wait_until $READY_SECONDS log_file_has 'INFO measuring on '; then
    echo "no 'measuring on' in $LOG"
    cat "$METRO_TMP/metro.err"
    return 1
  fi
  load rr "$METRO_SERVER_V4" --count 50
  stop_background metro
  status=$?
  wait_until 5 gauge_arrived statsd $AVG \
    "#src:$METRO_CLIENT_V4,dst:$METRO_SERVER_V4,foo:bar,iface:$METRO_CLIENT_IF\$"
  cat "$METRO_TMP/statsd.out"
  gauge_arrived statsd $AVG 'foo:bar' && equal status 0 $status
  status=$?
  stop_background metro
  stop_background statsd
  return $status
}

tap_check "go-metro's sample, by -cfg=FILE" runs_and_reports "-cfg=$SAMPLE"
tap_check "go-metro's sample, by -cfg FILE" runs_and_reports -cfg "$SAMPLE"
tap_check "go-metro's sample, by -c FILE" runs_and_reports -c "$SAMPLE"
tap_check "go-metro's sample, with libpcap" runs_and_reports -c "$SAMPLE" --backend pcap

# -log FILE beats log_to_file's place.
logs_to_file() {
  start_background metro in_client "$METRO" "-cfg=$SAMPLE" -log "$METRO_TMP/metro.log" &&
    wait_for_line "$METRO_TMP/metro.log" 'INFO measuring on ' $READY_SECONDS &&
    stop_background metro
}

tap_check "-log FILE" logs_to_file

# Whoever starts it by hand learns why it ended without looking for the log.
fails_aloud() {
  printf 'instances: [{interface: lo, ips: [10.0.0.1]}]\n' >"$METRO_TMP/lo.yaml"
  ends_with 1 -c "$METRO_TMP/lo.yaml" -log "$METRO_TMP/aloud.log" --backend bpf --marks 128 &&
    equal "lines said" 1 "$(wc -l <"$METRO_TMP/said")" &&
    says 'CRITICAL cannot measure: BPF keeps at most 64 marks' &&
    grep -q 'CRITICAL cannot measure: BPF keeps at most 64 marks' "$METRO_TMP/aloud.log"
}

# ---- --check, and files with mistakes ------------------------------------------------------------

# ends_with STATUS ARGUMENT...: what it says is in $METRO_TMP/said.
ends_with() {
  local expected=$1 status
  shift
  timeout 20 "$METRO" "$@" >"$METRO_TMP/said" 2>&1
  status=$?
  cat "$METRO_TMP/said"
  equal "status of $*" "$expected" $status
}

says() { # PATTERN...
  local pattern status=0
  cat "$METRO_TMP/said"
  for pattern in "$@"; do
    grep -qE -e "$pattern" "$METRO_TMP/said" || { echo "not said: $pattern" && status=1; }
  done
  return $status
}

tap_check "a start that fails says so on standard error, too" fails_aloud
tap_check "--check with -i" ends_with 0 --check -i lo 127.0.0.1
tap_check "--check with -i speaks of what it checked" says '^arguments: the configuration is valid$'
tap_check "-r with a file that is not there" ends_with 1 -r "$METRO_TMP/nowhere.pcap"
tap_check "-r with a file that is not there: that alone is said" \
  equal "lines said" 1 "$(wc -l <"$METRO_TMP/said")"
tap_check "-r logs to -log FILE, too" ends_with 1 -r "$METRO_TMP/nowhere.pcap" -log "$METRO_TMP/r.log"
tap_check "-r logs to -log FILE: what" grep -q 'ERROR .*nowhere.pcap: ' "$METRO_TMP/r.log"

BROKEN=$METRO_TMP/broken.yaml
cat >"$BROKEN" <<END
init_config:
  statsd_port: 70000
  statsd_pport: 8125
  log_level: loud
  idle_ttl: -1
instances:
  - interface: a-name-that-is-too-long
    ips: [10.0.0.1/33]
    tags: ["with|bar"]
  - ips: []
END

tap_check "--check: a good file" ends_with 0 --check -c "$SAMPLE"
tap_check "a good file is called valid" says 'is valid'
tap_check "--check: a broken file, status 2" ends_with 2 --check -c "$BROKEN"
tap_check "all mistakes at once, each with file, line, key and what is accepted" says \
  "$BROKEN:2: .*statsd_port.*70000.*accepted: .*65535" \
  "$BROKEN:3: .*statsd_pport" \
  "$BROKEN:4: .*log_level.*loud.*accepted: trace, debug, info" \
  "$BROKEN:5: .*idle_ttl.*-1.*accepted: " \
  "$BROKEN:7: .*interface.*a-name-that-is-too-long.*accepted: " \
  "$BROKEN:8: .*ips.*10\.0\.0\.1/33.*accepted: /0 to /32" \
  "$BROKEN:9: .*tags.*with\|bar.*accepted: " \
  "$BROKEN:10: .*interface is missing" \
  "$BROKEN:10: .*neither ips nor hosts"
tap_check "without --check, too" ends_with 2 -c "$BROKEN"

printf 'init_config:\n  statsd_port: [8125\ninstances:\n' >"$BROKEN"
tap_check "a file that is no YAML, status 2" ends_with 2 -c "$BROKEN"
tap_check "no YAML: file and line" says "$BROKEN:[0-9]+: "

tap_check "a missing file, status 2" ends_with 2 -c "$METRO_TMP/nowhere.yaml"
tap_check "a missing file is named" says 'nowhere\.yaml: no such file'
tap_check "an unknown option, status 2" ends_with 2 --no-such-option
tap_check "an unknown option is named" says 'no-such-option'
tap_check "-i without a peer, status 2" ends_with 2 -i "$METRO_CLIENT_IF"
tap_check "--version" ends_with 0 --version
tap_check "--version names it" says '^bpf-metro [0-9]+\.[0-9]+'

# ---- what others wrote --------------------------------------------------------------------------

# ESC [ and U+009B, which is the same to a terminal; a newline; U+202E turns text around; no UTF-8.
EVIL=$'\e[31m\xc2\x9b31m\n\xe2\x80\xae\x9b'

# What was said has nothing that a terminal obeys.
is_plain() { # FILE
  ! grep -nP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|^\x9b|[\x00-\x7f]\x9b' "$1" |
    cat -v | grep .
}

ends_plainly() { # STATUS ARGUMENT...
  ends_with "$@" >/dev/null && grep -q . "$METRO_TMP/said" && is_plain "$METRO_TMP/said"
}

# In quotes YAML has escapes of its own.
cat >"$METRO_TMP/evil.yaml" <<'END'
"in\e[31m\x9b\u202eit_config": {"statsd_ip": "\e[31m\x9b31m\u2028"}
init_config: {statsd_socket: "\e]0;x\a", prefix: "\x9b", log_level: "\x85", "\e[31m": 1, dialect: "\u202e"}
instances: [{interface: "\x9b31m", ips: ["\e[31m"], hosts: ["\x9b31m"], tags: ["\e", "\x9b|"], "\x9b": 1}]
END
printf 'instances: [{interface: lo, ips: [\e[31m]}]\n' >"$METRO_TMP/raw.yaml"

tap_check "escapes in an option" ends_plainly 2 "--foo=$EVIL"
tap_check "escapes in an option's value" ends_plainly 2 "--backend=$EVIL"
tap_check "escapes in an interface and a peer" ends_plainly 2 -i "$EVIL" "$EVIL"
tap_check "escapes in a configuration's path" ends_plainly 2 -c "$METRO_TMP/$EVIL"
tap_check "escapes in a configuration" ends_plainly 2 -c "$METRO_TMP/evil.yaml"
tap_check "escapes in a configuration, raw" ends_plainly 2 -c "$METRO_TMP/raw.yaml"
tap_check "escapes in a capture file's path" ends_plainly 1 -r "$METRO_TMP/$EVIL"
DD_AGENT_HOST=$EVIL tap_check "escapes in the environment" \
  ends_plainly 2 -i lo ::1 --output statsd

# The kernel takes nearly all bytes in an interface's name.
evil_interface() { # OUTPUT
  start_metro metro in_client -i $'\xc2\x9b31m' "$METRO_SERVER_V4" --output "$1" || { stop_background metro; return 1; }
  load rr "$METRO_SERVER_V4" --count 5
  stop_background metro
  samples_reach metro 5 && is_plain "$METRO_TMP/metro.out" && is_plain "$METRO_TMP/metro.err"
}

with_evil_interface() {
  local status=0
  ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" down &&
    ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" name $'\xc2\x9b31m' || return
  ip -n "$METRO_CLIENT_NS" link set $'\xc2\x9b31m' up
  evil_interface text && evil_interface json || status=1
  ip -n "$METRO_CLIENT_NS" link set $'\xc2\x9b31m' down
  ip -n "$METRO_CLIENT_NS" link set $'\xc2\x9b31m' name "$METRO_CLIENT_IF"
  ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" up
  ip -n "$METRO_CLIENT_NS" address add "$METRO_CLIENT_V6/64" dev "$METRO_CLIENT_IF" nodad
  return $status
}

tap_check "escapes in the name of the interface that is measured" with_evil_interface

# A file that would have taken the YAML parser minutes, while samples wait.
bomb_is_refused() {
  local begin
  cp "$SAMPLE" "$METRO_TMP/bomb.yaml"
  start_metro metro in_client -c "$METRO_TMP/bomb.yaml" -log /dev/stderr --output json || return
  { printf 'more: ' && head -c 400000 /dev/zero | tr '\0' '['; } >"$METRO_TMP/bomb.yaml"
  begin=$(date +%s%3N)
  kill -HUP "$(background_pid metro)"
  log_has metro 'ERROR .*bomb.yaml:1: .* nested too deep; accepted: up to 32' 30 &&
    log_has metro 'ERROR .*bomb.yaml was not reloaded' &&
    holds 'ms < 5000' "ms=$(($(date +%s%3N) - begin))" && load rr "$METRO_SERVER_V4" --count 5
  sleep 0.2
  stop_background metro && samples_reach metro 5
}

tap_check "a bomb is refused at once, and measuring goes on" bomb_is_refused

# ---- the environment -----------------------------------------------------------------------------

# One file for many nodes.
NODE_YAML=$METRO_TMP/node.yaml
cat >"$NODE_YAML" <<'END'
init_config:
  log_to_file: ${LOG_TO_FILE:-no}
  report_interval: ${INTERVAL:-3600}
instances:
  - interface: ${NODE_INTERFACE}
    ips: ["${NODE_PEER}/32"]
    tags: ["node:${NODE_NAME}", "cost:$$5", "to:$${NODE_PEER}"]
END
export NODE_INTERFACE=$METRO_CLIENT_IF NODE_PEER=$METRO_SERVER_V4

start_node() { # NAME
  start_statsd statsd && NODE_NAME=$1 start_metro metro in_client -c "$NODE_YAML" -v
}

end_node() { # TAGS, a pattern
  load rr "$METRO_SERVER_V4" --count 20
  stop_background metro
  wait_until 5 gauge_arrived statsd $AVG "#.*,$1,iface:"
  cat "$METRO_TMP/statsd.out"
  stop_background statsd
  gauge_arrived statsd $AVG "#.*,$1,iface:"
}

node_becomes_tag() { # NAME
  start_node "$1" && end_node "node:$1,cost:_5,to:_node_peer" && # as Datadog writes them
    ! grep "$1" "$METRO_TMP/metro.err"
}

# With SIGHUP the file is read again, and the environment is what it was at the start.
reload_keeps_environment() {
  cp "$NODE_YAML" "$METRO_TMP/node.before"
  start_node gamma || return
  sed -i 's/"cost:.*/"again:${NODE_NAME}"]/' "$NODE_YAML"
  kill -HUP "$(background_pid metro)" && log_has metro 'INFO .*reloaded' || return
  sed -i 's/"again:.*/"${NODE_GONE}"]/' "$NODE_YAML"
  kill -HUP "$(background_pid metro)"
  log_has metro "ERROR $NODE_YAML:7: instances\[0\].tags\[1\]: .{NODE_GONE} is not set" &&
    log_has metro 'not reloaded: keeping the old configuration' && end_node 'node:gamma,again:gamma'
}

tap_check "a variable is a tag, and in no line of the log" node_becomes_tag alpha
tap_check "the same file on another node" node_becomes_tag beta
tap_check "a variable after SIGHUP, and one that is not set" reload_keeps_environment
cp "$METRO_TMP/node.before" "$NODE_YAML"
tap_check "a variable that is not set, status 2" ends_with 2 --check -c "$NODE_YAML"
tap_check "a variable that is not set: file, line, what is accepted" says \
  "$NODE_YAML:7: instances\[0\].tags\[0\]: .{NODE_NAME} is not set .*accepted: .*.{NODE_NAME:-DEFAULT}"
tap_check "a variable that is not set: that alone" equal "lines said" 1 "$(wc -l <"$METRO_TMP/said")"
NODE_NAME=$'s3cret\e[31m\n' tap_check "a variable with escapes, status 2" ends_plainly 2 --check -c "$NODE_YAML"
tap_check "a variable with escapes: not shown" equal "lines with it" 0 "$(grep -c s3cret "$METRO_TMP/said")"
NODE_NAME=x INTERVAL=soon tap_check "a variable of the wrong type" ends_with 2 --check -c "$NODE_YAML"
tap_check "a variable of the wrong type: which" says "$NODE_YAML:3: .*report_interval: \"soon\" is not valid"

# ---- host names ----------------------------------------------------------------------------------

NAMES=/etc/netns/$METRO_CLIENT_NS # `ip netns exec` puts what is there in the place of /etc/hosts
trap 'rm -rf "$NAMES"; rmdir /etc/netns 2>/dev/null; metro_cleanup' EXIT
mkdir -p "$NAMES"
printf '127.0.0.1 localhost\n%s db.metro.test\n%s db.metro.test\n' \
  "$METRO_SERVER_V4" "$METRO_SERVER_V6" >"$NAMES/hosts"

cat >"$METRO_TMP/hosts.yaml" <<END
init_config:
  log_to_file: false
  report_interval: 3600
instances:
  - interface: $METRO_CLIENT_IF
    hosts: [db.metro.test, no-such-host.metro.test]
END

# The name is looked up beside the measuring: until then nothing is found.
name_is_measured() {
  load rr "$METRO_SERVER_V4" --count 5
  samples_reach probe 1
}

name_becomes_tag() { # BACKEND
  local status
  start_statsd statsd &&
    start_metro probe in_client -c "$METRO_TMP/hosts.yaml" --backend "$1" --output json &&
    start_metro metro in_client -c "$METRO_TMP/hosts.yaml" --backend "$1" &&
    wait_until 10 name_is_measured &&
    sleep 0.3 &&
    load rr4 "$METRO_SERVER_V4" --count 50 && load rr6 "$METRO_SERVER_V6" --count 50
  status=$?
  stop_background probe
  stop_background metro
  sleep 0.2
  cat "$METRO_TMP/statsd.out"
  stop_background statsd
  [ $status -eq 0 ] && gauge_arrived statsd $AVG \
    "#src:$METRO_CLIENT_V4,dst:db.metro.test,iface:$METRO_CLIENT_IF\$" &&
    gauge_arrived statsd $AVG \
      "#src:$METRO_CLIENT_V6,dst:db.metro.test,iface:$METRO_CLIENT_IF\$"
}

if [ -e /etc/hosts ]; then
  tap_check "a host name is looked up, and is the dst tag" name_becomes_tag bpf
  tap_check "a host name with libpcap" name_becomes_tag pcap
  tap_check "a name that is not found is logged" log_has metro 'no-such-host\.metro\.test'
else
  tap_skip "a host name is looked up, and is the dst tag" "no /etc/hosts to lay another over"
fi
tap_done
