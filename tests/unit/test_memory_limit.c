/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The memory limit, found in files like those of containers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory_limit.h"

#define MIB         (1024ull * 1024)
#define NO_LIMIT_V1 "9223372036854771712"

static char directory[32], cgroup[64], mountinfo[64];
static const struct memory_limit_paths paths = {cgroup, mountinfo};
static struct memory_limit limit;

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/metro-memory-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(cgroup, sizeof(cgroup), "%s/cgroup", directory);
	snprintf(mountinfo, sizeof(mountinfo), "%s/mountinfo", directory);
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

/* A file of a group below the directory, which is made. */
static void group_file(const char *group, const char *name, const char *text)
{
	char path[256], command[300];

	snprintf(command, sizeof(command), "mkdir -p %s/mount%s", directory, group);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/mount%s/%s", directory, group, name);
	write_file(path, text);
}

/* The files of a process: its groups, and one mount among others. */
static void process(const char *groups, const char *root, const char *filesystem)
{
	char text[1024];

	write_file(cgroup, groups);
	snprintf(text, sizeof(text),
		 "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		 "bad line\n"
		 "23 22 0:20 / /elsewhere rw - %s\n"
		 "30 22 0:26 %s %s/mount rw,nosuid shared:9 master:2 - %s\n",
		 strncmp(filesystem, "cgroup2", 7) ? "cgroup cgroup rw,cpu,memory_of_others"
						   : "cgroup cgroup rw,memory",
		 root, directory, filesystem);
	write_file(mountinfo, text);
}

static void assert_limit(__u64 bytes, const char *source)
{
	memory_limit_read(&limit, &paths);
	assert_true(limit.bytes == bytes);
	assert_string_equal(limit.source, source);
}

#define V2 "cgroup2 cgroup2 rw,nsdelegate"
#define V1 "cgroup cgroup rw,memory"

static void test_own_group(void **state)
{
	(void)state;
	process("0::/system.slice/metro.service\n", "/", V2);
	group_file("/system.slice", "memory.max", "max\n");
	group_file("/system.slice/metro.service", "memory.max", "25165824\n");
	assert_limit(24 * MIB, "memory.max of /system.slice/metro.service");
}

static void test_the_lowest_of_all_around(void **state)
{
	(void)state;
	process("0::/a/b/c\n", "/", V2);
	group_file("/a/b/c", "memory.max", "67108864\n");
	group_file("/a/b", "memory.max", "33554432\n");
	group_file("/a", "memory.max", "50331648\n");
	assert_limit(32 * MIB, "memory.max of /a/b");
	group_file("/a/b", "memory.max", "max\n");
	assert_limit(48 * MIB, "memory.max of /a");
}

static void test_no_limit(void **state)
{
	(void)state;
	process("0::/a\n", "/", V2);
	group_file("/a", "memory.max", "max\n");
	assert_limit(MEMORY_UNLIMITED, "");
	group_file("/a", "memory.max", "");
	assert_limit(MEMORY_UNLIMITED, "");
}

/* With a namespace, what a container sees as / is its own group. */
static void test_namespace(void **state)
{
	(void)state;
	process("0::/\n", "/", V2);
	group_file("", "memory.max", "16777216\n");
	assert_limit(16 * MIB, "memory.max");
	process("0::/../../other\n", "/", V2);
	assert_limit(16 * MIB, "memory.max");
}

static void test_v1(void **state)
{
	(void)state;
	process("9:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/y\n", "/", V1);
	group_file("", "memory.limit_in_bytes", NO_LIMIT_V1 "\n");
	group_file("/docker", "memory.limit_in_bytes", NO_LIMIT_V1 "\n");
	assert_limit(MEMORY_UNLIMITED, "");
	group_file("/docker/1", "memory.limit_in_bytes", "16777216\n");
	assert_limit(16 * MIB, "memory.limit_in_bytes of /docker/1");
}

/* Docker without a namespace mounts the container's group in place of the whole. */
static void test_v1_mounted_root(void **state)
{
	(void)state;
	process("4:hugetlb,memory:/docker/1\n", "/docker/1", V1);
	group_file("", "memory.limit_in_bytes", "16777216\n");
	assert_limit(16 * MIB, "memory.limit_in_bytes");
	process("4:memory:/docker/1/below\n", "/docker/1", V1);
	group_file("/below", "memory.limit_in_bytes", "8388608\n");
	assert_limit(8 * MIB, "memory.limit_in_bytes of /below");
	process("4:memory:/docker/11\n", "/docker/1", V1);
	assert_limit(16 * MIB, "memory.limit_in_bytes");
}

/* The unified hierarchy has no memory controller where v1 has it, and other names are not its. */
static void test_controllers(void **state)
{
	(void)state;
	process("3:memory_of_others:/z\n0::/a\n", "/", V2);
	group_file("/a", "memory.max", "16777216\n");
	assert_limit(16 * MIB, "memory.max of /a");
}

static void test_nothing_to_read(void **state)
{
	(void)state;
	assert_limit(MEMORY_UNLIMITED, "");
	write_file(cgroup, "0::/a\n");
	assert_limit(MEMORY_UNLIMITED, "");
	write_file(mountinfo, "1 2 3:4 / -\n - \n - cgroup2\n1 2 3:4 / /x rw - cgroup2\n");
	assert_limit(MEMORY_UNLIMITED, "");
	write_file(cgroup, "\n:\n0:\n0::\nmemory\n1:memory\n");
	assert_limit(MEMORY_UNLIMITED, "");
}

static void test_long_names_are_cut(void **state)
{
	char name[200], line[256];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	snprintf(line, sizeof(line), "0::%s\n", name);
	process(line, "/", V2);
	group_file(name, "memory.max", "4096\n");
	memory_limit_read(&limit, &paths);
	assert_true(limit.bytes == 4096);
	assert_int_equal(strlen(limit.source), MEMORY_SOURCE - 1);
}

static void drop_resource(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* In a process of its own, whose limits change. */
static void locked_in_child(void)
{
	const struct rlimit small = {65536, 65536};

	if (setrlimit(RLIMIT_MEMLOCK, &small))
		_exit(1);
	drop_resource();
	memory_limit_of_locked(&limit);
	_exit(limit.bytes == 65536 && !strcmp(limit.source, "RLIMIT_MEMLOCK") ? 0 : 2);
}

static void test_locked(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (!child)
		locked_in_child();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_kernel(void **state)
{
	(void)state;
	assert_true(memory_kernel_is(4, 0));
	assert_false(memory_kernel_is(999, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own_group),
		TEST(test_the_lowest_of_all_around),
		TEST(test_no_limit),
		TEST(test_namespace),
		TEST(test_v1),
		TEST(test_v1_mounted_root),
		TEST(test_controllers),
		TEST(test_nothing_to_read),
		TEST(test_long_names_are_cut),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
