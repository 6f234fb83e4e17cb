#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Part b, and its share of e: live traffic between two hosts, with bpf-metro and without.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/common.sh
export METRO_TMP METRO_CLIENT_IF METRO_CLIENT_NS METRO_SERVER_V4 METRO_SERVER_V6

for offloads in on off; do
  switch=()
  [ $offloads = on ] || switch=(--no-offload)
  metro_setup_pair bench "${switch[@]}" && start_server && start_statsd statsd in_client || exit 1
  METRO_SERVER_PID=$(background_pid server) python3 tests/bench/live.py $offloads || exit 1
done
