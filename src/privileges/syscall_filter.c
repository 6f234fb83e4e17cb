/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lists were measured: strace over all end-to-end tests, with both backends, name lookups
 * through NSS modules, rotation, reloads, memory limits. Beside each call stand its relatives,
 * which another C library or processor has in its place. A name that libseccomp or the processor
 * does not know is left out.
 */
#include "syscall_filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "array.h"

/* ---- the lists ---- */

/* What is open is read and written; memory, time, threads' locks, signals, and an end. */
static const char basic[] =
	"read readv pread64 write writev pwrite64 pwritev2 close lseek _llseek fstat fstat64 "
	"newfstatat fstatat64 statx fcntl fcntl64 poll ppoll ppoll_time64 brk munmap "
	"mremap madvise futex futex_time64 futex_wait futex_wake futex_waitv "
	"futex_requeue set_robust_list rseq membarrier sched_yield sched_getaffinity "
	"getcpu rt_sigaction rt_sigprocmask rt_sigpending rt_sigreturn rt_sigtimedwait "
	"rt_sigtimedwait_time64 sigaltstack restart_syscall signalfd signalfd4 "
	"clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep "
	"clock_nanosleep_time64 nanosleep gettimeofday time getrandom getpid gettid "
	"getppid getuid geteuid getgid getegid getresuid getresgid sysinfo uname "
	"getrusage exit exit_group";

static const char daemon_calls[] =
	/* files: log and its rotation, configuration, captures, /proc, /sys, NSS and its modules */
	"open openat openat2 stat stat64 lstat lstat64 access faccessat faccessat2 "
	"readlink readlinkat getcwd getdents getdents64 statfs statfs64 fstatfs "
	"fstatfs64 mkdir mkdirat rename renameat renameat2 unlink unlinkat chmod fchmod "
	"fchmodat fchmodat2 umask fsync fdatasync ftruncate ftruncate64 flock fadvise64 "
	"fadvise64_64 dup dup2 dup3 pipe pipe2 close_range preadv preadv2 "
	"pidfd_open inotify_init1 inotify_add_watch inotify_rm_watch memfd_create "
	/* the loop */
	"epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 "
	"eventfd eventfd2 timerfd_create timerfd_settime timerfd_settime64 "
	"timerfd_gettime timerfd_gettime64 select _newselect pselect6 pselect6_time64 "
	/* sockets: netlink, packets, StatsD, name servers; and who asks for health */
	"socketpair connect bind listen accept accept4 getsockname getpeername "
	"getsockopt setsockopt shutdown send sendto sendmsg sendmmsg recv recvfrom "
	"recvmsg recvmmsg recvmmsg_time64 "
	/* BPF, where capabilities allow it */
	"bpf "
	/* itself: threads, limits, and giving up more */
	"set_tid_address prlimit64 getrlimit ugetrlimit setrlimit getgroups getgroups32 "
	"prctl capget capset seccomp arch_prctl times";

/* Nothing of ours, no C library and no NSS module has a use for these. */
static const char deadly[] =
	"execve execveat ptrace process_vm_readv process_vm_writev init_module "
	"finit_module delete_module kexec_load kexec_file_load reboot mount umount "
	"umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick "
	"mount_setattr setns unshare open_by_handle_at swapon swapoff iopl ioperm";

/* ---- rules ---- */

static int add(scmp_filter_ctx filter, __u32 action, const char *name, unsigned int count,
	       const struct scmp_arg_cmp *conditions)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(filter, action, number, count, conditions);
}

/* Of a list of names with spaces between. */
static int add_all(scmp_filter_ctx filter, __u32 action, const char *names)
{
	char name[32];
	int err = 0;

	for (size_t length; *names && !err; names += length + (names[length] == ' ')) {
		length = strcspn(names, " ");
		snprintf(name, sizeof(name), "%.*s", (int)length, names);
		err = add(filter, action, name, 0, NULL);
	}
	return err;
}

/* Allows the call if these bits of an argument are just so. */
static int allow_if(scmp_filter_ctx filter, const char *name, unsigned int argument, __u64 mask,
		    __u64 bits)
{
	const struct scmp_arg_cmp condition = SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, bits);

	return add(filter, SCMP_ACT_ALLOW, name, 1, &condition);
}

#define WHOLE 0xffffffffULL

/* Not writable and executable at once. Executable at all: NSS modules are loaded when the first
 * name is looked up, and on arm64 mprotect(2) marks their branch targets. */
static int allow_memory(scmp_filter_ctx filter, bool modules)
{
	static const char *const names[] = {"mmap", "mmap2", "mprotect"};
	const __u64 both = PROT_WRITE | PROT_EXEC;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !err; i++) {
		err = allow_if(filter, names[i], 2, both, 0);
		if (!err)
			err = allow_if(filter, names[i], 2, both, PROT_WRITE);
		if (!err && modules)
			err = allow_if(filter, names[i], 2, both, PROT_EXEC);
	}
	return err;
}

/* Threads, in the namespaces that we are in. The flags of clone3(2) cannot be seen: it fails with
 * ENOSYS, and C libraries use clone(2) then. */
static int allow_threads(scmp_filter_ctx filter)
{
	const __u64 namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
				 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
#ifdef __s390x__
	const unsigned int flags = 1;
#else
	const unsigned int flags = 0;
#endif

	return allow_if(filter, "clone", flags, CLONE_THREAD | namespaces, CLONE_THREAD);
}

/* Raw sockets are for packets alone: nothing that we send is forged. */
static int allow_sockets(scmp_filter_ctx filter)
{
	static const int any[] = {AF_UNIX, AF_NETLINK, AF_PACKET}, internet[] = {AF_INET, AF_INET6};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(any) && !err; i++)
		err = allow_if(filter, "socket", 0, WHOLE, (__u64)any[i]);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(internet) && !err; i++) {
		const struct scmp_arg_cmp conditions[] = {
			SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, WHOLE, (__u64)internet[i / 2]),
			SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, 0xf, i % 2 ? SOCK_STREAM : SOCK_DGRAM),
		};

		err = add(filter, SCMP_ACT_ALLOW, "socket", ARRAY_SIZE(conditions), conditions);
	}
	return err;
}

/* Of terminals, what they are: never TIOCSTI, which types into the shell that started us. And what
 * sockets are asked about interfaces. */
static int allow_requests(scmp_filter_ctx filter, bool sockets)
{
	static const unsigned int asked[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(asked) && !err; i++)
		err = allow_if(filter, "ioctl", 1, WHOLE, asked[i]);
	/* TCGETS2, by which isatty(3) asks from glibc 2.42 on: its size differs by processor. */
	if (!err)
		err = allow_if(filter, "ioctl", 1, 0xc000ffff, 0x8000542a);
	if (!err && sockets)
		err = allow_if(filter, "ioctl", 1, WHOLE & ~0xffULL, 0x8900); /* SIOC.. */
	return err;
}

/* For abort(3), and so to ourselves alone. */
static int allow_abort(scmp_filter_ctx filter)
{
	return allow_if(filter, "tgkill", 0, WHOLE, (__u64)getpid());
}

/* ---- filters ---- */

static int fill_offline(scmp_filter_ctx filter)
{
	int err = add_all(filter, SCMP_ACT_ALLOW, basic);

	if (!err)
		err = add_all(filter, SCMP_ACT_KILL_PROCESS, deadly);
	if (!err)
		err = allow_memory(filter, false);
	if (!err)
		err = allow_requests(filter, false);
	return err ? err : allow_abort(filter);
}

static int fill_daemon(scmp_filter_ctx filter)
{
	int err = add_all(filter, SCMP_ACT_ALLOW, basic);

	if (!err)
		err = add_all(filter, SCMP_ACT_ALLOW, daemon_calls);
	if (!err)
		err = add_all(filter, SCMP_ACT_KILL_PROCESS, deadly);
	if (!err)
		err = allow_memory(filter, true);
	if (!err)
		err = allow_threads(filter);
	if (!err)
		err = allow_sockets(filter);
	if (!err)
		err = allow_requests(filter, true);
	return err ? err : allow_abort(filter);
}

/* TCSETS2 and its like, which newer C libraries use; <asm/termbits.h>, which has them, and
 * <termios.h> do not go together. */
#define TCSETS2_  0x402c542bULL
#define TCSETSW2_ 0x402c542cULL
#define TCSETSF2_ 0x402c542dULL

static int allow_modes(scmp_filter_ctx filter)
{
	static const __u64 modes[] = {TCSETS, TCSETSW, TCSETSF, TCSETS2_, TCSETSW2_, TCSETSF2_};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(modes) && !err; i++)
		err = allow_if(filter, "ioctl", 1, WHOLE, modes[i]);
	return err;
}

static int fill(scmp_filter_ctx filter, enum syscall_filter which)
{
	int err;

	switch (which) {
	case FILTER_DAEMON:
		return fill_daemon(filter);
	case FILTER_SCREEN:
		err = fill_daemon(filter);
		return err ? err : allow_modes(filter);
	case FILTER_NO_BPF:
		return add(filter, SCMP_ACT_ERRNO(EPERM), "bpf", 0, NULL);
	case FILTER_OFFLINE:
		return fill_offline(filter);
	case FILTER_OFFLINE_SCREEN:
		err = fill_offline(filter);
		return err ? err : allow_modes(filter);
	}
	return -EINVAL;
}

/* Before Linux 5.16, a filter slowed the processor down against a leak that only those have who run
 * others' code. */
static void choose_speed(scmp_filter_ctx filter)
{
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	/* A tree: kernels before 5.11 keep no results. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

int syscall_filter_load(enum syscall_filter which)
{
	scmp_filter_ctx filter =
		seccomp_init(which == FILTER_NO_BPF ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));
	int err;

	if (!filter)
		return -ENOMEM;
	choose_speed(filter);
	seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); /* the kernel's own error */
	err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = fill(filter, which);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
