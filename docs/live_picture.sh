#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Makes docs/live.png of a real run, as root, after `make all tools`: five peers with traffic of their own, for a
# little more than a minute, in tmux, drawn by Chromium.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/e2e/common.sh
. tests/e2e/common.sh

server=metro-picture-$$
hosts=
end_all() {
  TMUX='' tmux -L "$server" kill-server 2>/dev/null
  [ -z "$hosts" ] || rm -r "$hosts"
  metro_cleanup
}
trap end_all EXIT

names=(api db cache search backup)
METRO_TROUBLES_BY=delay_link metro_setup_pair picture --delay 2 --jitter 1 --loss 0.1 || exit 1
start_server || exit 1
hosts=/etc/netns/$METRO_CLIENT_NS # which `ip netns exec` has as /etc
mkdir -p "$hosts" || exit 1
for i in "${!names[@]}"; do
  echo "10.77.0.$((10 + i)) ${names[i]}.example.net"
  ip -n "$METRO_SERVER_NS" address add "10.77.0.$((10 + i))/24" dev "$METRO_SERVER_IF"
done >"$hosts/hosts"
echo 'hosts: files' >"$hosts/nsswitch.conf"
traffic() { # ADDRESS OPTION...
  start_background "load-$1" in_client "$LOAD" client --connect "$1" --port $PORT "${@:2}"
}
traffic 10.77.0.10 --connections 12 --rate 15
traffic 10.77.0.11 --connections 4 --rate 60
traffic 10.77.0.12 --connections 20 --rate 20
traffic 10.77.0.13 --connections 2 --rate 3
traffic 10.77.0.14 --mode upload --rate 50

TMUX='' tmux -L "$server" -f /dev/null new-session -d -x 130 -y 11 env LC_ALL=C.UTF-8 TERM=screen \
  ip netns exec "$METRO_CLIENT_NS" "$METRO" -i "$METRO_CLIENT_IF" "${names[@]/%/.example.net}" --output top
sleep "${SECONDS_OF_RUN:-65}"
TMUX='' tmux -L "$server" capture-pane -e -p | python3 docs/live_picture.py docs/live.png
