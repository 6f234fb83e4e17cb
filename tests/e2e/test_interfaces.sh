#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Interfaces that come and go, are missing, are the loopback or have no Ethernet header; and the
# command line `bpf-metro -i IFACE PEER...` with its text.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

IF=$METRO_CLIENT_IF
BACKENDS="bpf pcap"

metro_setup_pair interfaces && start_server || bail_out "two hosts and a server"

# both_measure WHAT LEAST [PATTERN]: the same number of samples, and as many as expected at least
both_measure() {
  local pattern=${3:-.}
  wait_until 2 samples_reach bpf "$2" "$pattern"
  wait_until 2 samples_reach pcap "$2" "$pattern"
  sleep 0.2
  echo "# $1: BPF $(samples bpf "$pattern"), libpcap $(samples pcap "$pattern") samples"
  tap_check "$1: at least $2 samples" samples_reach bpf "$2" "$pattern"
  tap_check "$1: as many samples with both backends" \
    same_count "$(samples pcap "$pattern")" "$(samples bpf "$pattern")"
}

start_both() { # ARGUMENT...
  local backend
  for backend in $BACKENDS; do
    start_metro $backend in_client --backend $backend --output json "$@" && continue
    tap_fail "$backend starts with $*" "$(cat "$METRO_TMP/$backend.err")"
    stop_backends
    return 1
  done
}

stop_backends() {
  local backend
  for backend in $BACKENDS; do stop_background $backend; done
}

stop_both() { # WHAT
  local backend
  for backend in $BACKENDS; do
    tap_check "$1, $backend: it ends well" stop_background $backend
  done
}

# ---- an interface that goes and comes back -------------------------------------------------------

measures_times() { # NAME TIMES
  [ "$(log_count "$1" "INFO measuring on $IF ")" -ge "$2" ]
}

test_coming_and_going() {
  local backend
  # shellcheck disable=SC2086
  start_both -i "$IF" $PEERS || return
  load rr "$METRO_SERVER_V4" --count 50
  both_measure "before it goes" 50

  ip -n "$METRO_CLIENT_NS" link set "$IF" down
  sleep 0.3
  ip -n "$METRO_CLIENT_NS" link set "$IF" up
  ip -n "$METRO_CLIENT_NS" address add "$METRO_CLIENT_V6/64" dev "$IF" nodad # "down" took it
  wait_until 5 load rr "$METRO_SERVER_V4" --count 1
  wait_until 2 grep -q 'again' "$METRO_TMP/pcap.err"
  load rr "$METRO_SERVER_V4" --count 50
  both_measure "after it was down" 100

  ip -n "$METRO_CLIENT_NS" link delete "$IF"
  for backend in $BACKENDS; do
    tap_check "it is deleted, $backend: that is noticed" log_has $backend "interface $IF is gone"
  done
  sleep 0.3
  metro_wire_directly && metro_add_addresses || bail_out "$IF is made again"
  for backend in $BACKENDS; do
    tap_check "it is made again, $backend: that is noticed" wait_until 5 measures_times $backend 2
  done
  for backend in $BACKENDS; do : >"$METRO_TMP/$backend.out"; done # what came before was compared
  load rr4 "$METRO_SERVER_V4" --count 50 && load rr6 "$METRO_SERVER_V6" --count 50
  both_measure "made again" 100
  stop_both "made again"
}

# Samples that wait, in flows and for the report, when it goes.
reports_what_was() { # BACKEND
  local status
  cat >"$METRO_TMP/last.yaml" <<END
init_config: {log_to_file: false, report_interval: 60, metrics: [samples]}
instances: [{interface: $IF, ips: [$METRO_SERVER_V4], tags: [of:it]}]
END
  start_statsd statsd && start_metro metro in_client -c "$METRO_TMP/last.yaml" --backend "$1" &&
    load rr "$METRO_SERVER_V4" --count 20 || return
  sleep 0.3 # libpcap hands packets over in blocks
  ip -n "$METRO_CLIENT_NS" link delete "$IF"
  log_has metro "interface $IF is gone"
  stop_background metro
  wait_until 2 gauge_arrived statsd system.net.tcp.rtt.samples
  cat "$METRO_TMP/metro.err" "$METRO_TMP/statsd.out"
  equal samples 20 "$(gauges statsd system.net.tcp.rtt.samples \
    "#src:$METRO_CLIENT_V4,dst:$METRO_SERVER_V4,of:it,iface:$IF\$")"
  status=$?
  stop_background statsd
  metro_wire_directly && metro_add_addresses || bail_out "$IF is made again"
  return $status
}

test_last_samples() {
  local backend
  for backend in $BACKENDS; do
    tap_check "deleted, $backend: what it had measured is reported" reports_what_was "$backend"
  done
}

# ---- one that does not exist ---------------------------------------------------------------------

fails_at_start() { # BACKEND
  local status
  in_client timeout 10 "$METRO" --backend "$1" -i nowhere0 "$METRO_SERVER_V4" \
    >"$METRO_TMP/said" 2>&1
  status=$?
  cat "$METRO_TMP/said"
  equal status 1 $status && equal lines 1 "$(grep -c . "$METRO_TMP/said")" &&
    grep -q 'CRITICAL cannot measure: interface nowhere0 does not exist' "$METRO_TMP/said"
}

# ---- loopback ------------------------------------------------------------------------------------

# Both ends are local, so that requests and responses are data of ours.
test_loopback() {
  start_server local in_client
  start_both -i lo 127.0.0.1 ::1 || return
  load lo4 127.0.0.1 --count 100 && load lo6 ::1 --count 100
  both_measure "loopback, requests over IPv4" 100 "\"dst\":\"127.0.0.1\",\"dport\":$PORT"
  both_measure "loopback, requests over IPv6" 100 "\"dst\":\"::1\",\"dport\":$PORT"
  both_measure "loopback, responses over IPv4" 99 "\"src\":\"127.0.0.1\",\"sport\":$PORT"
  both_measure "loopback, responses over IPv6" 99 "\"src\":\"::1\",\"sport\":$PORT"
  stop_both loopback
}

# ---- no Ethernet header --------------------------------------------------------------------------

add_tun_addresses() {
  ip -n "$METRO_CLIENT_NS" address add 10.88.0.1/24 dev tun0 &&
    ip -n "$METRO_SERVER_NS" address add 10.88.0.2/24 dev tun1 &&
    ip -n "$METRO_CLIENT_NS" address add fd88::1/64 dev tun0 nodad &&
    ip -n "$METRO_SERVER_NS" address add fd88::2/64 dev tun1 nodad &&
    ip -n "$METRO_CLIENT_NS" link set tun0 up && ip -n "$METRO_SERVER_NS" link set tun1 up
}

refuses_xdp() {
  local status
  in_client timeout 10 "$METRO" --backend bpf --hook xdp -i tun0 10.88.0.2 >"$METRO_TMP/said" 2>&1
  status=$?
  cat "$METRO_TMP/said"
  equal status 1 $status && grep -q 'no Ethernet header' "$METRO_TMP/said"
}

test_bare_ip() {
  if ! [ -c /dev/net/tun ]; then
    tap_skip "tun: both backends" "/dev/net/tun does not exist"
    return
  fi
  start_background tun "$METRO_BUILD/tun_link" "$METRO_CLIENT_NS" tun0 "$METRO_SERVER_NS" tun1 &&
    wait_for_line "$METRO_TMP/tun.err" '^linked' 5 && add_tun_addresses || bail_out "a tun line"
  start_both -i tun0 10.88.0.2 fd88::2 || return
  load tun4 10.88.0.2 --count 100 && load tun6 fd88::2 --count 100
  both_measure "tun, IPv4" 100 '"dst":"10.88.0.2"'
  both_measure "tun, IPv6" 100 '"dst":"fd88::2"'
  tap_check "tun: the same mean" same_time "$(mean_us pcap)" "$(mean_us bpf)"
  stop_both tun
  tap_check "tun: XDP is refused, and why" refuses_xdp
}

# ---- text ----------------------------------------------------------------------------------------

text_is_fine() {
  cat "$METRO_TMP/text.out"
  equal lines 20 "$(grep -cE \
    "^[0-9:.]+ +$IF +$METRO_CLIENT_V4:[0-9]+ +> +$METRO_SERVER_V4:$PORT +rtt +[0-9]+\.[0-9]{3} ms\$" \
    "$METRO_TMP/text.out")" &&
    grep -qE "^$IF +$METRO_CLIENT_V4 +$METRO_SERVER_V4 +20 " "$METRO_TMP/text.out"
}

# Like `bpf-metro ... | head -1`: the reader leaves after one line.
ends_with_its_reader() { # BACKEND OUTPUT
  local status
  mkfifo "$METRO_TMP/fifo"
  head -n 1 "$METRO_TMP/fifo" >"$METRO_TMP/head.out" &
  # shellcheck disable=SC2016 # for the other shell
  start_background metro in_client sh -c 'exec "$@" >"$0"' "$METRO_TMP/fifo" \
    "$METRO" --backend "$1" --output "$2" -i "$IF" "$METRO_SERVER_V4" && await_metro metro &&
    load rr "$METRO_SERVER_V4" --rate 100 --count 20
  wait_background metro 5
  status=$?
  rm "$METRO_TMP/fifo"
  cat "$METRO_TMP/metro.err"
  grep . "$METRO_TMP/head.out" && holds 's <= 1' "s=$status"
}

test_text() {
  local backend output
  start_metro text in_client -i "$IF" "$METRO_SERVER_V4" || bail_out "bpf-metro -i starts"
  load rr "$METRO_SERVER_V4" --count 20
  wait_until 2 samples_reach text 20
  stop_background text
  tap_check "-i IFACE PEER prints a line a sample, and a table" text_is_fine
  for backend in $BACKENDS; do
    for output in text json; do
      tap_check "$output into a closed pipe, $backend: it ends" ends_with_its_reader $backend $output
    done
  done
}

test_coming_and_going
test_last_samples
for backend in auto bpf pcap; do
  tap_check "an interface that does not exist, $backend: status 1, one line" fails_at_start $backend
done
test_loopback
test_bare_ip
test_text
tap_done
