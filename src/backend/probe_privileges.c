/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this process may do: does bpf() reach the kernel, and which capabilities are there. */
#include "probe_rows.h"
#include "memory_limit.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_SUCH_COMMAND 0x7fffffff /* of bpf(2) */
#define WITH_BPF        "/proc/sys/kernel/unprivileged_bpf_disabled"

/* ---- does bpf() reach the kernel? ---- */

/* Returns the errno of a call that can only fail; the kernel's own is EINVAL. */
static int call_in_vain(void)
{
	return syscall(SYS_bpf, NO_SUCH_COMMAND, NULL, 0) < 0 ? errno : 0;
}

/* A filter may end whoever calls, so a child does. Returns the errno, or -1 if it did not live to
 * tell, or -2 without a child. */
static int call_in_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -2;
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* its end is no crash */
		_exit(call_in_vain());
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct {
	bool known;
	int err; /* as call_in_child returns it */
} remembered;

void probe_remember(void)
{
	struct capability_sets held;

	capability_sets_read(&held);
	if (held.filtered)
		remembered.err = call_in_child();
	remembered.known = held.filtered;
}

/* The sysctl is there in every kernel that has bpf(), since Linux 4.4; but a mount of /proc with
 * subset=pid (systemd's ProcSubset=) hides it. */
void probe_syscall(struct probes *p, struct probe_result *result)
{
	if (access(WITH_BPF, F_OK) == 0 || (!p->held.filtered && call_in_vain() != ENOSYS))
		probe_answer(result, PROBE_YES, "this kernel has it");
	else if (p->held.filtered && access("/proc/sys/kernel", F_OK))
		probe_answer(result, PROBE_UNKNOWN, "there is no /proc/sys to look it up");
	else
		probe_answer(result, PROBE_NO, "this kernel is built without CONFIG_BPF_SYSCALL");
}

/* Before Linux 6.5, the kernel asks for the capability before it looks at the command. */
static bool kernel_refuses_first(struct probes *p)
{
	return !memory_kernel_is(6, 5) &&
	       (p->held.in_user_namespace || probe_ask(p, PROBE_CAP_BPF)->answer != PROBE_YES);
}

void probe_seccomp(struct probes *p, struct probe_result *result)
{
	int err;

	if (!p->held.filtered) {
		probe_answer(result, PROBE_YES, "there is no filter");
		return;
	}
	err = remembered.known ? remembered.err : call_in_child();
	if (err == EINVAL)
		probe_answer(result, PROBE_YES, "a filter lets it through");
	else if (err == -1)
		probe_answer(result, PROBE_NO, "a filter ends whoever calls bpf()");
	else if (err == -2)
		probe_answer(result, PROBE_UNKNOWN, "there is a filter, and no process to try it");
	else if (err == EPERM && kernel_refuses_first(p))
		probe_answer(result, PROBE_UNKNOWN,
			     "there is a filter, and without CAP_BPF one cannot tell");
	else
		probe_answer(result, PROBE_NO, "a filter answers bpf() with \"%s\"", strerror(err));
}

void probe_user_namespace(struct probes *p, struct probe_result *result)
{
	if (!p->held.in_user_namespace)
		probe_answer(result, PROBE_YES, "capabilities count for the whole host");
	else
		probe_answer(result, PROBE_NO,
			     "capabilities count for what belongs to this user "
			     "namespace, and BPF is the host's");
}

/* ---- capabilities ---- */

/* Where it is lost: what starts a program can keep it away (bounding set), or not give it. */
static void say_lost(const struct capability_sets *held, int capability,
		     struct probe_result *result)
{
	if (capability_in(held->permitted, capability))
		probe_answer(result, PROBE_NO, "permitted, but not effective");
	else if (!capability_in(held->bounding, capability))
		probe_answer(result, PROBE_NO, "not in the bounding set");
	else if (held->no_new_privs)
		probe_answer(result, PROBE_NO,
			     "not given, and no_new_privs rules out that the "
			     "program's file gives it");
	else
		probe_answer(result, PROBE_NO, "not given");
}

static void ask_capability(struct probes *p, int capability, struct probe_result *result)
{
	if (!capability_in(p->held.effective, capability))
		say_lost(&p->held, capability, result);
	else if (p->held.in_user_namespace)
		probe_answer(result, PROBE_YES, "effective, in this user namespace");
	else
		probe_answer(result, PROBE_YES, "effective");
}

/* Those that CAP_SYS_ADMIN was split into, in Linux 5.8. */
static void ask_split(struct probes *p, int capability, struct probe_result *result)
{
	if (!capability_in(p->held.effective, capability) &&
	    capability_in(p->held.effective, CAP_SYS_ADMIN))
		probe_answer(result, PROBE_YES, "CAP_SYS_ADMIN stands for it");
	else
		ask_capability(p, capability, result);
}

void probe_cap_bpf(struct probes *p, struct probe_result *result)
{
	ask_split(p, CAP_BPF, result);
}

void probe_cap_perfmon(struct probes *p, struct probe_result *result)
{
	ask_split(p, CAP_PERFMON, result);
}

void probe_cap_net_admin(struct probes *p, struct probe_result *result)
{
	ask_capability(p, CAP_NET_ADMIN, result);
}

void probe_cap_net_raw(struct probes *p, struct probe_result *result)
{
	ask_capability(p, CAP_NET_RAW, result);
}

void probe_cap_sys_admin(struct probes *p, struct probe_result *result)
{
	ask_capability(p, CAP_SYS_ADMIN, result);
}

void probe_cap_sys_ptrace(struct probes *p, struct probe_result *result)
{
	ask_capability(p, CAP_SYS_PTRACE, result);
}
