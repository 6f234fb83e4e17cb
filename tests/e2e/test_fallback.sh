#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# With the privileges for BPF, BPF; without them, libpcap and one line that says why; without any, an
# error that names what is needed. As root with a part of its capabilities, and as another user.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

for tool in setpriv capsh; do
  if ! have $tool; then
    tap_skip "fallback" "$tool is not installed"
    tap_done
    exit
  fi
done

metro_setup_pair fallback && start_server || bail_out "two hosts and a server"

# Where any user may run it.
BINARY=$METRO_TMP/bpf-metro
chmod 711 "$METRO_TMP" && install -m 755 "$METRO_PROGRAM" "$BINARY"

# root_without CAPABILITIES ARGUMENT...: starts bpf-metro
root_without() {
  local drop=$1
  shift
  start_background metro in_client capsh "--drop=$drop" -- -c 'exec "$0" "$@"' "$BINARY" \
    "$@" --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4"
  wait_until $READY_SECONDS metro_measures_or_ended metro
}

# Before Linux 5.11 maps count as locked memory, of which a user has too little. Root without
# CAP_SYS_RESOURCE cannot raise the limit; newer kernels do without.
unlimited=(prlimit --memlock=unlimited)
"${unlimited[@]}" true 2>/dev/null || unlimited=()

# nobody_with CAPABILITIES ARGUMENT...: starts bpf-metro; capabilities as setpriv has them.
nobody_with() {
  local only="-all${1:+,$1}"
  shift
  start_background metro in_client "${unlimited[@]}" \
    setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$only" --ambient-caps "$only" \
    --bounding-set "$only" "$BINARY" "$@" --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4"
  wait_until $READY_SECONDS metro_measures_or_ended metro
}

# measures HOW: what was started does, and says that it measures so.
measures() {
  local status
  cat "$METRO_TMP/metro.err"
  grep -qE "INFO measuring on $METRO_CLIENT_IF with $1" "$METRO_TMP/metro.err" || return
  load rr "$METRO_SERVER_V4" --count 50
  wait_until 2 samples_reach metro 50
  stop_background metro
  status=$?
  equal status 0 $status && equal samples 50 "$(samples metro)"
}

one_warning() { # PATTERN
  cat "$METRO_TMP/metro.err"
  equal warnings 1 "$(log_count metro ' (WARNING|ERROR|CRITICAL) ')" &&
    grep -qE "WARNING BPF cannot be used here: $1; falling back to libpcap" "$METRO_TMP/metro.err"
}

# fails REASON...: what was started has ended with status 1, and said why.
fails() {
  local status reason
  wait_background metro 5
  status=$?
  cat "$METRO_TMP/metro.err"
  equal status 1 $status || return
  for reason in "$@"; do
    grep -qE "CRITICAL .*$reason" "$METRO_TMP/metro.err" || { echo "not said: $reason" && return 1; }
  done
}

NO_BPF=cap_bpf,cap_sys_admin,cap_perfmon
WHY='CAP_BPF and CAP_PERFMON are missing, taken away .*--cap-add.*'

root_without $NO_BPF
tap_check "root without CAP_BPF: libpcap measures" measures libpcap
tap_check "root without CAP_BPF: one line says why" one_warning "$WHY"

root_without $NO_BPF --backend bpf
tap_check "root without CAP_BPF, --backend bpf: status 1 and the reason" fails "$WHY"

root_without $NO_BPF,cap_net_raw
tap_check "root without CAP_BPF and CAP_NET_RAW: status 1 and what is needed" \
  fails 'cannot measure: .*CAP_NET_RAW'

WHY=${WHY/ and/, CAP_NET_ADMIN and}
nobody_with +net_raw
tap_check "a user with CAP_NET_RAW: libpcap measures" measures libpcap
tap_check "a user with CAP_NET_RAW: one line says why" one_warning "$WHY"

nobody_with ''
tap_check "a user without privileges: status 1 and what is needed" fails 'cannot measure: .*CAP_NET_RAW'
tap_check "a user without privileges: what BPF would need" log_has metro "$WHY" 1

nobody_with '' --backend bpf
tap_check "a user without privileges, --backend bpf: status 1 and what is needed" fails "$WHY"

# Some kernels want CAP_PERFMON for what our programs do, so the test asks it of none of them.
for hook in tc clsact xdp; do
  nobody_with +bpf,+net_admin,+perfmon --backend bpf --hook $hook
  tap_check "a user with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, $hook: BPF measures" measures BPF
done
nobody_with +bpf,+net_admin --backend bpf
wait_until 1 metro_measures metro
if metro_measures metro; then
  tap_check "a user with CAP_BPF and CAP_NET_ADMIN: BPF measures" measures BPF
else
  tap_check "a user with CAP_BPF and CAP_NET_ADMIN: status 1 and what is needed" \
    fails 'cannot measure: CAP_PERFMON is missing, '
fi
tap_done
