/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Of several containers in one network namespace, which one is it called by? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "occupants.h"

#define APP     "a4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define SIDECAR "b4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define SANDBOX "c4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define POD     "7d9b6b2a-9f3c-4d51-8a40-1c2f3e4d5b60"
#define OTHER   "11111111-9f3c-4d51-8a40-1c2f3e4d5b60"
#define IN(pod) "/kubepods/burstable/pod" pod "/"

static struct occupants occupants;

static int setup(void **state)
{
	(void)state;
	memset(&occupants, 0, sizeof(occupants));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	occupants_clear(&occupants);
	return 0;
}

static void add(pid_t pid, const char *path, const char *name)
{
	struct container container;

	assert_true(container_of_path(path, &container, NULL));
	assert_int_equal(occupants_add(&occupants, pid, &container, path, name), 0);
}

static void check(const char *id, const char *pod_uid, pid_t pid, bool settled)
{
	struct resident resident = occupants_choose(&occupants);

	assert_string_equal(resident.container.id, id);
	assert_string_equal(resident.container.pod_uid, pod_uid);
	assert_int_equal(resident.pid, pid);
	assert_int_equal(resident.settled, settled);
}

static void test_one(void **state)
{
	(void)state;
	check("", "", 0, false);
	add(10, "/docker/" APP, "nginx");
	add(11, "/docker/" APP "/init", "nginx");
	check(APP, "", 10, true);
	assert_int_equal(occupants.count, 1);
}

static void test_pod(void **state)
{
	(void)state;
	add(10, IN(POD) SANDBOX, "pause");
	check("", POD, 10, false);
	add(20, IN(POD) APP, "nginx");
	check(APP, POD, 20, true);
	add(30, IN(POD) SIDECAR, "envoy");
	check("", POD, 20, true);
}

static void test_podman_pod(void **state)
{
	(void)state;
	add(10, "/machine.slice/libpod-" SANDBOX ".scope/container", "catatonit");
	check(SANDBOX, "", 10, false); /* there is no pod's UID to tell instead */
	add(20, "/machine.slice/libpod-" APP ".scope/container", "nginx");
	check(APP, "", 20, true);
}

/* catatonit is also the first process of podman run --init. */
static void test_busy_init(void **state)
{
	(void)state;
	add(10, "/machine.slice/libpod-" APP ".scope/container", "catatonit");
	add(11, "/machine.slice/libpod-" APP ".scope/container", "nginx");
	check(APP, "", 10, true);
}

/* A container that only sleeps is no sandbox; nor is one that comes first. */
static void test_order(void **state)
{
	(void)state;
	add(20, IN(POD) APP, "sleep");
	add(30, IN(POD) SANDBOX, "pause");
	check(APP, POD, 20, true);
}

/* --network host within a container that has an engine of its own: kind, docker:dind. */
static void test_nested(void **state)
{
	(void)state;
	add(10, "/docker/" APP "/kubelet.slice/kubelet.service", "kubelet");
	add(20, "/docker/" APP "/kubelet/kubepods/burstable/pod" POD "/" SIDECAR, "etcd");
	add(30, "/docker/" APP "/kubelet/kubepods/burstable/pod" POD "/" SANDBOX, "pause");
	check(APP, "", 10, true);
}

static void test_strangers(void **state)
{
	(void)state;
	add(20, IN(POD) APP, "nginx");
	add(30, IN(OTHER) SIDECAR, "nginx");
	check("", "", 20, true);
}

static void test_host(void **state)
{
	(void)state;
	add(20, IN(POD) APP, "nginx");
	occupants.host = true;
	check("", "", 0, true);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one),   TEST(test_pod),    TEST(test_podman_pod), TEST(test_busy_init),
		TEST(test_order), TEST(test_nested), TEST(test_strangers),  TEST(test_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
