# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Runs a command in a virtual machine with a kernel of fetch.sh, on top of this host's own files:
#
#   boot_kernel KIND DIRECTORY SECONDS COMMAND...
#
# The command is run as root in the directory where we are. What it says comes out here, and its status
# is the function's; 124: not done within that time, 125: the machine did not get so far, and the
# end of its console is shown. The machine can read everything and change nothing: what it writes
# goes to its memory. QEMU emulates the processor. Whatever ends the caller ends the machine.

BOOT_MEMORY=${BOOT_MEMORY:-1024} # MB
# A /dev/kvm that opens may still run no such kernel: under PVM it hangs. So it is asked for.
BOOT_ACCEL=${BOOT_ACCEL:-tcg} # or kvm
BOOT_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Ends with the shell that started it in the background, even if that is killed.
bound() {
  exec setpriv --pdeathsig KILL "$@"
}

# boot_arguments KIND DIRECTORY: for the kernel. Without mitigations, newer ones need no CAP_PERFMON.
boot_arguments() {
  echo "quiet panic=-1 mitigations=auto metro.kind=$1 metro.job=$BOOT_JOB metro.start=$BOOT_HERE/start.sh" \
    "metro.modules=$(realpath "$2")"
}

# Debian has two of them, in different packages: the older one is QEMU's own.
boot_files() {
  local options=(--socket-path="$BOOT_JOB/files")
  if [ -x /usr/lib/qemu/virtiofsd ]; then
    bound /usr/lib/qemu/virtiofsd "${options[@]}" -o source=/ -o cache=always -o sandbox=chroot
  else
    bound /usr/libexec/virtiofsd "${options[@]}" --shared-dir / --cache always --sandbox chroot
  fi >"$BOOT_JOB/files.log" 2>&1 &
  BOOT_FILES=$!
  for _ in $(seq 100); do
    [ ! -S "$BOOT_JOB/files" ] || return 0
    sleep 0.05
  done
  cat "$BOOT_JOB/files.log"
  return 1
}

boot_qemu() { # DIRECTORY SECONDS
  # -cx16: with QEMU 7.2's own emulation of cmpxchg16b Linux 6.12 crashes now and then.
  local cpu=qemu64,-cx16
  [ "$BOOT_ACCEL" = tcg ] || cpu=host,-arch-capabilities
  boot_files || return
  bound timeout -k 5 "$2" setpriv --pdeathsig KILL \
    qemu-system-x86_64 -accel "$BOOT_ACCEL" -cpu "$cpu" -smp 2 -m "$BOOT_MEMORY" \
    -nodefaults -no-user-config -display none -no-reboot -serial "file:$BOOT_JOB/console" \
    -object "memory-backend-memfd,id=memory,size=${BOOT_MEMORY}M,share=on" -numa node,memdev=memory \
    -chardev "socket,id=files,path=$BOOT_JOB/files" -device vhost-user-fs-pci,chardev=files,tag=host \
    -device virtio-serial-pci -chardev "file,id=output,path=$BOOT_JOB/output" \
    -device virtserialport,chardev=output,nr=1 -chardev "file,id=status,path=$BOOT_JOB/status" \
    -device virtserialport,chardev=status,nr=2 -kernel "$1/vmlinuz" -initrd "$1/initramfs" \
    -append "console=ttyS0 $(boot_arguments qemu "$1")" >"$BOOT_JOB/qemu.log" 2>&1 </dev/null &
  BOOT_MACHINE=$!
}

# Its processes are processes here; those of a PID namespace end together.
boot_uml() { # DIRECTORY SECONDS
  # shellcheck disable=SC2046 # a list of words
  TMPDIR=/dev/shm bound timeout -k 5 "$2" setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc \
    "$1/linux" "mem=${BOOT_MEMORY}M" "initrd=$1/initramfs" root=/dev/ram0 con=null con0=null,fd:1 \
    "uml_dir=$BOOT_JOB/uml" $(boot_arguments uml "$1") >"$BOOT_JOB/console" 2>&1 </dev/null &
  BOOT_MACHINE=$!
}

# Ends what is left, and forgets it. Any number of times.
boot_end() {
  local pid
  for pid in $BOOT_MACHINE $BOOT_FILES; do
    kill "$pid" 2>/dev/null
  done
  # shellcheck disable=SC2086 # none, one or two
  wait $BOOT_MACHINE $BOOT_FILES 2>/dev/null
  [ -z "$BOOT_JOB" ] || rm -rf "$BOOT_JOB"
  BOOT_MACHINE='' BOOT_FILES='' BOOT_JOB=''
}
BOOT_MACHINE='' BOOT_FILES='' BOOT_JOB=''

boot_kernel() { # KIND DIRECTORY SECONDS COMMAND...
  local kind=$1 dir=$2 seconds=$3 ended status shown
  shift 3
  BOOT_JOB=$(realpath "$(mktemp -d "$dir/job.XXXXXX")") || return 125
  printf 'cd %q && exec' "$PWD" >"$BOOT_JOB/command"
  printf ' %q' "$@" >>"$BOOT_JOB/command"
  touch "$BOOT_JOB/output" "$BOOT_JOB/status" "$BOOT_JOB/console"
  "boot_$kind" "$dir" "$seconds" || { boot_end && return 125; }
  tail -n +1 -f -s 0.1 --pid="$BOOT_MACHINE" "$BOOT_JOB/output" &
  shown=$!
  wait "$BOOT_MACHINE" # and not for tail: a signal that ends us is seen at once
  ended=$?
  wait $shown
  status=$(cat "$BOOT_JOB/status")
  if [ -z "$status" ]; then
    [ $ended = 124 ] && status=124 && echo "boot.sh: not done after $seconds s" || status=125
    echo "boot.sh: the end of the console:"
    tail -n 20 "$BOOT_JOB/console" "$BOOT_JOB/qemu.log" 2>/dev/null
  fi
  boot_end
  return "$status"
}
