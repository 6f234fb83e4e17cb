/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who we are, told from an environment and from files like those of containers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "statsd_identity.h"

#define ID      "34dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define OTHER   "8c046cb0b72cd4c99f51b5591cd5b095967f58ee003710a45280c28ee1a9c7fa"
#define FARGATE "34dc0b5e626f2c5c4c5170e34b10e765-1234567890"
#define GARDEN  "34dc0b5e-626f-2c5c-4c51-70e34b10e765"

static char directory[32], cgroup[64], mountinfo[64], namespace[64], cgroup_mount[64];
static const struct statsd_container_paths paths = {cgroup, mountinfo, namespace, cgroup_mount};
static char container[STATSD_CONTAINER_MAX];

static void clear_environment(void)
{
	unsetenv("DD_ENTITY_ID");
	unsetenv("DD_ENV");
	unsetenv("DD_SERVICE");
	unsetenv("DD_VERSION");
	unsetenv("DD_ORIGIN_DETECTION_ENABLED");
}

static int setup(void **state)
{
	(void)state;
	clear_environment();
	strcpy(directory, "/tmp/metro-cgroup-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(cgroup, sizeof(cgroup), "%s/cgroup", directory);
	snprintf(mountinfo, sizeof(mountinfo), "%s/mountinfo", directory);
	snprintf(namespace, sizeof(namespace), "%s/namespace", directory);
	snprintf(cgroup_mount, sizeof(cgroup_mount), "%s/mount", directory);
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	clear_environment();
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *read_with(const char *cgroup_text, const char *mountinfo_text)
{
	write_file(cgroup, cgroup_text);
	write_file(mountinfo, mountinfo_text);
	statsd_container_read(container, &paths);
	return container;
}

static void test_cgroup_v1(void **state)
{
	static const struct {
		const char *line, *id;
	} cases[] = {
		{"1:name=systemd:/docker/" ID "\n", ID},
		{"1:name=systemd:/docker/" ID, ID},
		{"1:name=systemd:/docker/" ID ".scope\n", ID},
		{"5:cpu:/system.slice/docker-" ID ".scope\n", ID},
		{"0::/system.slice/docker-" ID ".scope\n", ID},
		{"9:cpuset:/kubepods/burstable/podfd52ef25-a87d-11e9-9423-0800271a638e/" ID "\n",
		 ID},
		{"9:cpuset:/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n", ID},
		{"11:hugetlb:/ecs/55091c13-b8cf-4801-b527-f4601742204d/" ID "\n", ID},
		{"1:name=systemd:/ecs/34dc0b5e626f2c5c4c5170e34b10e765/" FARGATE "\n", FARGATE},
		{"1:name=systemd:/garden/" GARDEN "\n", GARDEN},
		{"other_line\n2:pids:/docker/" OTHER "\n3:cpu:/docker/" ID "\n", OTHER},
		{"1:x:/nope\n2:pids:/docker/" ID "\n3:cpu:/invalid\n", ID},
		{"10:hugetlb:/kubepods\n", ""},
		{"0::/user.slice/user-1000.slice/session-2.scope\n", ""},
		{"0::/system.slice/bpf-metro.service\n", ""},
		{"0::/docker/" ID "/init\n", ""},
		{"/docker/" ID "\n", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(read_with(cases[i].line, ""), cases[i].id);
}

#define MOUNTED(path) "627 608 259:1 " path " /etc/hostname rw,relatime - ext4 /dev/root rw\n"

/* With a cgroup namespace of its own, a container sees itself at the root. */
static void test_mountinfo(void **state)
{
	static const char before[] =
		"608 554 0:42 / / rw,relatime master:289 - overlay overlay rw,lowerdir=/var/lib/"
		"docker/overlay2/l/RQH5,upperdir=/var/lib/docker/overlay2/" OTHER "/diff\n"
		"626 608 259:1 /var/lib/docker/containers/" OTHER "/resolv.conf /etc/resolv.conf "
		"rw,relatime - ext4 /dev/root rw\n";
	char text[2000];

	(void)state;
	snprintf(text, sizeof(text), "%s%s", before,
		 MOUNTED("/var/lib/docker/containers/" ID "/hostname"));
	assert_string_equal(read_with("0::/\n", text), ID);
	assert_string_equal(read_with("0::/\n", MOUNTED("/x/" OTHER "/y/" ID "/hostname")), ID);
	assert_string_equal(read_with("0::/\n", MOUNTED("/ecs/" FARGATE "/hostname")), FARGATE);
	/* That of a pod is not the container's. */
	assert_string_equal(read_with("0::/\n", MOUNTED("/io.containerd.grpc.v1.cri/sandboxes/" ID
							"/hostname")),
			    "");
	assert_string_equal(read_with("0::/\n", before), "");
	/* What the cgroup says comes first. */
	assert_string_equal(read_with("1:x:/docker/" OTHER "\n", text), OTHER);
}

static const char *inode_of(const char *path)
{
	static char text[64];
	char whole[128];
	struct stat stat_of;

	snprintf(whole, sizeof(whole), "%s%s", cgroup_mount, path);
	assert_int_equal(stat(whole, &stat_of), 0);
	snprintf(text, sizeof(text), "in-%llu", (unsigned long long)stat_of.st_ino);
	return text;
}

static void make(const char *path)
{
	char whole[128];

	snprintf(whole, sizeof(whole), "%s%s", cgroup_mount, path);
	assert_int_equal(mkdir(whole, 0755), 0);
}

static void test_inode(void **state)
{
	(void)state;
	assert_string_equal(read_with("0::/\n", ""), ""); /* no cgroups are mounted */
	make("");
	make("/part");
	make("/memory");
	make("/memory/deep");
	assert_string_equal(read_with("0::/\n", ""), inode_of("/"));
	assert_string_equal(read_with("0::/part\n", ""), inode_of("/part"));
	assert_string_equal(read_with("0::/part\n4:memory:/deep\n3:cpu:/x\n", ""),
			    inode_of("/memory/deep"));
	assert_string_equal(read_with("4:memory:/missing\n0::/part\n", ""), inode_of("/part"));
	assert_string_equal(read_with("0::/missing\n", ""), "");
	assert_string_equal(read_with("", ""), "");
	unlink(cgroup);
	statsd_container_read(container, &paths);
	assert_string_equal(container, "");
}

/* The host is no container, and its cgroups do not count. The kernel says whether this test runs in
 * one. */
static void test_host_namespace(void **state)
{
	struct statsd_container_paths host = paths;
	struct stat stat_of;

	(void)state;
	if (stat("/proc/self/ns/cgroup", &stat_of) || stat_of.st_ino != 0xeffffffbu)
		skip();
	make("");
	write_file(cgroup, "0::/\n");
	write_file(mountinfo, "");
	host.namespace = "/proc/self/ns/cgroup";
	statsd_container_read(container, &host);
	assert_string_equal(container, "");
	write_file(cgroup, "0::/docker/" ID "\n");
	statsd_container_read(container, &host);
	assert_string_equal(container, ID);
}

static void test_tags(void **state)
{
	struct statsd_identity identity;

	(void)state;
	statsd_identity_read(&identity);
	assert_string_equal(identity.tags, "");
	setenv("DD_VERSION", "1.2", 1);
	setenv("DD_ENV", "", 1);
	statsd_identity_read(&identity);
	assert_string_equal(identity.tags, "version:1.2");
	setenv("DD_SERVICE", "a,b|c\nd", 1);
	setenv("DD_ENV", "prod", 1);
	setenv("DD_ENTITY_ID", "pod-uid", 1);
	statsd_identity_read(&identity);
	assert_string_equal(identity.tags, "dd.internal.entity_id:pod-uid,env:prod,"
					   "service:a_b_c_d,version:1.2");
}

static void test_long_tags(void **state)
{
	static const char *const names[] = {"DD_ENTITY_ID", "DD_ENV", "DD_SERVICE", "DD_VERSION"};
	struct statsd_identity identity;
	char value[1000];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 4; i++)
		setenv(names[i], value, 1);
	statsd_identity_read(&identity);
	assert_int_equal(strlen(identity.tags), 4 * 200 + 3);

	/* 200 bytes would end within the letter, of 2 bytes. */
	clear_environment();
	memcpy(value + 195, "\xc3\xa4", 3);
	setenv("DD_ENV", value, 1);
	statsd_identity_read(&identity);
	assert_int_equal(strlen(identity.tags), 199);
}

static void test_switched_off(void **state)
{
	struct statsd_identity with, without;
	static const char *const no[] = {"0", "f", "false", "FALSE", "n", "no", "off"};
	static const char *const yes[] = {"", "1", "true", "anything"};

	(void)state;
	statsd_identity_read(&with); /* whether this runs in a container or not */
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		setenv("DD_ORIGIN_DETECTION_ENABLED", no[i], 1);
		statsd_identity_read(&without);
		assert_string_equal(without.container, "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		setenv("DD_ORIGIN_DETECTION_ENABLED", yes[i], 1);
		statsd_identity_read(&without);
		assert_string_equal(without.container, with.container);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_cgroup_v1),      TEST(test_mountinfo), TEST(test_inode),
		TEST(test_host_namespace), TEST(test_tags),      TEST(test_long_tags),
		TEST(test_switched_off),
	};

	return cmocka_run_group_tests_name("statsd_identity", tests, NULL, NULL);
}
