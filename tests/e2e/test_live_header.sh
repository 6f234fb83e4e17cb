#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the live view says above the table, in a real terminal of 80 and of 200 columns: why it is libpcap and not
# BPF, what was lost, and of how many peers it is: one, and 5,000 with a sample each a second.
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

MANY=5000
SHARE=4 # % of a core, at most: it is 1 to 2, which tests/bench/view.sh measures, but not in a test's company

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

spent_ms() {
  awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$(cat "$METRO_TMP/pid")/stat"
}

# Of a core, in 5 seconds.
is_cheap() {
  local before
  before=$(spent_ms)
  sleep 5
  holds '(after - before) / 50 <= most' "before=$before" "after=$(spent_ms)" "most=$SHARE"
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
keys q
tap_check "keys are taken, with libpcap and after SIGCONT: q ends it" wait_until 10 has_ended # by now of another size

tap_check "another terminal" open_terminal 200 40
run_in_terminal "$METRO" -i "$METRO_CLIENT_IF" 10.99.0.0/16 --output top
tap_check "with BPF" shows '^measuring .* with BPF'
start_background feed in_client "$METRO_BUILD/sample_feed" --pid "$(cat "$METRO_TMP/pid")" \
  --interface "$METRO_CLIENT_IF" --rate $MANY --seconds 30 --flows $MANY --peers $MANY
tap_check "$MANY peers" shows "$MANY peers, "
tap_check "at $SHARE % of a core or less" is_cheap
keys n
tap_check "keys sort them" wait_until 5 first_peer_is 10.99.0.1
keys End
tap_check "to the last" shows '^10\.99\.9\.[0-9]+ '
keys q
tap_check "q ends it" as_before
tap_done
