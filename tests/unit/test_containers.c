/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds what stands at the other end of interfaces: real network namespaces, real pairs of
 * interfaces, real cgroups, with the names that engines give theirs. As root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "containers.h"
#include "emulated.h"
#include "scan.h"
#include "unique.h"

#define APP         "a4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define NEXT        "b4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define SANDBOX     "c4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define POD         "7d9b6b2a-9f3c-4d51-8a40-1c2f3e4d5b60"
#define IN_POD      "kubepods/pod" POD "/"
#define PATIENCE_MS 10000

/* ---- cgroups ---- */

/* Whatever this machine has; the hierarchy of systemd, where there are others, is not for tests. */
static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified",
				     "/sys/fs/cgroup/pids", "/sys/fs/cgroup/freezer"};
static char root[64];        /* of ours */
static const char *made[32]; /* directories below */
static size_t made_count;

static bool make_root(void)
{
	char procs[96];

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		snprintf(root, sizeof(root), "%s/metro-unit-%llx", mounts[i], unique_number());
		snprintf(procs, sizeof(procs), "%s/cgroup.procs", root);
		if (!mkdir(root, 0755) && !access(procs, W_OK))
			return true;
		rmdir(root);
	}
	return false;
}

static void make_cgroup(const char *path, char whole[256])
{
	snprintf(whole, 256, "%s/%s", root, path);
	for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (!mkdir(whole, 0755))
			made[made_count++] = strdup(whole);
		*at = '/';
	}
	if (!mkdir(whole, 0755))
		made[made_count++] = strdup(whole);
}

static void remove_cgroups(void)
{
	while (made_count) {
		const char *path = made[--made_count];

		for (int i = 0; rmdir(path) && errno == EBUSY && i < 100; i++)
			usleep(10000);
		free((char *)path);
	}
	for (int i = 0; rmdir(root) && errno == EBUSY && i < 100; i++)
		usleep(10000);
}

/* ---- containers ---- */

struct fake {
	pid_t pid;
	int network; /* its namespace, which we keep */
};

static struct fake fakes[16];
static size_t fakes_count;

static void join_cgroup(const char *path)
{
	char procs[300];
	int fd;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	fd = open(procs, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(1);
	close(fd);
}

static void be_container(const char *path, const char *name, int network, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	join_cgroup(path);
	if (network >= 0 ? setns(network, CLONE_NEWNET) : unshare(CLONE_NEWNET))
		_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* A process in the cgroup, and in that network namespace; network -1: one of its own. */
static struct fake *begin(const char *cgroup, const char *name, int network)
{
	struct fake *fake = &fakes[fakes_count++];
	char path[256], byte;
	int ready[2];

	make_cgroup(cgroup, path);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fake->pid = fork();
	if (!fake->pid)
		be_container(path, name, network, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", fake->pid);
	fake->network = open(path, O_RDONLY | O_CLOEXEC);
	return fake;
}

static void end(struct fake *fake)
{
	if (!fake->pid)
		return;
	kill(fake->pid, SIGKILL);
	waitpid(fake->pid, NULL, 0);
	fake->pid = 0;
}

/* A pair of interfaces, the other end in the fake's namespace (NULL: in ours). */
static __u32 wire(const char *name, const struct fake *fake)
{
	char command[200], where[32] = "";

	if (fake)
		snprintf(where, sizeof(where), "netns %d", fake->pid);
	snprintf(command, sizeof(command), "ip link add %s type veth peer name p-%.2s %s", name,
		 name, where);
	assert_int_equal(system(command), 0);
	return if_nametoindex(name);
}

/* ---- the fixture ---- */

static struct containers *containers;
static unsigned int gave_way, changes;
static char before[CONTAINER_ID]; /* what was shown when one gave way */
static __u32 watched[4];

static const struct container *known(__u32 ifindex)
{
	return container_table_find(containers_table(containers), ifindex);
}

static void on_before(void *arg)
{
	const struct container *container = known(watched[0]);

	(void)arg;
	gave_way++;
	snprintf(before, sizeof(before), "%s", container ? container->id : "");
}

static void on_changed(void *arg, __u32 ifindex)
{
	(void)arg;
	(void)ifindex;
	changes++;
}

static const struct containers_listener listener = {.before = on_before, .changed = on_changed};

static void watch(size_t count)
{
	assert_int_equal(containers_watch(containers, watched, count), 0);
}

static bool shows(__u32 ifindex, const char *id, const char *pod_uid)
{
	const struct container *container = known(ifindex);

	if (!*id && !*pod_uid)
		return !container;
	return container && !strcmp(container->id, id) && !strcmp(container->pod_uid, pod_uid);
}

/* Until it shows this, or for the whole time if it must not change. */
static bool soon(__u32 ifindex, const char *id, const char *pod_uid, int patience_ms)
{
	struct pollfd event = {.fd = containers_fd(containers), .events = POLLIN};

	for (int ms = 0; ms < patience_ms && !shows(ifindex, id, pod_uid); ms += 10)
		if (poll(&event, 1, 10) > 0)
			containers_follow(containers, &listener);
	return shows(ifindex, id, pod_uid);
}

static void settle(int ms)
{
	struct pollfd event = {.fd = containers_fd(containers), .events = POLLIN};

	for (int passed = 0; passed < ms; passed += 10)
		if (poll(&event, 1, 10) > 0)
			containers_follow(containers, &listener);
}

static int setup_with(const struct containers_pace *pace)
{
	gave_way = changes = 0;
	*before = '\0';
	return containers_start(&containers, pace);
}

static int setup(void **state)
{
	static const struct containers_pace pace = {.rescan_ms = 200, .gap_ms = 20};

	(void)state;
	return setup_with(&pace);
}

/* Walks as rarely as may be: what is found soon was found for another reason. */
static int setup_slow(void **state)
{
	static const struct containers_pace pace = {.rescan_ms = 60000, .gap_ms = 20};

	(void)state;
	return setup_with(&pace);
}

static int teardown(void **state)
{
	(void)state;
	containers_stop(containers);
	for (size_t i = 0; i < fakes_count; i++) {
		end(&fakes[i]);
		close(fakes[i].network);
	}
	fakes_count = 0;
	return system("for i in v0 v1 v2; do ip link del $i 2>/dev/null; done; true");
}

/* ---- tests ---- */

static void test_found(void **state)
{
	(void)state;
	watched[0] = wire("v0", begin("docker/" APP, "nginx", -1));
	watched[1] = wire("v1", begin(IN_POD NEXT, "nginx", -1));
	watched[2] = wire("v2", NULL); /* has no other end elsewhere */
	watched[3] = if_nametoindex("lo");
	watch(4);
	assert_null(known(watched[0]));
	assert_true(soon(watched[0], APP, "", PATIENCE_MS));
	assert_true(soon(watched[1], NEXT, POD, PATIENCE_MS));
	assert_true(shows(watched[2], "", ""));
	assert_true(shows(watched[3], "", ""));
	assert_int_equal(gave_way, 0);
	assert_int_equal(changes, 2);
	/* What is not watched is forgotten, and the rest is not. */
	watched[0] = watched[1];
	watch(1);
	assert_true(shows(watched[1], NEXT, POD));
	assert_int_equal(containers_table(containers)->count, 1);
	settle(500);
	assert_int_equal(changes, 2);
}

/* An interface that comes is not left to the usual walk. */
static void test_added(void **state)
{
	(void)state;
	watched[0] = wire("v0", begin("docker/" APP, "nginx", -1));
	watch(1);
	assert_true(soon(watched[0], APP, "", PATIENCE_MS));
	watched[1] = wire("v1", begin("system.slice/docker-" NEXT ".scope", "nginx", -1));
	watch(2);
	assert_true(soon(watched[1], NEXT, "", PATIENCE_MS));
}

/* Nor is a container that ends, and the next one in its place. */
static void test_restart(void **state)
{
	struct fake *sandbox, *app;

	(void)state;
	sandbox = begin(IN_POD SANDBOX, "pause", -1);
	watched[0] = wire("v0", sandbox);
	watch(1);
	assert_true(soon(watched[0], "", POD, PATIENCE_MS));
	app = begin(IN_POD APP, "nginx", sandbox->network);
	assert_true(soon(watched[0], APP, POD, PATIENCE_MS));
	assert_int_equal(gave_way, 1);
	end(app);
	assert_true(soon(watched[0], "", POD, PATIENCE_MS)); /* what comes may be the next one's */
	assert_int_equal(gave_way, 2);
	assert_string_equal(before, APP);
	settle(300);
	begin(IN_POD NEXT, "nginx", sandbox->network);
	assert_true(soon(watched[0], NEXT, POD, PATIENCE_MS));
}

static void test_sidecar(void **state)
{
	struct fake *app, *sidecar;

	(void)state;
	app = begin(IN_POD APP, "nginx", -1);
	watched[0] = wire("v0", app);
	watch(1);
	assert_true(soon(watched[0], APP, POD, PATIENCE_MS));
	sidecar = begin(IN_POD NEXT, "envoy", app->network);
	assert_true(soon(watched[0], "", POD, PATIENCE_MS));
	end(sidecar);
	assert_true(soon(watched[0], APP, POD, PATIENCE_MS));
}

/* The other end is moved to where there is no container. */
static void test_moved(void **state)
{
	struct fake *app;
	char command[100];

	(void)state;
	app = begin("docker/" APP, "nginx", -1);
	watched[0] = wire("v0", app);
	watch(1);
	assert_true(soon(watched[0], APP, "", PATIENCE_MS));
	snprintf(command, sizeof(command), "nsenter -t %d -n ip link set p-v0 netns %d", app->pid,
		 getpid());
	assert_int_equal(system(command), 0);
	assert_true(soon(watched[0], "", "", PATIENCE_MS));
	assert_int_equal(gave_way, 1);
}

/* An interface that is made again at once, with the same index, and another at the other end: what
 * the kernel calls its namespace may be the same number, too. */
static void test_made_again(void **state)
{
	struct fake *app, *plain;

	(void)state;
	app = begin("docker/" APP, "nginx", -1);
	watched[0] = wire("v0 index 4711", app);
	watched[0] = 4711;
	watch(1);
	assert_true(soon(watched[0], APP, "", PATIENCE_MS));
	assert_int_equal(system("ip link del v0"), 0);
	end(app);
	close(app->network);
	app->network = -1;
	plain = begin("plain", "sshd", -1);
	wire("v0 index 4711", plain);
	assert_true(soon(watched[0], "", "", PATIENCE_MS));
}

/* What it takes: no capability, nor to be root. */
static void test_nobody(void **state)
{
	struct finding finding;
	struct scan scan = {.findings = &finding, .count = 1};
	int status;
	pid_t pid;

	(void)state;
	finding.end.ifindex = wire("v0", begin(IN_POD APP, "nginx", -1));
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534) || scan_run(&scan))
			_exit(1);
		_exit(strcmp(finding.resident.container.id, APP) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* In a PID namespace of its own, with the /proc of that. */
static void scan_in_namespace(__u32 ifindex)
{
	struct finding finding = {.end.ifindex = ifindex};
	struct scan scan = {.findings = &finding, .count = 1};

	if (system("mount -t proc proc /proc") || scan_run(&scan))
		_exit(3);
	_exit(scan.behind == 1 && !scan.visible && !*finding.resident.container.id ? 0 : 2);
}

/* Waits for a child and exits as it does. */
static void exit_as(pid_t pid)
{
	int status;

	_exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 4);
}

/* And the host's PID namespace: in another, the processes are not there. */
static void test_hidden(void **state)
{
	__u32 ifindex;
	int status;
	pid_t pid;

	(void)state;
	ifindex = wire("v0", begin(IN_POD APP, "nginx", -1));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID | CLONE_NEWNS))
			_exit(5);
		pid = fork();
		if (!pid)
			scan_in_namespace(ifindex);
		exit_as(pid);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_stop_at_once(void **state)
{
	(void)state;
	watched[0] = wire("v0", begin("docker/" APP, "nginx", -1));
	for (int i = 0; i < 50; i++) {
		containers_stop(containers);
		setup(NULL);
		watch(1);
		usleep(i * 40);
	}
}

static int enter(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET) || unshare(CLONE_NEWNS) || system("mount --make-rprivate /") ||
	       system("ip link set lo up");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
#define SLOW(function) cmocka_unit_test_setup_teardown(function, setup_slow, teardown)

static void test_skipped(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found),   SLOW(test_added),  SLOW(test_restart),
		TEST(test_sidecar), TEST(test_moved),  TEST(test_made_again),
		TEST(test_nobody),  TEST(test_hidden), TEST(test_stop_at_once),
	};
	const struct CMUnitTest none[] = {cmocka_unit_test(test_skipped)};
	int failed;

	if (is_emulated() || geteuid() || !make_root()) {
		fprintf(stderr, "# needs root, cgroups that it may make, and no emulator\n");
		return cmocka_run_group_tests(none, NULL, NULL);
	}
	failed = cmocka_run_group_tests(tests, enter, NULL);
	remove_cgroups();
	return failed;
}
