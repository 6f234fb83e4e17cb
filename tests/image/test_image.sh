#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The image: built by packaging/Containerfile, and run by engines that Debian has, as somebody would who trusts
# it with little: not root, a read-only file system, no capability but those that it takes. It measures real
# traffic of its host, a network namespace here, and tells its engine how it is.
#
# Everything it takes comes from Debian's mirror, into roots below build/image, which are kept.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/../e2e/common.sh"
ROOTS=$METRO_BUILD/image
IMAGE=$METRO_TMP/image.tar
ENGINE=
# shellcheck source=tests/image/engines.sh
. "$(dirname "$0")/engines.sh"

MOST_BYTES=$((12 << 20))
BPF="--cap-add BPF --cap-add PERFMON --cap-add NET_ADMIN"
ALL_FOUR=000000c000003000 # cap_net_admin, cap_net_raw, cap_perfmon, cap_bpf

cleanup() {
  trap '' INT TERM HUP
  [ -z "$ENGINE" ] || engine_stop
  metro_teardown
  wait_until 5 cgroups_gone || metro_say "cgroups are left: $CGROUP"
  metro_cleanup
}
trap cleanup EXIT

# ---- the image -----------------------------------------------------------------------------------

make_roots() {
  have_root base trixie && have_root engines trixie buildah podman docker.io docker-cli runc &&
    have_root older bookworm podman runc
}

# dpkg need not sync what is thrown away.
pack_base() {
  mkdir -p "$ROOTS/base/etc/dpkg/dpkg.cfg.d" &&
    echo force-unsafe-io >"$ROOTS/base/etc/dpkg/dpkg.cfg.d/unsafe-io" &&
    tar -C "$ROOTS/base" --one-file-system -cf "$ROOTS/engines/base.tar" .
}

build_image() {
  ENGINE=docker26
  pack_base && root_sh run --checkout --apt "$(engine_root)" tests/image/build.sh /base.tar /image.tar &&
    mv "$(engine_root)/image.tar" "$IMAGE"
  local status=$?
  ENGINE=
  return $status
}

# The layers' files, unpacked.
unpack_image() {
  local layer
  mkdir -p "$METRO_TMP/image" "$METRO_TMP/layers" && tar -C "$METRO_TMP/layers" -xf "$IMAGE" &&
    for layer in "$METRO_TMP"/layers/*.tar; do
      tar -C "$METRO_TMP/image" --xattrs --xattrs-include='*' -xpf "$layer" || return
    done
}

image_is_small() {
  holds "bytes > 0 && bytes < $MOST_BYTES" "bytes=$(du -sb "$METRO_TMP/image" | cut -f 1)"
}

# The program, its libraries, and three files that the C library reads.
nothing_else_is_in_it() {
  (cd "$METRO_TMP/image" && find . -type f -o -type l | sort) >"$METRO_TMP/files"
  equal "what is in it" "" "$(grep -vxE \
    '\./usr/sbin/bpf-metro|\./lib(64)?/.*\.so(\.[0-9]+)*|\./etc/(passwd|group|nsswitch\.conf)' "$METRO_TMP/files")"
}

capabilities_are_permitted() {
  getcap "$METRO_TMP/image/usr/sbin/bpf-metro" | grep -q 'cap_net_admin,cap_net_raw,cap_perfmon,cap_bpf=p$'
}

# ---- its life ------------------------------------------------------------------------------------

write_config() {
  cat >"$(engine_root)$PLACE/etc/bpf-metro.yaml" <<END
init_config:
  {log_to_file: false, report_interval: 1, reverse_names: false, statsd_ip: collector.example, metrics: [samples]}
instances:
  - {interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4]}
END
}

# start_image NAME HOW OPTION...: and waits until it measures so.
start_image() {
  local how=$2
  run_image "$1" --add-host collector.example:127.0.0.1 "${@:3}" &&
    soon 15 container_log_has "$1" "INFO measuring on $METRO_CLIENT_IF with $how"
}

status_is() { # PROCESS FIELD VALUE
  equal "$2" "$3" "$(awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status")"
}

process_is_confined() {
  local process
  process=$(container_process) && status_is "$process" Uid 65532 && status_is "$process" Gid 65532 &&
    status_is "$process" Seccomp 2 && status_is "$process" CapBnd $ALL_FOUR
}

arrived() {
  gauges statsd system.net.tcp.rtt.samples | awk '{ sum += $1 } END { print sum + 0 }'
}

arrived_is() {
  same_count "$(arrived)" "$1"
}

# Requests from the namespace, of which each makes a sample.
measures_traffic() {
  local before
  before=$(arrived)
  in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT --count 100 --rate 200 >/dev/null &&
    soon 10 arrived_is $((before + 100))
}

health_is() { # NAME STATUS PATTERN
  container_health "$1" >"$METRO_TMP/health"
  equal "status of --health" "$2" $? && grep -qE -e "$3" "$METRO_TMP/health" && return
  cat "$METRO_TMP/health"
  return 1
}

# The engine's own verdict: Podman leaves the timing to systemd.
engine_finds_it_well() {
  case $ENGINE in
    docker26) equal "health" healthy "$(engine inspect --format '{{.State.Health.Status}}' "$1")" ;;
    *) engine healthcheck run "$1" ;;
  esac
}

ends_well() {
  engine stop "$1" >/dev/null && equal "exit status" 0 "$(container_status "$1")"
}

says_once() { # NAME PATTERN
  container_log "$1" >"$METRO_TMP/container.log"
  equal "lines with $2" 1 "$(grep -cE -e "$2" "$METRO_TMP/container.log")"
}

# ---- what each engine has to show ----------------------------------------------------------------

# shellcheck disable=SC2086 # lists of words
measures_by_bpf() {
  start_statsd statsd
  tap_check "$ENGINE: the image starts as nobody, read-only, with four capabilities, and measures by BPF" \
    start_image whole "BPF at tcx|BPF at clsact" $BPF --cap-add NET_RAW --health-interval 1s
  tap_check "$ENGINE: it is user 65532, under the default seccomp profile, with four capabilities at most" \
    process_is_confined
  tap_check "$ENGINE: it measures its host's traffic, and finds its server by /etc/hosts" measures_traffic
  tap_check "$ENGINE: --health says that it is well" \
    soon 5 health_is whole 0 "^healthy: measuring on $METRO_CLIENT_IF with BPF.*takes metrics"
  tap_check "$ENGINE: and so does the engine" soon 10 engine_finds_it_well whole
  stop_background statsd
  in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT --rate 50 --seconds 8 >/dev/null
  tap_check "$ENGINE: without its server it is unwell" \
    soon 5 health_is whole 1 "^unhealthy: StatsD server collector.example:8125 .*takes no metrics"
  tap_check "$ENGINE: it ends well" ends_well whole
  remove_containers >/dev/null
}

# shellcheck disable=SC2086 # lists of words
runs_with_less() {
  start_statsd statsd
  tap_check "$ENGINE: with three capabilities, and no new privileges, it is BPF" \
    start_image three "BPF" $BPF --security-opt no-new-privileges
  tap_check "$ENGINE: and measures" measures_traffic
  remove_containers >/dev/null
  tap_check "$ENGINE: with CAP_NET_RAW alone it is libpcap" start_image raw "libpcap" --cap-add NET_RAW
  tap_check "$ENGINE: one line says why" says_once raw "WARNING BPF cannot be used here: .*; falling back to libpcap"
  tap_check "$ENGINE: and it measures" measures_traffic
  remove_containers >/dev/null
  run_image none >/dev/null
  tap_check "$ENGINE: without any, it ends with status 1 and what it takes" \
    eval 'soon 10 container_has_ended none && equal status 1 "$(container_status none)" &&
          says_once none "CRITICAL cannot measure: .*CAP_NET_RAW"'
  remove_containers >/dev/null
  stop_background statsd
}

# The seccomp profile of those days allows bpf() to CAP_SYS_ADMIN alone.
# shellcheck disable=SC2086 # lists of words
older_profile() {
  start_statsd statsd
  tap_check "$ENGINE: under a seccomp profile without bpf(), it is libpcap" \
    start_image older "libpcap" $BPF --cap-add NET_RAW
  tap_check "$ENGINE: one line says why" says_once older "WARNING BPF cannot be used here: .*; falling back to libpcap"
  tap_check "$ENGINE: which is seccomp" says_once older "BPF cannot be used here: .*seccomp forbids bpf"
  tap_check "$ENGINE: it measures" measures_traffic
  tap_check "$ENGINE: and says that it is well, and by what" \
    soon 5 health_is older 0 "^healthy: measuring on $METRO_CLIENT_IF with libpcap \(not BPF: "
  tap_check "$ENGINE: it ends well" ends_well older
  remove_containers >/dev/null
  stop_background statsd
}

# with_engine NAME FUNCTION...
with_engine() {
  ENGINE=$1
  shift
  if engine_start >"$METRO_TMP/start.log" 2>&1; then
    write_config
    for part in "$@"; do $part; done
  else
    tap_fail "$ENGINE: it starts" "${ENGINE_REASON:-$(tail -n 5 "$METRO_TMP/start.log")}"
  fi
  engine_stop
  ENGINE=
}

make_roots >"$METRO_TMP/roots.log" 2>&1
case $? in
  0) ;;
  77) tap_skip "the image" "$(tail -n 1 "$METRO_TMP/roots.log")" && tap_done && exit ;;
  *) cat "$METRO_TMP/roots.log" >&2 && bail_out "roots with engines" ;;
esac
build_image >"$METRO_TMP/build.log" 2>&1 || { tail -n 30 "$METRO_TMP/build.log" >&2 && bail_out "the image is built"; }
tap_ok "the image is built"
tap_check "it can be unpacked" unpack_image
tap_check "it has less than 12 MB" image_is_small
tap_check "the program, its libraries and three files are all that is in it" nothing_else_is_in_it
tap_check "its capabilities are permitted, and not effective" capabilities_are_permitted

metro_setup_pair image --delay 2 && start_server || bail_out "a host and one outside"
with_engine docker26 measures_by_bpf runs_with_less
with_engine podman5 measures_by_bpf runs_with_less
with_engine podman4 older_profile
tap_done
