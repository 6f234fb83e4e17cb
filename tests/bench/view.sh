#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# view.sh [PEERS [SECONDS]]: what the live view costs: the processor time of bpf-metro with this many peers, one
# sample each a second, with --output top in a terminal of 200 columns, and with --output statsd; and of a daemon
# with the default interval, alone and with a --top, and of that.
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

terminals=0
# in_terminal COMMAND...: its process id is in $METRO_TMP/pid.
in_terminal() {
  rm -f "$METRO_TMP/pid"
  server=metro-bench-$$-$((++terminals))
  TMUX='' tmux -L "$server" -f /dev/null new-session -d -x 200 -y 50 env LC_ALL=C.UTF-8 ip netns exec \
    "$METRO_CLIENT_NS" sh -c "echo \$\$ >$METRO_TMP/pid; exec $*"
  sleep 3
}

feed() { # PID
  in_client "$METRO_BUILD/sample_feed" --pid "$1" --interface "$METRO_CLIENT_IF" --rate "$peers" \
    --seconds $((seconds + 6)) --flows "$peers" --peers "$peers" >"$METRO_TMP/feed" &
  sleep 4
}

# say WHAT PID...: what they take for some seconds.
say() {
  local pid
  local -A before=()
  for pid in "${@:2}"; do
    before[$pid]=$(spent "$pid")
  done
  sleep "$seconds"
  for pid in "${@:2}"; do
    awk -v what="$1" -v name="$(tr '\0' ' ' <"/proc/$pid/cmdline")" -v before="${before[$pid]}" -v after="$(spent "$pid")" -v s="$seconds" \
      'BEGIN { printf "%s: %.2f %% of a core: %s\n", what, (after - before) / s / 10, substr(name, 1, 150) }'
  done
}

end() { # PID
  kill "$1"
  wait $!
  TMUX='' tmux -L "$server" kill-server 2>/dev/null
}

# measure OUTPUT OPTION...
measure() {
  local pid
  in_terminal "$METRO" -i "$METRO_CLIENT_IF" 10.99.0.0/16 --output "$@"
  pid=$(cat "$METRO_TMP/pid")
  feed "$pid"
  say "--output $*" "$pid"
  end "$pid"
}

measure_daemon() { # with or without
  local pid
  start_metro daemon in_client -c "$METRO_TMP/daemon.yaml"
  pid=$(background_pid daemon)
  feed "$pid"
  [ "$1" = without ] || in_terminal "$METRO" --top --control "$METRO_TMP/sock"
  # shellcheck disable=SC2046 # one more or none
  say "$1 --top" "$pid" $([ "$1" = without ] || cat "$METRO_TMP/pid")
  [ "$1" = without ] || TMUX='' tmux -L "$server" capture-pane -p | head -n 3
  TMUX='' tmux -L "$server" kill-server 2>/dev/null
  stop_background daemon
  wait $!
}

metro_setup_pair bench || exit 1
cat >"$METRO_TMP/daemon.yaml" <<END
init_config: {log_to_file: false, statsd_ip: 127.0.0.1, statsd_port: 8125, control_socket: $METRO_TMP/sock, reverse_names: false}
instances: [{interface: $METRO_CLIENT_IF, ips: [10.99.0.0/16]}]
END
measure top
measure statsd --interval 1
measure_daemon without
measure_daemon with
