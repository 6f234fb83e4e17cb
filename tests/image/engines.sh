# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Container engines for the image's test, each in a Debian root of its own (tests/root.sh), whose daemon runs in
# the client's network namespace. To be sourced behind common.sh, with ROOTS set to where the roots are.
#
#   ENGINE=docker26 engine_start || ...   docker26, podman5 or podman4; else why is in $ENGINE_REASON
#   engine COMMAND...                     what the engine's own client does with it
#   run_image NAME OPTION... [-- ARGUMENT...]    a container of the image, in the background
#   container_log NAME, container_health NAME, container_process NAME (its number on this host)
#   remove_containers, engine_stop

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PLACE=/metro-$$ # in the root: the daemon's files and its socket
CGROUP=metro-image-$$
ENGINE_REASON=

# The root that an engine is in.
engine_root() {
  case $ENGINE in
    podman4) echo "$ROOTS/older" ;;
    *) echo "$ROOTS/engines" ;;
  esac
}

root_sh() {
  BUILD=$METRO_BUILD "$TREE/tests/root.sh" "$@"
}

# have_root NAME SUITE PACKAGE...: made once, and kept.
have_root() {
  local name=$1
  [ -e "$ROOTS/$name/etc/root-suite" ] && return
  mkdir -p "$ROOTS" && root_sh make "$2" "$ROOTS/$name" "${@:3}"
}

# ---- daemons -------------------------------------------------------------------------------------

podman_options() {
  echo --runtime runc --root $PLACE/root --runroot $PLACE/run --tmpdir $PLACE/tmp --cgroup-manager cgroupfs \
    --storage-driver vfs --events-backend none
}

# In the client's network: not by ip-netns(8), which hides the cgroups.
# shellcheck disable=SC2046 # a list of words
engine_daemon() {
  local -a daemon
  case $ENGINE in
    docker26)
      daemon=(dockerd -H "unix://$PLACE/socket" --data-root $PLACE/data --exec-root $PLACE/exec
        --pidfile $PLACE/pid --bridge=none --iptables=false --ip6tables=false --storage-driver vfs
        --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$CGROUP") ;;
    *) daemon=(podman $(podman_options) system service --time 0 "unix://$PLACE/socket") ;;
  esac
  mkdir -p "$(engine_root)$PLACE/etc"
  start_background engine nsenter --net="/run/netns/$METRO_CLIENT_NS" env "BUILD=$METRO_BUILD" \
    "$TREE/tests/root.sh" run "$(engine_root)" env PODMAN_IGNORE_CGROUPSV1_WARNING=1 "${daemon[@]}"
  wait_until 20 engine_answers_or_ended
  engine_answers && return
  ENGINE_REASON="$ENGINE does not start: $(tail -n 1 "$METRO_TMP/engine.err")"
  return 1
}

engine() {
  case $ENGINE in
    docker26) root_sh run "$(engine_root)" docker -H "unix://$PLACE/socket" "$@" ;;
    *) root_sh run "$(engine_root)" podman --remote --url "unix://$PLACE/socket" "$@" ;;
  esac
}

engine_answers() {
  engine info >/dev/null 2>&1
}

engine_answers_or_ended() {
  engine_answers || ! background_alive engine
}

engine_start() {
  engine_daemon && cp "$IMAGE" "$(engine_root)$PLACE/image.tar" &&
    engine load --quiet --input $PLACE/image.tar >/dev/null
}

engine_stop() {
  remove_containers >/dev/null 2>&1
  stop_background engine
  [ -z "$ENGINE" ] || rm -rf "$(engine_root)$PLACE"
}

# ---- containers ----------------------------------------------------------------------------------

CONTAINERS=()

# What the README has, and limits: engines may want more than this process may have. Podman's own tmpfs at
# /run would hide that one is needed.
run_image() {
  local name=$1
  local -a options=(--detach --name "$name" --network host --read-only --tmpfs /run/bpf-metro
    --volume "$PLACE/etc:/etc/bpf-metro:ro" --cap-drop all --ulimit nofile=1024:1024)
  shift
  [ $ENGINE = docker26 ] ||
    options+=(--read-only-tmpfs=false --ulimit nproc=4096:4096 --cgroup-parent "/$CGROUP")
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1") && shift; done
  CONTAINERS+=("$name")
  engine run "${options[@]}" localhost/bpf-metro:test "${@:2}"
}

remove_containers() {
  local name
  for name in "${CONTAINERS[@]}"; do
    engine rm --force "$name"
  done
  CONTAINERS=()
}

container_log() {
  engine logs "$1" 2>&1
}

container_log_has() { # NAME PATTERN
  container_log "$1" >"$METRO_TMP/container.log"
  grep -qE -e "$2" "$METRO_TMP/container.log" || { cat "$METRO_TMP/container.log" && return 1; }
}

container_health() {
  engine exec "$1" /usr/sbin/bpf-metro --health "${@:2}"
}

container_status() { # exit status of one that has ended
  engine inspect --format '{{.State.ExitCode}}' "$1"
}

container_has_ended() {
  [ "$(engine inspect --format '{{.State.Running}}' "$1")" = false ]
}

# One container runs at a time.
container_process() {
  local process
  for process in $(find /sys/fs/cgroup -path "*/$CGROUP/*" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u); do
    [ "$(cat "/proc/$process/comm" 2>/dev/null)" = bpf-metro ] && echo "$process" && return
  done
  return 1
}
