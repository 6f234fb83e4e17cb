/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets of capabilities, files that are lent, and what the kernel or a container does not allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "array.h"
#include "capabilities.h"
#include "caught_log.h"
#include "emulated.h"
#include "identity.h"
#include "privileges.h"
#include "syscall_filter.h"

#define DAEMON 1 /* the user of that name, on every Linux */

/* Runs what cannot be taken back in a process of its own. */
static void in_child(void (*act)(void))
{
	pid_t child = fork();
	int status;

	assert_return_code(child, errno);
	if (!child) {
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("status %d", status);
}

/* In such a process. */
#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "# line %d: %s\n", __LINE__, #what);                       \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void needs_root(void)
{
	if (geteuid()) {
		print_message("# needs root\n");
		skip();
	}
}

/* ---- before privileges_start ---- */

static void test_nothing(void **state)
{
	const struct privileges_terms terms = {.user = "daemon"};

	(void)state;
	assert_int_equal(privileges_settle(&terms), 0);
	privileges_seal();
	privileges_keep("never", 0);
	privileges_checking();
	privileges_offline();
	privileges_offline_seal(false, false);
	privileges_shed_thread(0);
	assert_true(privileges_cover(NEED_BPF));
	assert_false(privileges_lend("/nowhere"));
	assert_string_equal(privileges_advice(-EACCES), "");
	assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

/* ---- names ---- */

static void test_text(void **state)
{
	char text[CAPABILITIES_TEXT];

	(void)state;
	assert_string_equal(capabilities_text(0, text), "none");
	assert_string_equal(capabilities_text(CAPABILITY(CAP_CHOWN), text), "CAP_CHOWN");
	assert_string_equal(capabilities_text(CAPABILITY(CAP_BPF) | CAPABILITY(CAP_NET_RAW) |
						      CAPABILITY(CAP_CHECKPOINT_RESTORE),
					      text),
			    "CAP_NET_RAW, CAP_BPF, CAP_CHECKPOINT_RESTORE");
	assert_string_equal(capabilities_text(CAPABILITY(50) | CAPABILITY(63), text), "50, 63");
	assert_true(strlen(capabilities_text(~0ULL, text)) < sizeof(text) - 1);
}

static void test_users(void **state)
{
	struct identity identity;

	(void)state;
	assert_int_equal(identity_find(&identity, "nobody-of-that-name"), -ENOENT);
	assert_int_equal(identity_find(&identity, "daemon"), 0);
	assert_int_equal(identity.uid, DAEMON);
	assert_in_range(identity.groups_count, 1, IDENTITY_GROUPS);
}

/* ---- phases ---- */

static void go_through(void)
{
	const struct privileges_terms terms = {.user = "daemon", .needs = NEED_PACKETS};
	__u64 set;

	privileges_start();
	CHECK(!privileges_settle(&terms));
	CHECK(getuid() == DAEMON && setuid(0) < 0);
	privileges_seal();
	CHECK(!capabilities_read(&set) && set == CAPABILITY(CAP_NET_RAW));
	CHECK(privileges_cover(NEED_PACKETS) && !privileges_cover(NEED_BPF));
	CHECK(strstr(privileges_advice(-EACCES), "user daemon"));
	CHECK(strstr(privileges_advice(-EPERM), "--user root"));
	CHECK(!*privileges_advice(-ENOENT) && !*privileges_advice(0));
	privileges_keep("less", 0);
	CHECK(!capabilities_read(&set) && !set);
}

static void test_phases(void **state)
{
	(void)state;
	needs_root();
	in_child(go_through);
}

static void check_only(void)
{
	__u64 set;

	privileges_start();
	privileges_checking();
	CHECK(!capabilities_read(&set));
	CHECK(set == (CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_DAC_READ_SEARCH)));
	CHECK(open("/proc/self/status", O_RDONLY) >= 0);
}

static void test_checking(void **state)
{
	(void)state;
	needs_root();
	in_child(check_only);
}

static void keep_root(void)
{
	const struct privileges_terms terms = {.user = "root", .needs = NEED_PACKETS};
	__u64 set;

	privileges_start();
	CHECK(!privileges_settle(&terms));
	privileges_seal();
	CHECK(!capabilities_read(&set) && (set & CAPABILITY(CAP_DAC_OVERRIDE)));
	CHECK(!(set & CAPABILITY(CAP_SETUID)) && !*privileges_advice(-EACCES));
}

static void test_root(void **state)
{
	(void)state;
	needs_root();
	in_child(keep_root);
}

static void ask_without_root(void)
{
	const struct privileges_terms terms = {.user = "daemon"};

	CHECK(!setresuid(2, 2, 2));
	privileges_start();
	CHECK(privileges_settle(&terms) == -EPERM);
}

static void test_no_root(void **state)
{
	(void)state;
	needs_root();
	in_child(ask_without_root);
}

/* ---- files ---- */

static char roots[64], theirs[64], below[64], behind[64];

/* A file that root alone may read, in a directory of root's and in one of the user's. */
static void try_files(void)
{
	const struct privileges_terms terms = {.user = "daemon", .needs = NEED_PACKETS};

	privileges_start();
	CHECK(!privileges_settle(&terms));
	CHECK(open(roots, O_RDONLY) < 0 && errno == EACCES);
	CHECK(privileges_lend(roots));
	CHECK(open(roots, O_RDONLY) >= 0);
	privileges_return();
	CHECK(open(roots, O_RDONLY) < 0 && errno == EACCES);
	CHECK(!privileges_lend(theirs));
	CHECK(!privileges_lend(below) && !privileges_lend(behind));
	CHECK(open(theirs, O_RDONLY) < 0 && errno == EACCES);
	privileges_seal();
	CHECK(!privileges_lend(roots));
}

static void make_file(char path[64], uid_t owner)
{
	char directory[64] = "/tmp/metro-privileges-XXXXXX";

	assert_non_null(mkdtemp(directory));
	assert_int_equal(chmod(directory, 0711), 0);
	assert_int_equal(chown(directory, owner, 0), 0);
	snprintf(path, 64, "%.50s/file", directory);
	assert_return_code(close(open(path, O_CREAT | O_WRONLY, 0600)), errno);
}

static void remove_file(char *path)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

/* A directory of root's in one of the user's, who can put a link in its place; and root's own way
 * to there. */
static void make_ways(void)
{
	char directory[64];

	snprintf(directory, sizeof(directory), "%.40s.d", theirs);
	assert_int_equal(mkdir(directory, 0711), 0);
	snprintf(below, sizeof(below), "%.50s/file", directory);
	snprintf(behind, sizeof(behind), "%.40s.link", roots);
	assert_int_equal(symlink(directory, behind), 0);
	strcat(behind, "/file");
}

static void remove_ways(void)
{
	*strrchr(below, '/') = '\0';
	*strrchr(behind, '/') = '\0';
	rmdir(below);
	unlink(behind);
}

static void test_files(void **state)
{
	(void)state;
	needs_root();
	make_file(roots, 0);
	make_file(theirs, DAEMON);
	make_ways();
	in_child(try_files);
	remove_ways();
	remove_file(roots);
	remove_file(theirs);
}

/* ---- where filters are forbidden ---- */

/* As old container engines do. */
static void forbid_filters(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}

static void go_on_without(void)
{
	const struct privileges_terms terms = {.needs = NEED_PACKETS};

	privileges_start();
	CHECK(!privileges_settle(&terms));
	forbid_filters();
	CHECK(syscall_filter_load(FILTER_DAEMON) < 0);
	log_set_level(LEVEL_DEBUG);
	privileges_seal();
	CHECK(count_of(capture_read(&capture), "DEBUG system calls are not filtered here: ") == 1);
	CHECK(count_of(capture_read(&capture), "WARNING") == 0);
	CHECK(open("/dev/null", O_RDONLY) >= 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void test_forbidden(void **state)
{
	(void)state;
	skip_emulated("the filter would be the emulator's own");
	in_child(go_on_without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_checking),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_no_root),
		cmocka_unit_test(test_files),
		cmocka_unit_test_setup_teardown(test_forbidden, catch_log, release_log),
	};

	return cmocka_run_group_tests_name("privileges", tests, NULL, NULL);
}
