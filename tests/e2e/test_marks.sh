#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The programs for both ways are loaded, and measure, with the fewest and the most marks that BPF takes: with the
# most, the verifier of an old kernel comes close to the end of its patience.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

metro_setup_pair marks && start_server || bail_out "two hosts and a server"

start_with() { # MARKS HOOK
  cat >"$METRO_TMP/marks.yaml" <<END
init_config: {log_to_file: false, marks: $1}
instances: [{interface: $METRO_CLIENT_IF, direction: both, ips: [$METRO_SERVER_V4, $METRO_CLIENT_V4]}]
END
  start_metro metro in_client -c "$METRO_TMP/marks.yaml" --backend bpf --hook "$2" --output json
}

# Requests leave, and responses arrive. The last response has its ACK late, or with the FIN.
measures() {
  local status
  load rr "$METRO_SERVER_V4" --count 20
  wait_until 3 samples_reach metro 40
  stop_background metro
  status=$?
  cat "$METRO_TMP/metro.err"
  equal status 0 $status && holds 'samples >= 39' "samples=$(samples metro)"
}

for case in "8 tc" "64 tc" "64 xdp"; do
  read -r marks hook <<<"$case"
  tap_check "$marks marks, $hook, both ways: the programs are loaded" start_with "$marks" "$hook"
  tap_check "$marks marks, $hook, both ways: requests and responses have their samples" measures
done
tap_done
