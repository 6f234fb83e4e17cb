/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a command, and all that it starts, under a seccomp filter like that of a container runtime:
 *   bpf_forbidden ERRNO|kill|none COMMAND...   bpf(2) fails with this number (38, ENOSYS: as where
 *                                              there is none), ends the caller, or is let through
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned int action_of(const char *word)
{
	if (!strcmp(word, "kill"))
		return SECCOMP_RET_KILL_PROCESS;
	if (!strcmp(word, "none"))
		return SECCOMP_RET_ALLOW;
	return SECCOMP_RET_ERRNO | (unsigned int)atoi(word);
}

int main(int argc, char *argv[])
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, argc > 1 ? action_of(argv[1]) : 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	if (argc < 3) {
		fprintf(stderr, "usage: bpf_forbidden ERRNO|kill|none COMMAND...\n");
		return 2;
	}
	/* Without no_new_privs it takes CAP_SYS_ADMIN; as runtimes do it, that is tried first. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0))) {
		fprintf(stderr, "bpf_forbidden: %s\n", strerror(errno));
		return 1;
	}
	execvp(argv[2], argv + 2);
	fprintf(stderr, "bpf_forbidden: %s: %s\n", argv[2], strerror(errno));
	return 127;
}
