# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A terminal in the client, tmux: what is typed there, and what is seen. To be sourced after common.sh.

SERVER=metro-live-$$
terminals=0
mux() {
  TMUX='' tmux -L "$SERVER" -f /dev/null "$@"
}
end_mux() {
  mux kill-server 2>/dev/null
  metro_cleanup
}
trap end_mux EXIT

screen() {
  mux capture-pane -p -t view 2>/dev/null
}

keys() {
  mux send-keys -t view "$@"
}

screen_has() {
  screen | grep -qE -e "$1"
}

screen_lacks() {
  ! screen_has "$1"
}

# shows PATTERN: soon
shows() {
  wait_until 8 screen_has "$1" && return
  echo "no line '$1' on the screen:"
  screen
  return 1
}

hides() {
  wait_until 8 screen_lacks "$1" && return
  echo "still '$1' on the screen:"
  screen
  return 1
}

# open_terminal COLUMNS LINES [VARIABLE=VALUE...]: a shell in the client.
open_terminal() {
  mux kill-server 2>/dev/null
  SERVER=metro-live-$$-$((++terminals)) # another: the old one may still be at its end
  mux new-session -d -s view -x "$1" -y "$2" \
    env LC_ALL=C.UTF-8 "${@:3}" ip netns exec "$METRO_CLIENT_NS" bash --norc || return
  keys "PS1='ready> '" Enter
  shows '^ready>'
}

# run_in_terminal COMMAND...: in its shell; the modes before and after, its process id, and at the end its
# status are in files.
run_in_terminal() {
  rm -f "$METRO_TMP"/{before,after,status}
  cat >"$METRO_TMP/run" <<END
stty -a >"$METRO_TMP/before"
sh -c 'echo \$\$ >$METRO_TMP/pid; exec $*'
echo \$? >"$METRO_TMP/status"
stty -a >"$METRO_TMP/after"
END
  keys ". $METRO_TMP/run" Enter
}

has_ended() {
  [ -s "$METRO_TMP/after" ]
}

# as_before [STATUS]: it has ended with this status, and the terminal is as it was.
as_before() {
  wait_until 10 has_ended || { screen && return 1; }
  equal "status" "${1:-0}" "$(cat "$METRO_TMP/status")" && diff "$METRO_TMP/before" "$METRO_TMP/after"
}

first_peer() {
  screen | awk '/^peer / { getline; print $1; exit }'
}

first_peer_is() {
  [ "$(first_peer)" = "$1" ]
}
