#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# System calls that fail, as they do without memory: strace makes them. No filter stays behind, and
# what is tried with each report is said once.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

IF=$METRO_CLIENT_IF
CONFIG=$METRO_TMP/faults.yaml

# fail CALL ERROR: from now on, in metro, until stop_background strace
fail() {
  start_background strace strace -f -qq -e trace="$1" -e inject="$1:error=$2" -p "$(background_pid metro)" &&
    wait_until 5 is_traced
}

is_traced() {
  grep -qE '^TracerPid:\s*[1-9]' "/proc/$(background_pid metro)/status"
}

if ! have strace; then
  tap_skip "what fails" "strace is not installed"
  tap_done
  exit
fi
metro_setup_pair faults || bail_out "two hosts"
start_background metro sleep 10
if ! fail recvfrom EAGAIN; then
  tap_skip "what fails" "strace may not: $(cat "$METRO_TMP/strace.err")"
  tap_done
  exit
fi
stop_background metro
stop_background strace

# ---- the list of filters -------------------------------------------------------------------------
# That alone is asked for with recv(); libbpf, which removes them, calls recvmsg().

# without_list ERROR
without_list() {
  # shellcheck disable=SC2086
  start_metro metro in_client --backend bpf --hook clsact --interval 3600 --output json -i "$IF" $PEERS ||
    return
  equal "filters" "metro_in_eth metro_out_eth" "$(filters ingress) $(filters egress)" && fail recvfrom "$1" || return
  stop_background metro
  stop_background strace
  grep -c INJECTED "$METRO_TMP/strace.err" # or it was not tried
  grep -q INJECTED "$METRO_TMP/strace.err" && equal filters "" "$(filters ingress)$(filters egress)"
}

for error in EAGAIN ENOMEM EINVAL; do
  tap_check "the kernel does not list filters ($error): ours are removed" without_list $error
  stop_background metro 2>/dev/null
  in_client tc qdisc del dev "$IF" clsact 2>/dev/null
done

# ---- attaching -----------------------------------------------------------------------------------

# tries_again WORDS COMMAND...: the command makes an interface where attaching fails for a while;
# the words must be said once, when it has succeeded.
tries_again() {
  local words=$1
  shift
  cat >"$CONFIG" <<END
init_config: {log_to_file: false, report_interval: 0.25}
instances:
  - {interface: $IF, ips: [$METRO_SERVER_V4]}
  - {interface: later0, ips: [$METRO_SERVER_V4]}
END
  start_metro metro in_client -c "$CONFIG" --backend bpf --hook xdp --output json || return
  fail bpf ENOMEM && "$@" || return
  log_has metro 'ERROR cannot attach to later0 ' || return
  sleep 1 # four more attempts
  equal "lines while it fails" 0 "$(log_count metro "$words")" || return
  stop_background strace
  log_has metro 'INFO measuring on later0 ' || return
  equal errors 1 "$(log_count metro 'ERROR cannot attach to later0 ')" &&
    equal "lines when it has not failed" 1 "$(log_count metro "$words")"
}

# Of frames so long, veth's native XDP will have none.
long_frames() {
  ip -n "$METRO_CLIENT_NS" link add later0 mtu 9000 type veth peer name later1 mtu 9000 &&
    ip -n "$METRO_CLIENT_NS" link set later0 up
}

bond() {
  ip -n "$METRO_CLIENT_NS" link add later0 type bond
}

tap_check "native XDP is refused, after attempts that failed: said once" \
  tries_again "later0: the driver refuses native XDP" long_frames
stop_background metro
ip -n "$METRO_CLIENT_NS" link del later0

if bond 2>/dev/null; then
  ip -n "$METRO_CLIENT_NS" link del later0
  tap_check "a bond, after attempts that failed: said once" \
    tries_again "later0 is a bond" bond
  stop_background metro
else
  tap_skip "a bond, after attempts that failed: said once" "there are no bonds"
fi
tap_done
