#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The kernel's table of flows keeps its promises: none is mistaken for another, none is there twice, and no
# slot is lost. See tests/tools/slots.c.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

slots() { # WHAT
  timeout 60 "$METRO_BUILD/slots" "$1" | metro_comment
  return "${PIPESTATUS[0]}"
}

tap_check "flows of one tag are measured" slots tags
tap_check "there is room for as many as were asked for, again and again" slots full
tap_check "two CPUs make and end the same flows, and a walk drops them: no slot is lost" slots churn
tap_done
