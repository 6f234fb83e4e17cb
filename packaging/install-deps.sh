#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Installs what building and testing need and this machine lacks: says what, asks nothing.
set -eu

build="gcc libc6-dev make clang libbpf-dev libelf-dev zlib1g-dev libyaml-dev libpcap-dev uthash-dev"
tests="libcmocka-dev iproute2 ethtool procps libcap2-bin"

if ! command -v dpkg-query >/dev/null; then
    echo "install-deps: this is not Debian or Ubuntu; needed are the likes of: $build bpftool; for tests: $tests" >&2
    exit 0 # the build says what it cannot find
fi

installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

missing=
for package in $build $tests; do
    installed "$package" || missing="$missing $package"
done

# Debian has a package bpftool; Ubuntu had it inside linux-tools until 2025.
if ! bpftool version >/dev/null 2>&1 && ! /usr/sbin/bpftool version >/dev/null 2>&1 &&
    ! ls /usr/lib/linux-tools*/*/bpftool >/dev/null 2>&1; then
    missing="$missing bpftool"
fi

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "install-deps: missing:$missing; run 'sudo make deps'" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
echo "install-deps: installing$missing"
apt-get -qq update
case $missing in
*" bpftool"*)
    candidate=$(apt-cache policy bpftool | awk '/Candidate:/ {print $2}')
    [ -n "$candidate" ] && [ "$candidate" != "(none)" ] ||
        missing="${missing% bpftool} linux-tools-generic linux-tools-common"
    ;;
esac
# shellcheck disable=SC2086 # a list of words
apt-get -qq install -y --no-install-recommends $missing >/dev/null
