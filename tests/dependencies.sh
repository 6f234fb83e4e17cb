#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What packaging/deps.sh says where everything is missing but make: in the words of each distribution,
# which made-up os-release files stand for.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib.sh

export OS_RELEASE=$METRO_TMP/os-release

# A compiler that has no header and no library, and says that it is for this machine.
# shellcheck disable=SC2016 # for the script itself
printf '#!/bin/sh\n[ "$1" = --version ] || [ "$1" = -dumpmachine ] && exec cc "$@"\nexit 1\n' \
  >"$METRO_TMP/bare-cc"
chmod 755 "$METRO_TMP/bare-cc"

# says OS-RELEASE EXPECTED: that line, and fails.
says() {
  local said
  printf '%b\n' "$1" >"$OS_RELEASE"
  said=$(CC=$METRO_TMP/bare-cc CLANG=cc BPFTOOL='' CFLAGS='' CPPFLAGS='' LDFLAGS='' packaging/deps.sh build 2>&1) && return 1
  echo "$said"
  [ "$(tail -n 1 <<<"$said")" = "    $2" ]
}

rpm='glibc-devel libbpf-devel'
fedora="sudo dnf install bpftool elfutils-libelf-devel $rpm libmicrohttpd-devel libpcap-devel libseccomp-devel libyaml-devel ncurses-devel uthash-devel zlib-devel"
opensuse="sudo zypper install bpftool $rpm libelf-devel libmicrohttpd-devel libpcap-devel libseccomp-devel libyaml-devel ncurses-devel uthash-devel zlib-devel"
arch='sudo pacman -S --needed bpf glibc libbpf libelf libmicrohttpd libpcap libseccomp libyaml ncurses uthash zlib'
debian='libc6-dev libbpf-dev libelf-dev zlib1g-dev libyaml-dev libpcap-dev libseccomp-dev libmicrohttpd-dev libncurses-dev uthash-dev'

tap_check "Fedora" says 'NAME="Fedora Linux"\nID=fedora' "$fedora"
tap_check "what is like RHEL" says 'ID="rocky"\nID_LIKE="rhel centos fedora"' "$fedora"
tap_check "openSUSE" says 'ID="opensuse-leap"\nID_LIKE="suse opensuse"' "$opensuse"
tap_check "SLES" says 'ID="sles"\nID_LIKE="suse"' "$opensuse"
tap_check "Arch" says 'ID=arch' "$arch"
tap_check "what is like Arch" says "ID=manjaro\nID_LIKE='arch'" "$arch"
tap_check "one that nobody knows has Debian's names" says 'ID=unheard-of' "$debian bpftool"

# What apt knows under Ubuntu, which has bpftool in linux-tools until 24.04.
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "bpftool:\n  Installed: (none)\n  Candidate: $CANDIDATE"\n' >"$METRO_TMP/apt-cache"
chmod 755 "$METRO_TMP/apt-cache"
export CANDIDATE PATH=$METRO_TMP:$PATH
apt='sudo apt-get install --no-install-recommends'
CANDIDATE=7.1
tap_check "Debian" says 'ID=debian' "$apt $debian bpftool"
tap_check "an Ubuntu with a package bpftool" says 'ID=ubuntu\nID_LIKE=debian' "$apt $debian bpftool"
CANDIDATE='(none)'
tap_check "an Ubuntu without" says 'ID=ubuntu\nID_LIKE=debian' "$apt $debian linux-tools-generic linux-tools-common"
tap_check "what is like Ubuntu" says 'ID=linuxmint\nID_LIKE="ubuntu debian"' \
  "$apt $debian linux-tools-generic linux-tools-common"
tap_done
