#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Part c, and its share of e: what the daemon itself takes, by samples a second.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/common.sh
export METRO_TMP METRO_CLIENT_IF METRO_CLIENT_NS

metro_setup_pair bench && start_statsd statsd in_client || exit 1
python3 tests/bench/daemon.py
