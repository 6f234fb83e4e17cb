#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the live view says above the table, in a real terminal of 80 and of 200 columns: why it is libpcap and not
# BPF, and what was lost.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

for tool in tmux capsh; do
  have $tool || {
    tap_skip "the live view's header" "there is no $tool"
    tap_done
    exit
  }
done
# shellcheck source=tests/e2e/terminal.sh
. "$(dirname "$0")/terminal.sh"

# Without the capabilities for BPF, as in test_fallback.sh.
cat >"$METRO_TMP/without" <<END
#!/bin/sh
exec capsh --drop=cap_bpf,cap_sys_admin,cap_perfmon -- -c 'exec "\$0" "\$@"' "$METRO" "\$@"
END
chmod 755 "$METRO_TMP/without"

# More packets than libpcap's buffer holds, while nobody reads it.
lose() {
  local pid status
  pid=$(cat "$METRO_TMP/pid")
  kill -STOP "$pid"
  load flood "$METRO_SERVER_V4" --connections 64 --request 400 --response 400 --count 2000
  status=$?
  kill -CONT "$pid"
  return $status
}

metro_setup_pair header || bail_out "there are two hosts"
tap_check "a server runs" start_server
tap_check "a terminal" open_terminal 80 24
keys 'set +m' Enter # else the shell would take the terminal back when bpf-metro is stopped
run_in_terminal "$METRO_TMP/without" -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" --output top
tap_check "80 columns: with libpcap" shows '^measuring .* with libpcap'
tap_check "and why" shows '^libpcap, not BPF: CAP_BPF and CAP_PERFMON are missing'
load one "$METRO_SERVER_V4" --count 20
tap_check "one peer" shows '1 peer, '
tap_check "nothing is lost" hides '^lost: '
tap_check "traffic while it is stopped" lose
tap_check "what was lost" shows '^lost: capture_drops [0-9]+'
mux resize-window -t view -x 200 -y 40
tap_check "200 columns: why" shows '^libpcap, not BPF: CAP_BPF and CAP_PERFMON are missing, taken away .*'
tap_check "and what was lost" shows '^lost: capture_drops [0-9]+'
tap_done
