#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# install-deps.sh [BUILD-DIRECTORY]: installs what building and testing need and this machine lacks.
# It says what it installs, and asks nothing. A StatsD server for the tests goes into the build
# directory, not the system.
set -eu
build_directory=${1:-build}

build="gcc libc6-dev make clang libbpf-dev libelf-dev zlib1g-dev libyaml-dev libpcap-dev uthash-dev"
tests="libcmocka-dev tcpdump libclang-rt-dev python3 iproute2 ethtool procps libcap2-bin util-linux strace"

if ! command -v dpkg-query >/dev/null; then
    echo "install-deps: this is not Debian or Ubuntu; install the counterparts of: $build bpftool;" \
        "for tests: $tests" >&2
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

install_packages() {
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
}

# unpack PACKAGE DIRECTORY: a server's own package would start a service, so that only its files are
# taken, into the build directory.
unpack() {
    local directory
    directory=$(mktemp -d)
    chmod 755 "$directory" # apt downloads as a user of its own
    (cd "$directory" && apt-get -qq -o APT::Sandbox::User=root download "$1" >/dev/null) &&
        dpkg -x "$directory"/"$1"*.deb "$2"
    rm -rf "$directory"
    [ -d "$2" ]
}

unpack_netdata() {
    apt-get -qq update &&
        apt-get -qq install -y --no-install-recommends \
            libjson-c5 liblz4-1 libmnl0 libnetfilter-acct1 libuv1 >/dev/null &&
        unpack netdata-core "$build_directory/netdata"
}

# StatsD servers that others wrote, for one test, which is skipped without.
install_statsd() {
    [ ! -d "$build_directory/node_modules/statsd" ] && [ ! -d "$build_directory/netdata" ] || return 0
    mkdir -p "$build_directory"
    if command -v node >/dev/null && command -v npm >/dev/null; then
        echo "install-deps: statsd from npm, into $build_directory/node_modules"
        npm install --silent --omit=optional --no-audit --no-fund --prefix "$build_directory" \
            statsd@0.9.0 >/dev/null 2>&1 && return
    fi
    if [ "$(id -u)" = 0 ]; then
        echo "install-deps: netdata from Debian, into $build_directory/netdata"
        unpack_netdata && return
    fi
    echo "install-deps: cannot install a StatsD server; its test will be skipped" >&2
}

install_collectd() {
    [ ! -d "$build_directory/collectd" ] || return 0
    mkdir -p "$build_directory"
    if [ "$(id -u)" = 0 ]; then
        echo "install-deps: collectd from Debian, into $build_directory/collectd"
        apt-get -qq update && unpack collectd-core "$build_directory/collectd" && return
    fi
    echo "install-deps: cannot install collectd; its test will be skipped" >&2
}

[ -z "$missing" ] || install_packages
install_statsd
install_collectd
