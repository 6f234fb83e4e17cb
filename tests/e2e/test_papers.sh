#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The Markdown pages: links and sections that they refer to, and tests that they name, are there.
exec python3 "$(dirname "$0")/../papers.py"
