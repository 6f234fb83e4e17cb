#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# without_bpf.sh COMMAND...: in a virtual machine, runs it where everything looks as in a kernel that was built
# without bpf(2): the call is answered with ENOSYS (38), and its sysctl is not there. The filters of packet
# sockets are left.
set -e
mount -t tmpfs none /proc/sys/kernel
exec "${BUILD:-build}/bpf_forbidden" 38 "$@"
