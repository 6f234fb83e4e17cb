#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# live.sh [PEERS [SECONDS]]: what the live view costs: the processor time of bpf-metro with this many peers, one
# sample each a second, with --output top in a terminal of 200 columns, and with --output statsd.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/../e2e/common.sh"
peers=${1:-5000} seconds=${2:-20} server=metro-bench-$$

end_all() {
  TMUX='' tmux -L "$server" kill-server 2>/dev/null
  metro_cleanup
}
trap end_all EXIT

# In ms, of a process.
spent() {
  awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"
}

# measure OUTPUT
measure() {
  local pid before
  rm -f "$METRO_TMP/pid"
  TMUX='' tmux -L "$server" -f /dev/null new-session -d -x 200 -y 50 env LC_ALL=C.UTF-8 ip netns exec \
    "$METRO_CLIENT_NS" sh -c "echo \$\$ >$METRO_TMP/pid; exec $METRO -i $METRO_CLIENT_IF 10.99.0.0/16 --output $1 $2"
  sleep 3
  pid=$(cat "$METRO_TMP/pid")
  in_client "$METRO_BUILD/sample_feed" --pid "$pid" --interface "$METRO_CLIENT_IF" --rate "$peers" \
    --seconds $((seconds + 6)) --flows "$peers" --peers "$peers" >"$METRO_TMP/feed" &
  sleep 4
  before=$(spent "$pid")
  sleep "$seconds"
  awk -v what="$1" -v before="$before" -v after="$(spent "$pid")" -v s="$seconds" \
    'BEGIN { printf "--output %s: %.2f %% of a core\n", what, (after - before) / s / 10 }'
  [ "$1" != top ] || TMUX='' tmux -L "$server" capture-pane -p | head -n 4
  kill "$pid"
  wait $!
  TMUX='' tmux -L "$server" kill-server 2>/dev/null
}

metro_setup_pair bench || exit 1
measure top ''
measure statsd '--interval 1'
