#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The first process of a virtual machine of boot.sh, from where it has its root on: mounts what a
# system has, runs the job's command, reports its status, and switches the machine off. There is
# no layer to write to over the root (overlayfs cannot open files of Linux 5.10's hostfs), so whoever
# needs files has TMPDIR.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run LANG=C.UTF-8

argument() {
  sed -n "s/.*metro\.$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

job=$(argument job)
mount -t tmpfs run /run
mkdir -p /run/netns /run/lock /run/tmp /dev/pts /dev/shm
chmod 1777 /run/tmp
ln -s /proc/self/fd /dev/fd
export TMPDIR=/run/tmp
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
# What the kernel calls for a module that it needs: those are not where the host has its own.
printf '#!/bin/sh\nexec /sbin/modprobe -d "%s" "$@"\n' "$(argument modules)" >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
/run/modprobe ipv6 # which systemd would do; nobody else asks for it before there are addresses
ip link set lo up
hostname kernel
if [ "$(argument kind)" = uml ]; then
  mkdir /run/job
  mount -t hostfs -o "$job" none /run/job
  output=/run/job/output status=/run/job/status
else
  until ls /dev/vport*p1 /dev/vport*p2; do sleep 0.1; done >/dev/null 2>&1
  output=$(echo /dev/vport*p1) status=$(echo /dev/vport*p2)
fi
setsid bash "$job/command" >"$output" 2>&1 </dev/null
echo $? >"$status"
busybox poweroff -f
