# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Real containers for end-to-end tests, by whatever runtime is there: runc, crun, podman or docker. To be
# sourced behind common.sh, with RUNTIME set to one of them. Their root file system is made of what was
# built here, their cgroups are below one of ours, and they are on a bridge of the client, $PODS_IF, with
# the server as the host outside.
#
#   runtime_works || ...                 starts what it takes; if not, why is in $RUNTIME_REASON
#   plug NAME                            a network namespace and a veth pair (docker makes its own)
#   run_container NAME COMMAND...        a container with an id of its own
#   start_again NAME                     after kill_container: the same one (podman, docker)
#   in_container NAME COMMAND...         another process of it
#   kill_container, remove_container NAME
#   container_id, container_pid, host_end NAME
#   containers_cleanup                   to be called when the script ends

PODS_IF=pods0
PODS_V4=10.78.0.1
ROOT=$METRO_TMP/root                # the file system
STATE=$METRO_TMP/runtime            # the runtime's own files
CGROUP=metro-e2e-$$
MEMORY=$((64 << 20)) # bytes that each container may have
RUNTIME_REASON=
declare -A CONTAINERS=()            # ids by name

# ---- the root file system ------------------------------------------------------------------------

# add_program PATH: into /bin, with the libraries that it is linked to.
add_program() {
  local library
  cp "$1" "$ROOT/bin/" || return
  for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
    mkdir -p "$ROOT$(dirname "$library")" && cp -L "$library" "$ROOT$library" || return
  done
}

make_root() {
  mkdir -p "$STATE" "$ROOT"/{bin,dev,etc,proc,run,sys,tmp} &&
    add_program "$LOAD" && add_program "$METRO_PROGRAM"
}

# ---- the network ---------------------------------------------------------------------------------

# The client is the container host: it forwards between the bridge and the host outside.
connect_outside() {
  in_client sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' &&
    ip -n "$METRO_SERVER_NS" route add "${PODS_V4%.*.*}.0.0/16" via "$METRO_CLIENT_V4"
}

make_bridge() {
  ip -n "$METRO_CLIENT_NS" link add $PODS_IF type bridge 2>"$METRO_TMP/bridge.err" &&
    ip -n "$METRO_CLIENT_NS" address add $PODS_V4/16 dev $PODS_IF &&
    ip -n "$METRO_CLIENT_NS" link set $PODS_IF up
}

netns_of() {
  echo "metro-$RUNTIME-$1-$$"
}

plug() {
  local ns
  ns=$(netns_of "$1")
  [ "$RUNTIME" != docker ] || return 0
  ip netns add "$ns" && ip -n "$ns" link set lo up &&
    ip link add "veth-$1" netns "$METRO_CLIENT_NS" type veth peer name eth0 netns "$ns" &&
    ip -n "$METRO_CLIENT_NS" link set "veth-$1" master $PODS_IF up &&
    ip -n "$ns" link set eth0 up
}

# The kernel takes a namespace's interfaces away some time after it, and both ends with one.
unplug() {
  ip netns delete "$(netns_of "$1")" && wait_until 15 is_unplugged "$1"
}

is_unplugged() {
  ! ip -n "$METRO_CLIENT_NS" link show "veth-$1" >/dev/null 2>&1
}

in_netns_of() {
  local name=$1
  shift
  if [ "$RUNTIME" = docker ]; then
    nsenter -t "$(container_pid "$name")" -n "$@"
  else
    ip netns exec "$(netns_of "$name")" "$@"
  fi
}

# add_address NAME ADDRESS
add_address() {
  in_netns_of "$1" ip address add "$2/16" dev eth0 || return
  in_netns_of "$1" ip route replace default via $PODS_V4
}

# The name of the host's end of the container's veth.
host_end() {
  local index
  [ "$RUNTIME" = docker ] || { echo "veth-$1" && return; }
  index=$(in_netns_of "$1" ip -o link show eth0 | sed 's/^[^@]*@if\([0-9]*\):.*/\1/')
  ip -n "$METRO_CLIENT_NS" -o link | sed -n "s/^$index: \([^@:]*\).*/\1/p"
}

# ---- runc and crun -------------------------------------------------------------------------------

random_id() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# crun 1.8 knows no cgroup v2 beside v1: it does not get to see it.
oci() {
  if [ "$RUNTIME" = crun ] && [ -d /sys/fs/cgroup/unified ]; then
    # shellcheck disable=SC2016 # for the other shell
    unshare --mount sh -c 'umount /sys/fs/cgroup/unified && exec "$@"' sh \
      crun --root "$STATE/oci" "$@"
  else
    "$RUNTIME" --root "$STATE/oci" "$@"
  fi
}

quoted() { # "A","B"
  local list
  list=$(printf '"%s",' "$@")
  echo "${list%,}"
}

# oci_bundle NAME NETNS COMMAND...: with CAPABILITIES as the user nobody; HOST_PID=yes: no PID namespace
oci_bundle() {
  local name=$1 netns=$2 caps='' pid='{"type": "pid"},'
  shift 2
  [ -z "${CAPABILITIES:-}" ] || caps=$(quoted $CAPABILITIES)
  [ "${HOST_PID:-no}" = no ] || pid=
  mkdir -p "$STATE/$name" && cat >"$STATE/$name/config.json" <<END
{
  "ociVersion": "1.0.2",
  "process": {
    "user": {"uid": 65534, "gid": 65534},
    "args": [$(quoted "$@")],
    "env": ["PATH=/bin", "DD_ORIGIN_DETECTION_ENABLED=false"],
    "cwd": "/",
    "capabilities": {"bounding": [$caps], "effective": [$caps], "permitted": [$caps],
                     "inheritable": [$caps], "ambient": [$caps]},
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
    "noNewPrivileges": true
  },
  "root": {"path": "$ROOT", "readonly": true},
  "hostname": "$name",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "ro"]},
    {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "ro"]},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}
  ],
  "linux": {
    "cgroupsPath": "/$CGROUP/${CONTAINERS[$name]}",
    "resources": {"memory": {"limit": ${MEMORY}}},
    "namespaces": [$pid {"type": "network", "path": "/run/netns/$netns"},
                   {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]
  }
}
END
}

oci_run() {
  local name=$1
  CONTAINERS[$name]=$(random_id)
  oci_bundle "$name" "$(netns_of "$name")" "${@:2}" &&
    oci run --detach --bundle "$STATE/$name" --pid-file "$STATE/$name/pid" "${CONTAINERS[$name]}" \
      >"$STATE/$name/out" 2>&1 </dev/null && return
  cat "$STATE/$name/out" >&2
  return 1
}

# oci_foreground NAME NETNS COMMAND...: as a background process of the script that has this name
oci_foreground() {
  local name=$1
  CONTAINERS[$name]=$(random_id)
  oci_bundle "$@" || return
  start_background "$name" "$RUNTIME" --root "$STATE/oci" run --bundle "$STATE/$name" \
    "${CONTAINERS[$name]}"
}

# ---- podman --------------------------------------------------------------------------------------

# Limits are given: what it wants by default may be more than we have.
podman_() {
  podman --runtime "$(command -v runc)" --root "$STATE/root" --runroot "$STATE/run" --tmpdir "$STATE/tmp" \
    --cgroup-manager cgroupfs --storage-driver vfs --events-backend none "$@"
}

podman_run() {
  local name=$1
  CONTAINERS[$name]=$(podman_ run --detach --read-only --read-only-tmpfs=false --memory $MEMORY \
    --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 --cgroup-parent "/$CGROUP" \
    --network "ns:/run/netns/$(netns_of "$name")" --rootfs "$ROOT" "${@:2}" </dev/null)
}

# ---- docker --------------------------------------------------------------------------------------

# A daemon of our own, with a bridge of its own, in the client's network namespace. Not by ip-netns(8),
# which hides the cgroups.
docker_daemon() {
  start_background dockerd nsenter --net="/run/netns/$METRO_CLIENT_NS" dockerd \
    -H "unix://$STATE/docker.sock" --data-root "$STATE/data" --exec-root "$STATE/exec" \
    --pidfile "$STATE/docker.pid" --bip $PODS_V4/16 --iptables=false --ip6tables=false \
    --ip-masq=false --userland-proxy=false --storage-driver vfs \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$CGROUP"
  wait_until 15 docker_answers_or_ended
  docker_answers
}

docker_() {
  docker -H "unix://$STATE/docker.sock" "$@"
}

docker_answers() {
  docker_ version >/dev/null 2>&1
}

docker_answers_or_ended() {
  docker_answers || ! background_alive dockerd
}

docker_run() {
  local name=$1
  CONTAINERS[$name]=$(docker_ run --detach --memory $MEMORY --ulimit nofile=1024:1024 metro "${@:2}")
}

# ---- whichever it is -----------------------------------------------------------------------------

reason() {
  RUNTIME_REASON=$1
  return 1
}

# What it takes beside the runtime itself.
runtime_start() {
  have "$RUNTIME" || reason "there is no $RUNTIME here" || return
  make_root || reason "no root file system" || return
  case $RUNTIME in
    docker)
      have dockerd || reason "there is no dockerd here" || return
      docker_daemon ||
        reason "dockerd does not start: $(tail -n 1 "$METRO_TMP/dockerd.err")" || return
      tar -C "$ROOT" -c . | docker_ import - metro >/dev/null
      ;;
    podman) have runc || reason "there is no runc here for podman" || return ;;&
    *) make_bridge || reason "no bridges here: $(cat "$METRO_TMP/bridge.err")" ;;
  esac
}

# Whether a container runs here at all; what the runtime said is the reason.
runtime_works() {
  runtime_start || return
  plug probe && run_container probe /bin/tcp_load server --port $PORT 2>"$METRO_TMP/probe.err" &&
    remove_container probe && return
  reason "$RUNTIME starts no container: $(tail -n 1 "$METRO_TMP/probe.err")"
}

run_container() {
  case $RUNTIME in
    runc | crun) oci_run "$@" ;;
    *) "${RUNTIME}_run" "$@" ;;
  esac
}

# command WORD... NAME [ARGUMENT...]: of the runtime's command line, with the id for the name
runtime_do() {
  local -a words=()
  until [ $# -eq 0 ] || [ -n "${CONTAINERS[$1]:-}" ]; do words+=("$1") && shift; done
  [ $# -gt 0 ] || return
  case $RUNTIME in
    runc | crun) oci "${words[@]}" "${CONTAINERS[$1]}" "${@:2}" ;;
    *) "${RUNTIME}_" "${words[@]}" "${CONTAINERS[$1]}" "${@:2}" ;;
  esac
}

start_again() {
  runtime_do start "$1" >/dev/null
}

in_container() {
  runtime_do exec "$@"
}

kill_container() {
  local pid
  pid=$(container_pid "$1")
  case $RUNTIME in
    runc | crun) runtime_do kill "$1" KILL ;;
    *) runtime_do kill "$1" >/dev/null ;;
  esac
  wait_until 5 metro_is_gone "$pid"
}

remove_container() {
  case $RUNTIME in
    podman) runtime_do rm --force --time=0 "$1" >/dev/null ;;
    docker) runtime_do rm --force "$1" >/dev/null ;;
    *) runtime_do delete --force "$1" ;;
  esac
  unset "CONTAINERS[$1]"
}

container_id() {
  echo "${CONTAINERS[$1]}"
}

container_pid() {
  case $RUNTIME in
    runc | crun) cat "$STATE/$1/pid" ;;
    *) runtime_do inspect --format '{{.State.Pid}}' "$1" ;;
  esac
}

# ---- the end -------------------------------------------------------------------------------------

# Containers first, which only their runtime ends well, then it, and then what was around them.
containers_cleanup() {
  local name ns
  trap '' INT TERM HUP
  for name in "${!CONTAINERS[@]}"; do
    [ -z "${CONTAINERS[$name]}" ] || remove_container "$name"
  done >/dev/null 2>&1
  stop_background dockerd
  for ns in $(ip netns list | sed -n "s/^\(metro-$RUNTIME-[^ ]*-$$\)\>.*/\1/p"); do
    metro_kill_in "$ns"
    ip netns delete "$ns"
  done
  metro_teardown
  wait_until 5 cgroups_gone || metro_say "cgroups are left: $CGROUP"
  awk -v at="$METRO_TMP/" 'index($5, at) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
    xargs -r umount --lazy 2>/dev/null
  metro_cleanup
}
