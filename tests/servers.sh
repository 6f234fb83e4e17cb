#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# servers.sh [BUILD-DIRECTORY]: StatsD servers that others wrote, for tests/e2e/test_real_statsd.sh, and
# Prometheus, for test_openmetrics.sh and test_dashboards.sh; these skip what is not there. They go into the build
# directory, since the packages of Debian would start services. As root on Debian or Ubuntu, or with npm.
set -u
build_directory=${1:-build}

# unpack PACKAGE DIRECTORY: the package's files, into a directory of their own.
unpack() {
  local directory
  directory=$(mktemp -d)
  chmod 755 "$directory" # apt downloads as a user of its own
  (cd "$directory" && apt-get -qq -o APT::Sandbox::User=root download "$1" >/dev/null) &&
    dpkg -x "$directory"/"$1"*.deb "$2"
  rm -rf "$directory"
  [ -d "$2" ]
}

can_unpack() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

# has_package NAME: of this version of Debian or Ubuntu.
has_package() {
  apt-get -qq update && [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

statsd_of_npm() {
  command -v node >/dev/null && command -v npm >/dev/null || return
  echo "statsd: from npm, into $build_directory/node_modules"
  npm install --silent --omit=optional --no-audit --no-fund --prefix "$build_directory" \
    statsd@0.9.0 >/dev/null 2>&1
}

netdata_of_debian() {
  can_unpack && has_package netdata-core || return
  echo "netdata: from Debian, into $build_directory/netdata"
  apt-get -qq install -y --no-install-recommends \
    libjson-c5 liblz4-1 libmnl0 libnetfilter-acct1 libuv1 >/dev/null &&
    unpack netdata-core "$build_directory/netdata"
}

collectd_of_debian() {
  can_unpack && has_package collectd-core || return
  echo "collectd: from Debian, into $build_directory/collectd"
  unpack collectd-core "$build_directory/collectd"
}

prometheus_of_debian() {
  can_unpack && has_package prometheus || return
  echo "prometheus: from Debian, into $build_directory/prometheus"
  unpack prometheus "$build_directory/prometheus"
}

mkdir -p "$build_directory"
[ -d "$build_directory/node_modules/statsd" ] || [ -d "$build_directory/netdata" ] ||
  statsd_of_npm || netdata_of_debian ||
  echo "servers: neither statsd nor netdata is to be found here: their test will be skipped" >&2
[ -d "$build_directory/collectd" ] || collectd_of_debian ||
  echo "servers: collectd is not to be found here: its test will be skipped" >&2
[ -d "$build_directory/prometheus" ] || prometheus_of_debian ||
  echo "servers: prometheus is not to be found here: its tests will be skipped" >&2
exit 0
