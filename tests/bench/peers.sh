#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Part f: live traffic between two hosts, with bpf-metro, and with those of its peers that are installed.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/common.sh
export METRO_TMP METRO_CLIENT_IF METRO_CLIENT_NS METRO_SERVER_V4 METRO_SERVER_V6

metro_setup_pair bench && start_server && start_statsd statsd in_client || exit 1
METRO_SERVER_PID=$(background_pid server) python3 tests/bench/peers.py
