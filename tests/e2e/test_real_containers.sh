#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Real containers of each runtime that is there, on a bridge: traffic between two of them and with a
# host outside, one killed and started again under load, and every sample has the tags of the container
# that it is about. With runc, bpf-metro is in a container of its own, too.
#
# Addresses tell what is right: a container that starts gets one more, and no other has had it.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

if [ $# -eq 0 ]; then
  tap_parts runc crun podman docker inside
  tap_done
  exit
fi

PART=$1
RUNTIME=${PART/inside/runc}
# shellcheck source=tests/e2e/containers.sh
. "$(dirname "$0")/containers.sh"
trap containers_cleanup EXIT

MEASURING="CAP_BPF CAP_NET_ADMIN CAP_PERFMON"
BACKENDS="bpf pcap"
OWNERS=$METRO_TMP/owners # ADDRESS ID, a line for each container that there was
: >"$OWNERS"

# ---- bpf-metro -----------------------------------------------------------------------------------

statsd_port() {
  [ "$1" = bpf ] && echo 8125 || echo 8126
}

# Each interface with the addresses behind it: 10.78.1.0/24 those of a, 10.78.2.0/24 those of b.
write_config() {
  local backend
  for backend in $BACKENDS; do
    cat >"$ROOT/etc/$backend.yaml" <<END
init_config:
  {log_to_file: false, log_level: debug, report_interval: 1, reverse_names: false,
   statsd_ip: 127.0.0.1, statsd_port: $(statsd_port "$backend"), metrics: [samples]}
instances:
  - {interface: $(host_end a), ips: [10.78.1.0/24], containers: true}
  - {interface: $(host_end b), ips: [10.78.2.0/24], containers: true}
END
  done
}

# With runc, the one with BPF runs as a DaemonSet would have it: in a container, as nobody, in the
# host's network and PID namespace, with three capabilities and limited memory.
start_both() {
  local backend
  for backend in $BACKENDS; do
    start_statsd "statsd-$backend" in_client --port "$(statsd_port "$backend")" || return
  done
  start_metro pcap in_client --backend pcap -c "$ROOT/etc/pcap.yaml" || return
  if [ "$RUNTIME" = runc ]; then
    CAPABILITIES=$MEASURING HOST_PID=yes oci_foreground bpf "$METRO_CLIENT_NS" \
      /bin/bpf-metro --backend bpf -c /etc/bpf.yaml && await_metro bpf
  else
    start_metro bpf in_client --backend bpf -c "$ROOT/etc/bpf.yaml"
  fi
}

stop_both() {
  local backend status=0
  for backend in $BACKENDS; do
    stop_background "$backend" || status=1
  done
  return $status
}

# Interfaces have other names now.
reload_both() {
  local backend
  write_config
  for backend in $BACKENDS; do
    kill -HUP "$(background_pid "$backend")" || return
  done
}

# ---- what arrived --------------------------------------------------------------------------------

# tally BACKEND KIND [ADDRESS]: samples with the label of the owner (right), another one (wrong), none
# (bare), or with a tag that is not the origin (torn), of data to one address or all of them
tally() {
  awk -F '[:|#,]' -v kind="$2" -v address="${3:-}" '
    FNR == NR { split($0, pair, " "); owner[pair[1]] = pair[2]; next }
    $1 == "system.net.tcp.rtt.samples" {
      tag = to = origin = ""
      for (i = 1; i < NF; i++) {
        if ($i == "dst") to = $(i + 1)
        if ($i == "container_id") tag = $(i + 1)
        if ($i == "c" && i == NF - 1 && i > 4) origin = $(i + 1)
      }
      what = tag != origin ? "torn" : tag == "" ? "bare" : tag == owner[to] ? "right" : "wrong"
      if (what == kind && (address == "" || to == address)) sum += $2
    }
    END { print sum + 0 }' "$OWNERS" "$METRO_TMP/statsd-$1.out"
}

right_reach() { # COUNT ADDRESS, of both backends
  local backend
  for backend in $BACKENDS; do
    holds "$backend >= $1" "$backend=$(tally "$backend" right "$2")" || return
  done
}

found_times() { # BACKEND INTERFACE ID TIMES
  [ "$(log_count "$1" "DEBUG $2: at the other end is container $3")" -ge "$4" ]
}

said_found() { # INTERFACE ID [TIMES]
  local backend
  for backend in $BACKENDS; do
    wait_until 15 found_times "$backend" "$1" "$2" "${3:-1}" || return
  done
}

none_but_right() { # ADDRESS
  local backend kind
  for backend in $BACKENDS; do
    for kind in wrong bare torn; do
      equal "$backend: samples that are $kind, to $1" 0 "$(tally "$backend" $kind "$1")" || return
    done
  done
}

# Of one that was killed under load: libpcap's last packets, up to 0.1 s of 200 a second, came when it was
# known that it had ended; on a busy machine some more.
never_wrong() { # ADDRESS
  local backend
  for backend in $BACKENDS; do
    equal "$backend: samples that are wrong" 0 "$(tally "$backend" wrong "$1")" &&
      equal "$backend: samples that are torn" 0 "$(tally "$backend" torn "$1")" &&
      holds "n <= 100" "n=$(tally "$backend" bare "$1")" || return
  done
}

# ---- containers ----------------------------------------------------------------------------------

# owns NAME ADDRESS: from now on
owns() {
  add_address "$1" "$2" && echo "$2 $(container_id "$1")" >>"$OWNERS"
}

start_server_container() { # NAME ADDRESS
  run_container "$1" /bin/tcp_load server --port $PORT && owns "$1" "$2"
}

from_outside() { # ADDRESS OPTION...
  in_server timeout 30 "$LOAD" client --connect "$1" --port $PORT "${@:2}"
}

from_container() { # NAME ADDRESS OPTION...
  in_container "$1" /bin/tcp_load client --connect "$2" --port $PORT "${@:3}"
}

# check_generation WHAT ADDRESS: of a container a that is known by now
check_generation() {
  tap_check "$1: requests from outside and from the other container" \
    eval "from_outside $2 --count 40 --rate 200 && from_container b $2 --count 40 --rate 200"
  tap_check "$1: every one of them has a sample with its id, with both backends" \
    soon 10 right_reach 80 "$2"
  tap_check "$1: and no sample has anything else" none_but_right "$2"
}

# kill_under_load ADDRESS: while requests go on
kill_under_load() {
  start_background outside in_server "$LOAD" client --connect "$1" --port $PORT --rate 200 --seconds 30
  wait_until 10 right_reach 200 "$1" && kill_container a
}

# Somebody who connects again and again, so that the next container has traffic from its first moment on.
start_knocking() { # ADDRESS
  # shellcheck disable=SC2016 # for the other shell
  start_background knocking in_server sh -c 'while :; do
    "$0" client --connect "$1" --port "$2" --rate 100 --seconds 30
    sleep 0.05
  done' "$LOAD" "$1" $PORT
}

# Of what comes before the next container is known, at 100 a second: docs/containers.md states how long.
soon_right() { # ADDRESS
  local backend
  for backend in $BACKENDS; do
    equal "$backend: samples that are wrong" 0 "$(tally "$backend" wrong "$1")" &&
      holds "n <= 250" "n=$(tally "$backend" bare "$1")" || return
  done
  right_reach 50 "$1"
}

# ---- the parts -----------------------------------------------------------------------------------

# Another container in a's place: with docker behind another interface, else in the same namespace.
replace_a() {
  remove_container a && start_server_container a "$1" && owns a "$2" || return
  [ "$RUNTIME" != docker ] || reload_both
}

# The same one, with a new interface (docker) or behind the old one (podman). runc and crun have no such
# thing: there everything is made again, under the same names.
restart_a() {
  case $RUNTIME in
    docker) start_again a && owns a "$1" && reload_both ;;
    podman) start_again a && owns a "$1" ;;
    *) remove_container a && unplug a && plug a && start_server_container a "$1" ;;
  esac
}

part_labels() {
  local times=1
  plug a && plug b && start_server_container a 10.78.1.1 && start_server_container b 10.78.2.1 ||
    bail_out "$RUNTIME: two containers"
  write_config && start_both || bail_out "$RUNTIME: bpf-metro with both backends"
  tap_check "$RUNTIME: both containers are found" \
    eval "said_found $(host_end a) $(container_id a) && said_found $(host_end b) $(container_id b)"
  check_generation "$RUNTIME" 10.78.1.1
  tap_check "$RUNTIME: requests the other way round" from_container a 10.78.2.1 --count 40 --rate 200
  tap_check "$RUNTIME: are the other container's" soon 10 right_reach 40 10.78.2.1
  tap_check "$RUNTIME: one is killed under load" kill_under_load 10.78.1.1
  stop_background outside

  start_knocking 10.78.1.9
  tap_check "$RUNTIME: another one takes its place" replace_a 10.78.1.2 10.78.1.9
  tap_check "$RUNTIME: it is found" said_found "$(host_end a)" "$(container_id a)"
  tap_check "$RUNTIME: what came before that was not taken for another's, and was little" soon 10 soon_right 10.78.1.9
  stop_background knocking
  check_generation "$RUNTIME, the next one" 10.78.1.2

  tap_check "$RUNTIME: it is killed under load, too" kill_under_load 10.78.1.2
  tap_check "$RUNTIME: and started again" restart_a 10.78.1.3
  stop_background outside
  [ "$RUNTIME" != podman ] || times=2 # the same one
  tap_check "$RUNTIME: it is known" said_found "$(host_end a)" "$(container_id a)" $times
  check_generation "$RUNTIME, started again" 10.78.1.3
  tap_check "$RUNTIME: no sample of those before was mistaken" \
    eval "never_wrong 10.78.1.1 && never_wrong 10.78.1.2 && none_but_right 10.78.2.1"
  tap_check "$RUNTIME: bpf-metro ends well" stop_both
}

# inside_metro NAME ARGUMENT...: bpf-metro in a container, measuring its eth0 to the host outside, with
# what is in CAPABILITIES and MEMORY
inside_metro() {
  oci_foreground "$1" "$(netns_of inside)" /bin/bpf-metro -i eth0 --output json "${@:2}" \
    "$METRO_SERVER_V4"
}

inside_traffic() { # NAME
  in_container "$1" /bin/tcp_load client --connect "$METRO_SERVER_V4" --port $PORT \
    --count 100 --rate 100 >"$METRO_TMP/load.json"
}

inside_samples() { # NAME
  wait_until 5 samples_reach "$1" 100
  same_count "$(samples "$1")" 100 &&
    holds 'a >= 4000 && a <= app' "a=$(mean_us "$1")" "app=$(load_field load mean_app_rtt_us mean)"
}

ends_with_message() { # NAME PATTERN
  wait_background "$1" 10
  equal "status" 1 $? && log_has "$1" "$2" 1
}

part_inside() {
  plug inside && ip -n "$(netns_of inside)" address add 10.78.3.1/16 dev eth0 &&
    ip -n "$(netns_of inside)" route add default via $PODS_V4 && start_server ||
    bail_out "inside: a namespace for the container"

  CAPABILITIES=$MEASURING inside_metro bpf --backend bpf && await_metro bpf
  tap_check "inside: BPF with CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and 64 MB, as nobody" \
    log_has bpf "INFO measuring on eth0 with BPF"
  tap_check "inside: traffic of the container" inside_traffic bpf
  tap_check "inside: BPF measures its own eth0" inside_samples bpf
  tap_check "inside: BPF ends well" stop_background bpf

  CAPABILITIES=CAP_NET_RAW inside_metro raw && await_metro raw
  tap_check "inside: with CAP_NET_RAW alone it is libpcap, and that is said" \
    log_has raw "measuring on eth0 with libpcap"
  tap_check "inside: traffic of that container" inside_traffic raw
  tap_check "inside: libpcap measures its own eth0" inside_samples raw
  tap_check "inside: libpcap ends well" stop_background raw

  MEMORY=$((20 << 20)) CAPABILITIES="$MEASURING CAP_NET_RAW" inside_metro small && await_metro small
  tap_check "inside: where maps do not fit into the container's memory, it is libpcap" \
    log_has small "BPF cannot be used here: no room .*; it takes .* falling back to libpcap"
  tap_check "inside: traffic of the small one" inside_traffic small
  tap_check "inside: the small one measures" inside_samples small
  stop_background small

  inside_metro none
  tap_check "inside: without any capability it ends with what it takes" \
    ends_with_message none "CAP_NET_RAW"
}

metro_setup_pair "real-$PART" --delay 4 || bail_out "$PART: a host and one outside"
if ! runtime_works; then
  tap_skip "$PART: containers" "$RUNTIME_REASON"
  tap_done
  exit
fi
connect_outside || bail_out "$PART: a way outside"
case $PART in
  inside) part_inside ;;
  *) part_labels ;;
esac
tap_done
