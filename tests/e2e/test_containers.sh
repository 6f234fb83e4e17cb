#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tags of the container at the other end of a veth: processes in a network namespace and in cgroups
# with the names that container engines give theirs. What is found, a container that gives way to
# another, a pod with its sandbox, and what is said where processes are not visible.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

CONFIG=$METRO_TMP/containers.yaml
APP=a4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376
NEXT=b4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376
SANDBOX=c4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376
POD=7d9b6b2a-9f3c-4d51-8a40-1c2f3e4d5b60
SLICE=kubepods.slice/kubepods-pod${POD//-/_}.slice
CGROUPS=

# ---- containers ----------------------------------------------------------------------------------

make_cgroups() { # below whatever hierarchy lets us
  local mount
  for mount in /sys/fs/cgroup /sys/fs/cgroup/{unified,pids,freezer}; do
    CGROUPS=$mount/metro-e2e-$$
    mkdir "$CGROUPS" 2>/dev/null && [ -w "$CGROUPS/cgroup.procs" ] && return
    rmdir "$CGROUPS" 2>/dev/null
  done
  CGROUPS=
  return 1
}

cleanup() {
  metro_cleanup
  [ -z "$CGROUPS" ] || wait_until 5 find "$CGROUPS" -depth -type d -exec rmdir {} +
}
trap cleanup EXIT

make_cgroups || { tap_skip "containers" "no cgroup can be made here" && tap_done && exit; }

# in_container NAME CGROUP COMMAND...: a process of the container, in the server's namespace
# shellcheck disable=SC2016 # for the other shell
in_container() {
  local name=$1 cgroup=$CGROUPS/$2
  shift 2
  mkdir -p "$cgroup" && start_background "$name" \
    sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh "$cgroup" \
    ip netns exec "$METRO_SERVER_NS" "$@"
}

start_app() { # NAME CGROUP
  in_container "$1" "$2" "$LOAD" server --port $PORT &&
    wait_for_line "$METRO_TMP/$1.err" '^serving on' 5
}

# What the sandbox of a pod runs, by its name.
start_sandbox() {
  cp "$(command -v sleep)" "$METRO_TMP/pause" &&
    in_container sandbox "$SLICE/cri-containerd-$SANDBOX.scope" "$METRO_TMP/pause" 1000
}

# ---- configuration -------------------------------------------------------------------------------

config() { # MORE of init_config, MORE of the instance
  cat >"$CONFIG" <<END
init_config:
  {log_to_file: false, log_level: debug, report_interval: 4, statsd_ip: 127.0.0.1, metrics: [samples],
   $1}
instances:
  - {interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4], tags: [env:test], $2}
END
}

requests() { # COUNT
  load "load-$RANDOM" "$METRO_SERVER_V4" --count "$1" --rate 100
}

found() { # ID [SECONDS]
  log_has metro "DEBUG $METRO_CLIENT_IF: at the other end is container $1" "${2:-15}"
}

told_of_pod() { # TIMES
  [ "$(log_count metro "several, or none yet. of pod $POD")" -ge "$1" ]
}

# What arrived, as StatsD counts: of lines that match.
counted() {
  awk -F '[:|]' -v pattern="$1" '
    $1 == "system.net.tcp.rtt.samples" && index($0, pattern) { sum += $2 }
    END { print sum + 0 }' "$METRO_TMP/statsd.out"
}

counts_reach() { # PATTERN COUNT
  [ "$(counted "$1")" -ge "$2" ]
}

metro_setup_pair containers && start_statsd statsd || bail_out "two hosts and a StatsD server"

# ---- a container, and the next one in its place --------------------------------------------------

config "telemetry: true" "containers: true"
start_app first "system.slice/docker-$APP.scope" || bail_out "a server in a container"
DD_ENTITY_ID=own start_metro metro in_client -c "$CONFIG" || bail_out "it starts"
tap_check "a container is found" found "$APP"
requests 40
tap_check "its samples have its tags, and it is their origin" wait_until 10 counts_reach \
  "|c|#src:$METRO_CLIENT_V4,dst:$METRO_SERVER_V4,env:test,container_id:$APP,iface:$METRO_CLIENT_IF|c:$APP" 40
tap_check "our own metrics are our own" \
  wait_for_line "$METRO_TMP/statsd.out" '^bpf_metro.samples:[0-9]*\|c\|#dd.internal.entity_id:own$' 10

# A connection that stays, and with it a batch of samples that is not full; nothing tells of its end.
start_background held in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT \
  --count 30 --rate 100 --hold 60
sleep 1
ip -n "$METRO_SERVER_NS" link set "$METRO_SERVER_IF" down
stop_background first KILL
ip -n "$METRO_SERVER_NS" link set "$METRO_SERVER_IF" up
start_app second "docker/$NEXT" || bail_out "a second server"
tap_check "the next container is found" found "$NEXT"
requests 20
wait_until 10 counts_reach "|c:$NEXT" 20
tap_check "what was measured before stays the first one's" \
  equal "samples of the first" 70 "$(counted "container_id:$APP,iface:$METRO_CLIENT_IF|c:$APP")"
tap_check "what comes is the next one's" \
  equal "samples of the next" 20 "$(counted "container_id:$NEXT,iface:$METRO_CLIENT_IF|c:$NEXT")"
tap_check "all samples have a container" equal "samples" 90 "$(counted env:test)"
tap_check "it ends well" stop_background metro
stop_background held
stop_background second

# ---- a pod ---------------------------------------------------------------------------------------

start_sandbox || bail_out "a sandbox"
start_metro metro in_client -c "$CONFIG" --output json || bail_out "it starts"
tap_check "of a sandbox alone, the pod is told" found ".several, or none yet. of pod $POD"
start_app first "$SLICE/cri-containerd-$APP.scope" || bail_out "a server in a pod"
tap_check "the application beside the sandbox is found" found "$APP of pod $POD"
requests 20
tap_check "JSON has both as keys behind the others" wait_until 5 samples_reach metro 20 \
  "\"rtt_ns\":[0-9]+,\"container_id\":\"$APP\",\"pod_uid\":\"$POD\"}$"
in_container sidecar "$SLICE/cri-containerd-$NEXT.scope" sleep 1000
tap_check "with a second application, the pod is told" \
  wait_until 15 told_of_pod 2
stop_background sidecar KILL

# A reload without the key: no tags from then on.
config "telemetry: true" "containers: false"
kill -HUP "$(background_pid metro)"
log_has metro "INFO reloaded" || bail_out "it reloads"
requests 10
tap_check "without the key there are none" wait_until 5 samples_reach metro 10 "\"rtt_ns\":[0-9]+}$"
tap_check "it ends well with a pod" stop_background metro

# ---- what it takes -------------------------------------------------------------------------------

config "telemetry: true" "containers: true"
start_background metro in_client unshare --pid --fork --kill-child --mount-proc \
  "$METRO" -c "$CONFIG" --output json && await_metro metro || bail_out "it starts in a PID namespace"
requests 10
tap_check "without the host's PID namespace, it says so" log_has metro \
  "WARNING containers: none of the processes behind the interfaces is visible: .*hostPID: true" 20
tap_check "and measures" samples_reach metro 10 "\"rtt_ns\":[0-9]+}$"
tap_check "which is said once" equal "times" 1 "$(log_count metro 'WARNING containers')"
stop_background metro
tap_done
