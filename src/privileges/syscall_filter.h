/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Filters of system calls (seccomp): what a part of the program's life needs, and nothing else. */
#ifndef METRO_SYSCALL_FILTER_H
#define METRO_SYSCALL_FILTER_H

enum syscall_filter {
	FILTER_DAEMON,         /* all that a daemon's threads do */
	FILTER_NO_BPF,         /* on top of that: bpf(2) is over */
	FILTER_SCREEN,         /* the daemon's, and the modes of a terminal */
	FILTER_OFFLINE,        /* reading and writing what is open, and memory */
	FILTER_OFFLINE_SCREEN, /* that, and the modes of a terminal */
};

/*
 * Puts a filter in force for all threads and for good, beside those that are; no_new_privs, too.
 * What can only be an attack ends the process (SIGSYS). Anything else that is not allowed fails
 * with ENOSYS: a C library that tries a newer system call then does without.
 * Returns 0, or -errno: the kernel, or what we run in, does not allow it, and nothing has changed.
 */
int syscall_filter_load(enum syscall_filter filter);

#endif
