#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# roots.sh [SUITE...]: builds and tests in clean Debian roots (bookworm and trixie by default), which have
# nothing but make and what packaging/deps.sh installs. Warnings are errors. As root.
#
#   in each     gcc and clang, and all unit tests of both; not gcc in the host's own release, where `make check`
#               has that
#   in trixie   a cross compiler for arm64, and the unit tests in qemu-user; end-to-end tests, of which
#               END_TO_END names those that are run (all: every one; empty: none)
#
# It ends as tests/run.sh does: N passed, N failed, N skipped. The logs stay in build/roots/*.log, where
# what was downloaded and, after a failure, the roots stay, too.
set -u
cd "$(dirname "$0")/.." || exit 1
roots=${BUILD:-build}/roots
jobs=$(nproc)
skips_fail=${METRO_SKIPS_FAIL:-0} # but for an emulator, which has to skip some
# shellcheck source=/dev/null
host=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

# Those that what a distribution brings has a say in: libbpf, libpcap, the programs' compiler, iproute2,
# the resolver. The others test ourselves, and are run on the host.
END_TO_END=${END_TO_END-accuracy backends_agree capture_pipe fallback leftovers manual names}

passed=0 failed=0 skipped=0

# in_root SUITE COMMAND...: where the sources were copied to.
in_root() {
  # shellcheck disable=SC2016 # for the shell inside
  tests/root.sh run "$roots/root-$1" sh -c 'cd /src && exec "$@"' sh "${@:2}"
}

# installs SUITE NAME=VALUE TARGET...: what deps.sh finds missing for these targets.
installs() {
  tests/root.sh run --copy --apt "$roots/root-$1" env "$2" packaging/deps.sh --install "${@:3}"
}

prepare() { # SUITE
  tests/root.sh remove "$roots/root-$1" &&
    tests/root.sh make "$1" "$roots/root-$1" make && installs "$1" CC=cc unit || return
  [ "$1" != trixie ] || installs "$1" CC=aarch64-linux-gnu-gcc emulated # and libraries for it beside ours
}

# builds_and_tests SUITE CC EMULATOR
builds_and_tests() {
  in_root "$1" "$2" --version &&
    in_root "$1" make -j"$jobs" WERROR=1 CC="$2" BUILD="build/$2" all tools unit-tests &&
    in_root "$1" env METRO_ATTEMPTS=2 METRO_EMULATOR="$3" BUILD="build/$2" \
      METRO_SKIPS_FAIL="$([ -n "$3" ] || echo "$skips_fail")" tests/run.sh unit
}

end_to_end() { # SUITE
  installs "$1" CC=cc check &&
    in_root "$1" env METRO_ATTEMPTS=2 METRO_END_TO_END="${END_TO_END#all}" BUILD=build/clang tests/run.sh e2e
}

# part NAME COMMAND...: its output into a log.
part() {
  local log=$roots/$1.log start=$SECONDS
  "${@:2}" >"$log" 2>&1 </dev/null || echo "roots.sh: ended with status $?" >>"$log"
  echo "# $1 took $((SECONDS - start)) s" >>"$log"
}

# Compilers do not wait, and unit tests do little else, so those of all compilers go together.
try() { # SUITE
  part "$1-prepare" prepare "$1"
  [ "$1" = "$host" ] || part "$1-gcc" builds_and_tests "$1" gcc '' &
  part "$1-clang" builds_and_tests "$1" clang '' &
  [ "$1" != trixie ] || part "$1-arm64" builds_and_tests "$1" aarch64-linux-gnu-gcc qemu-aarch64 &
  wait
  [ "$1" = trixie ] || return
  [ -z "$END_TO_END" ] || part "$1-end-to-end" end_to_end "$1"
}

# tell LOG: what its end says, and all that failed.
tell() {
  local p f s
  echo "# $(basename "$1" .log): $(grep -aE '^(gcc|aarch64.*gcc|.*clang version) ' "$1" | head -n 1)"
  grep -aE '^(not ok|# .* (ran again|took))|SKIP|error:|^deps: ' "$1" | sort -u
  case $1 in *-prepare.log) grep -q '^roots.sh: ended' "$1" && tail -n 20 "$1" && failed=$((failed + 1)); return ;; esac
  read -r p f s < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$1")
  if [ -z "${p:-}" ]; then
    tail -n 20 "$1"
    p=0 f=1 s=0
  fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

if [ "$(id -u)" != 0 ]; then
  echo "ok - roots # SKIP needs root"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
[ $# -gt 0 ] || set -- bookworm trixie
mkdir -p "$roots" && rm -f "$roots"/*.log
for suite in "$@"; do
  try "$suite" &
done
wait
for log in "$roots"/*.log; do
  tell "$log"
done
[ "$failed" != 0 ] || for suite in "$@"; do
  tests/root.sh remove "$roots/root-$suite"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
