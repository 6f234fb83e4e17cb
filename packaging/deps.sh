#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# deps.sh [--install] TARGET...: is everything here that these targets of the Makefile need? If not,
# says what is missing, under Debian's names, and ends with status 1. With --install, as root on Debian
# or Ubuntu, installs it instead, and says what.
#
# It looks for the things themselves, not for packages: whatever brought them will do. The Makefile
# says what CC, CLANG, CPPFLAGS, CFLAGS and BPFTOOL are; an empty BPFTOOL is one that was not found.
set -u
PATH=$PATH:/usr/sbin:/sbin # where a user does not look, and tests do

install=no
[ "${1:-}" = --install ] && install=yes && shift
CC=${CC:-cc} CLANG=${CLANG:-clang} CPPFLAGS=${CPPFLAGS:-} CFLAGS=${CFLAGS:-}
missing=

# ---- what is needed ------------------------------------------------------------------------------

# need PACKAGE COMMAND...: the package is missing unless the command succeeds.
need() {
  case " $missing " in *" $1 "*) return ;; esac
  "${@:2}" >/dev/null 2>&1 || missing+="${missing:+ }$1"
}

program() {
  command -v "$1"
}

# shellcheck disable=SC2086 # lists of words
header() {
  $CC $CPPFLAGS $CFLAGS -E -xc -o /dev/null - <<<"#include <$1>"
}

# links COMPILER FUNCTION OPTION...: it has the libraries that these options bring in.
# shellcheck disable=SC2086 # a list of words
links() {
  local program status
  program=$(mktemp)
  $1 "${@:3}" -xc -o "$program" - <<<"int $2(void) { return 0; }"
  status=$?
  rm -f "$program"
  return $status
}

# compiler COMMAND: the package is named as the compiler, and cc is gcc.
compiler() {
  local name=${1#ccache }
  name=${name%% *}
  [ "$name" != cc ] || name=gcc
  # shellcheck disable=SC2086 # a list of words
  need "$name" $1 --version
}

needs_build() {
  compiler "$CC"
  compiler "$CLANG"
  need libc6-dev header stdio.h
  need make program make
  need libbpf-dev header bpf/libbpf.h
  need libelf-dev header gelf.h
  need zlib1g-dev header zlib.h
  need libyaml-dev header yaml.h
  need libpcap-dev header pcap/pcap.h
  need libseccomp-dev header seccomp.h
  need uthash-dev header uthash.h
  need bpftool [ -n "${BPFTOOL:-}" ]
}

needs_namespaces() {
  need iproute2 program ip
  need ethtool program ethtool
}

needs_demo() {
  needs_build
  needs_namespaces
}

needs_unit() {
  needs_build
  need libcmocka-dev header cmocka.h
  need python3 program python3
}

needs_check() {
  needs_unit
  needs_namespaces
  need tcpdump program tcpdump
  need procps program pgrep
  need libcap2-bin program capsh
  need util-linux program setpriv
  need strace program strace
  need runc program runc
  need crun program crun
}

needs_bench() {
  needs_build
  needs_namespaces
  need python3 program python3
  need tcpdump program tcpdump
  need procps program pgrep
}

needs_asan() {
  needs_unit
  case $CC in # gcc brings its own
    *clang*) need libclang-rt-dev links "$CC" main -fsanitize=address,undefined ;;
  esac
}

needs_fuzz() {
  needs_build
  need libclang-rt-dev links "$CLANG" LLVMFuzzerTestOneInput -fsanitize=fuzzer,address,undefined
  need python3 program python3
}

# Debian's keys let debootstrap know Debian.
needs_roots() {
  need debootstrap program debootstrap
  need debian-archive-keyring [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]
  need util-linux program unshare
}

needs_format() {
  need clang-format program clang-format
}

# ---- what to do about it -------------------------------------------------------------------------

# Debian and new Ubuntus have a package bpftool; older ones have it inside linux-tools.
name_bpftool() {
  case " $missing " in *" bpftool "*) ;; *) return ;; esac
  case $(apt-cache policy bpftool 2>/dev/null | awk '/Candidate:/ {print $2}') in
    "" | "(none)") ;;
    *) return ;;
  esac
  ! grep -q '^ID=ubuntu' /etc/os-release ||
    missing=${missing/bpftool/linux-tools-generic linux-tools-common}
}

# shellcheck disable=SC2086 # a list of words
install_missing() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update && name_bpftool
  echo "deps: installing $missing"
  apt-get -qq install -y --no-install-recommends $missing >/dev/null
}

say_missing() {
  if command -v apt-get >/dev/null; then
    name_bpftool
    echo "deps: something is missing; this installs it:"
    echo "    sudo apt-get install --no-install-recommends $missing"
  else
    echo "deps: something is missing; these are Debian's names for it:"
    echo "    $missing"
  fi >&2
  return 1
}

for target in "$@"; do
  "needs_$target"
done
[ -n "$missing" ] || exit 0
if [ $install = yes ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  install_missing
else
  say_missing
fi
