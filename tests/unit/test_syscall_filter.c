/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a process cannot do under each filter, tried by one; and what it still can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "array.h"
#include "syscall_filter.h"

/* ---- what is tried: each returns what system calls do ---- */

static long try_execve(void)
{
	char *const argv[] = {"true", NULL};

	return execve("/bin/true", argv, NULL);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_mount(void)
{
	return mount("none", "/nowhere", "tmpfs", 0, NULL);
}

static long try_module(void)
{
	return syscall(SYS_init_module, "", 0UL, "");
}

static long try_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static long try_other_namespace(void)
{
	return setns(-1, 0);
}

static long try_root(void)
{
	return chroot("/");
}

static long try_memory_of_others(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0UL, NULL, 0UL, 0UL);
}

static long try_fork(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	return child;
}

static long try_new_thread_call(void)
{
	return syscall(SYS_clone3, NULL, 0UL);
}

static long try_unknown(void)
{
	return syscall(100000); /* one that a later kernel has */
}

static long try_setuid(void)
{
	return setuid(0);
}

static long try_kill(void)
{
	return kill(getppid(), 0);
}

static long try_raw_socket(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
}

static long try_odd_socket(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long try_typing(void)
{
	return ioctl(STDERR_FILENO, TIOCSTI, "x");
}

/* Is it a terminal? The kernel says so, or that it is none. */
static long try_terminal(void)
{
	char settings[64];

	return ioctl(STDERR_FILENO, 0x802c542a /* TCGETS2 */, settings) && errno == ENOSYS ? -1 : 0;
}

static long try_writable_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED
		       ? -1
		       : 0;
}

static long try_open(void)
{
	return open("/dev/null", O_RDONLY);
}

static long try_create(void)
{
	return open("/tmp/metro-must-not-be", O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static long try_rename(void)
{
	return rename("/nowhere", "/nowhere-else");
}

static long try_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static long try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long try_unix(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

/* Fails by itself, with EINVAL or EPERM. */
static long try_bpf(void)
{
	union bpf_attr attr = {};

	syscall(SYS_bpf, -1, &attr, sizeof(attr));
	return errno == ENOSYS ? -1 : 0;
}

static long try_forbidden_bpf(void)
{
	union bpf_attr attr = {.map_fd = (__u32)-1};

	syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr));
	return errno == EPERM ? -1 : 0;
}

static void *idle(void *arg)
{
	return arg;
}

static long try_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, idle, NULL) || pthread_join(thread, NULL) ? -1 : 0;
}

/* With the C library's modules, which it loads now. */
static long try_names(void)
{
	struct addrinfo *list;
	int err = getaddrinfo("localhost", "80", NULL, &list);

	if (!err)
		freeaddrinfo(list);
	return err;
}

static long try_memory(void)
{
	char *bytes =
		mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return bytes == MAP_FAILED ? -1 : munmap(bytes, 1 << 20);
}

static long try_writing(void)
{
	return write(STDERR_FILENO, "", 0);
}

static long try_abort(void)
{
	abort();
}

/* ---- what comes of it ---- */

enum fate {
	WORKS,
	FAILS,
	DIES,   /* by SIGSYS */
	ABORTS, /* by SIGABRT, as it should */
};

struct attempt {
	const char *what;
	long (*act)(void);
	enum fate fate;
};

enum { UNFILTERED = 3 };

static enum fate fate_of(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return DIES;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
		return ABORTS;
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == UNFILTERED) {
		print_message("# system calls cannot be filtered here\n");
		skip();
	}
	return WEXITSTATUS(status) ? FAILS : WORKS;
}

static enum fate attempt(const enum syscall_filter *filters, size_t count, long (*act)(void))
{
	pid_t child = fork();
	int status;

	assert_return_code(child, errno);
	if (!child) {
		signal(SIGABRT, SIG_DFL);
		for (size_t i = 0; i < count; i++)
			if (syscall_filter_load(filters[i]))
				_exit(UNFILTERED);
		_exit(act() < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return fate_of(status);
}

static void attempt_all(const enum syscall_filter *filters, size_t filters_count,
			const struct attempt *attempts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum fate fate = attempt(filters, filters_count, attempts[i].act);

		if (fate != attempts[i].fate)
			fail_msg("%s: %d, not %d", attempts[i].what, fate, attempts[i].fate);
	}
}

#define ATTEMPT_ALL(attempts, ...)                                                                 \
	do {                                                                                       \
		const enum syscall_filter filters[] = {__VA_ARGS__};                               \
		attempt_all(filters, ARRAY_SIZE(filters), attempts, ARRAY_SIZE(attempts));         \
	} while (0)

/* Under every filter. */
static const struct attempt attacks[] = {
	{"execve", try_execve, DIES},
	{"ptrace", try_ptrace, DIES},
	{"mount", try_mount, DIES},
	{"init_module", try_module, DIES},
	{"unshare", try_namespace, DIES},
	{"setns", try_other_namespace, DIES},
	{"chroot", try_root, DIES},
	{"process_vm_readv", try_memory_of_others, DIES},
	{"fork", try_fork, FAILS},
	{"clone3", try_new_thread_call, FAILS},
	{"a system call of the future", try_unknown, FAILS},
	{"setuid", try_setuid, FAILS},
	{"kill", try_kill, FAILS},
	{"a raw socket", try_raw_socket, FAILS},
	{"a socket of another kind", try_odd_socket, FAILS},
	{"TIOCSTI", try_typing, FAILS},
	{"memory to be written and run", try_writable_code, FAILS},
	{"TCGETS2", try_terminal, WORKS},
	{"memory", try_memory, WORKS},
	{"write", try_writing, WORKS},
	{"abort", try_abort, ABORTS},
};

static void test_attacks(void **state)
{
	(void)state;
	ATTEMPT_ALL(attacks, FILTER_DAEMON);
	ATTEMPT_ALL(attacks, FILTER_DAEMON, FILTER_NO_BPF);
	ATTEMPT_ALL(attacks, FILTER_OFFLINE);
}

/* Without a filter, what dies above does not. */
static void test_without(void **state)
{
	const struct attempt harmless[] = {
		{"setns", try_other_namespace, FAILS},
		{"chroot", try_root, geteuid() ? FAILS : WORKS},
		{"fork", try_fork, WORKS},
		{"kill", try_kill, WORKS},
		{"memory to be written and run", try_writable_code, WORKS},
		{"open", try_open, WORKS},
	};

	(void)state;
	attempt_all(NULL, 0, harmless, ARRAY_SIZE(harmless));
}

static void test_daemon(void **state)
{
	static const struct attempt attempts[] = {
		{"open", try_open, WORKS},       {"a socket", try_socket, WORKS},
		{"netlink", try_netlink, WORKS}, {"a Unix socket", try_unix, WORKS},
		{"bpf", try_bpf, WORKS},         {"a thread", try_thread, WORKS},
		{"names", try_names, WORKS},
	};

	(void)state;
	ATTEMPT_ALL(attempts, FILTER_DAEMON);
}

static void test_no_bpf(void **state)
{
	static const struct attempt attempts[] = {
		{"open", try_open, WORKS},
		{"bpf", try_forbidden_bpf, FAILS},
		{"a thread", try_thread, WORKS},
		{"names", try_names, WORKS},
	};

	(void)state;
	ATTEMPT_ALL(attempts, FILTER_DAEMON, FILTER_NO_BPF);
}

static void test_offline(void **state)
{
	static const struct attempt attempts[] = {
		{"open", try_open, FAILS},         {"create", try_create, FAILS},
		{"rename", try_rename, FAILS},     {"a socket", try_socket, FAILS},
		{"netlink", try_netlink, FAILS},   {"a Unix socket", try_unix, FAILS},
		{"bpf", try_forbidden_bpf, WORKS}, /* fails by ENOSYS */
		{"a thread", try_thread, FAILS},
	};

	(void)state;
	ATTEMPT_ALL(attempts, FILTER_OFFLINE);
}

/* ---- terminals ---- */

static long try_modes(void)
{
	struct termios modes;
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	return fd < 0 || tcgetattr(fd, &modes) ? -1 : tcsetattr(fd, TCSADRAIN, &modes);
}

static void test_screen(void **state)
{
	static const struct attempt modes[] = {{"a terminal's modes", try_modes, WORKS}};
	static const struct attempt no_modes[] = {{"a terminal's modes", try_modes, FAILS}};

	(void)state;
	ATTEMPT_ALL(attacks, FILTER_SCREEN);
	ATTEMPT_ALL(modes, FILTER_SCREEN);
	ATTEMPT_ALL(no_modes, FILTER_DAEMON);
}

/* ---- threads that were there before ---- */

static int to_thread[2];

static void *open_later(void *arg)
{
	char byte;

	(void)arg;
	if (read(to_thread[0], &byte, 1) != 1)
		return NULL;
	return try_open() < 0 ? arg : NULL;
}

static long try_in_thread(void)
{
	pthread_t thread;
	void *result = NULL;

	if (pipe(to_thread) || pthread_create(&thread, NULL, open_later, to_thread))
		return -1;
	if (syscall_filter_load(FILTER_OFFLINE))
		_exit(UNFILTERED);
	if (write(to_thread[1], "", 1) != 1 || pthread_join(thread, &result))
		return -1;
	return result ? 0 : -1;
}

static void test_threads(void **state)
{
	(void)state;
	assert_int_equal(attempt(NULL, 0, try_in_thread), WORKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attacks), cmocka_unit_test(test_without),
		cmocka_unit_test(test_daemon),  cmocka_unit_test(test_no_bpf),
		cmocka_unit_test(test_offline), cmocka_unit_test(test_screen),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("syscall_filter", tests, NULL, NULL);
}
