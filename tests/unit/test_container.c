/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which container a cgroup's path is of: a table of the layouts that engines make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "container.h"

#define ID      "34dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define OTHER   "8c046cb0b72cd4c99f51b5591cd5b095967f58ee003710a45280c28ee1a9c7fa"
#define UID     "7d9b6b2a-9f3c-4d51-8a40-1c2f3e4d5b60"
#define UID_    "7d9b6b2a_9f3c_4d51_8a40_1c2f3e4d5b60"
#define HASH    "0f1d2c3b4a5968778695a4b3c2d1e0ff" /* the UID of a static pod */
#define TASK    "34dc0b5e626f2c5c4c5170e34b10e765-1234567890"
#define BESTEFF "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice/"
#define KIND                                                                                       \
	"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"                  \
	"kubelet-kubepods-burstable-pod" UID_ ".slice/"

struct layout {
	const char *path, *id, *pod_uid;
	bool inside; /* of a directory that the container made below its own */
};

/* docs.docker.com/engine/containers/runmetrics: cgroupfs and systemd. */
static const struct layout docker[] = {
	{"/docker/" ID, ID, "", false},
	{"/system.slice/docker-" ID ".scope", ID, "", false},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", ID, "",
	 false}, /* rootless */
	{"/docker/" ID "/init", ID, "", true},
	{"/docker/" ID "/init.scope", ID, "", true},
	{"/docker/" ID "/system.slice/nginx.service", ID, "", true},
	{"/my-parent/" ID, ID, "", false}, /* --cgroup-parent */
	{"/default/" ID, ID, "", false},   /* containerd's namespace of that name */
	{"/system.slice/nerdctl-" ID ".scope", ID, "", false},
	{"/ecs/55091c13-b8cf-4801-b527-f4601742204d/" ID, ID, "", false},
	{"/ecs/34dc0b5e626f2c5c4c5170e34b10e765/" TASK, TASK, "", false},
	{"/garden/34dc0b5e-626f-2c5c-4c51-70e34b10e765", "34dc0b5e-626f-2c5c-4c51-70e34b10e765", "",
	 false},
	{"/garden/34dc0b5e-626f-2c5c-4c51-70e3", "34dc0b5e-626f-2c5c-4c51-70e3", "", false},
};

/* podman-run(1) --cgroups, and libpod's names of scopes; with cgroup v2 there is one below. */
static const struct layout podman[] = {
	{"/machine.slice/libpod-" ID ".scope", ID, "", false},
	{"/machine.slice/libpod-" ID ".scope/container", ID, "", true},
	{"/libpod_parent/libpod-" ID, ID, "", false},
	{"/machine.slice/machine-libpod_pod_" OTHER ".slice/libpod-" ID ".scope/container", ID, "",
	 true},
	{"/libpod_parent/" OTHER "/libpod-" ID, ID, "", false},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container",
	 ID, "", true},
	{"/system.slice/web.service/libpod-payload-" ID, ID, "", false}, /* --cgroups=split */
	{"/machine.slice/libpod-conmon-" ID ".scope", "", "", false},
};

/* kubernetes.io/docs/concepts/architecture/cgroups, and kubelet's cgroup_manager_linux.go: pods
 * that are guaranteed have no directory for that. CRI-O: its conmon has a scope beside. */
static const struct layout kubernetes[] = {
	{"/kubepods/burstable/pod" UID "/" ID, ID, UID, false},
	{"/kubepods/besteffort/pod" UID "/" ID, ID, UID, false},
	{"/kubepods/pod" UID "/" ID, ID, UID, false},
	{"/kubepods/burstable/pod" HASH "/" ID, ID, HASH, false},
	{"/kubepods/burstable/pod" UID "/crio-" ID, ID, UID, false},
	{"/kubepods/burstable/pod" UID "/crio-conmon-" ID, "", "", false},
	{BESTEFF "docker-" ID ".scope", ID, UID, false},
	{BESTEFF "cri-containerd-" ID ".scope", ID, UID, false},
	{BESTEFF "crio-" ID ".scope", ID, UID, false},
	{BESTEFF "crio-" ID ".scope/container", ID, UID, true}, /* crun */
	{BESTEFF "crio-conmon-" ID ".scope", "", "", false},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope", ID, UID, false},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH ".slice/crio-" ID
	 ".scope",
	 ID, HASH, false},
	/* containerd with the cgroupfs driver on a host where kubelet has systemd's */
	{"/system.slice/containerd.service/kubepods-burstable-pod" UID_ ".slice:cri-containerd:" ID,
	 ID, UID, false},
	/* seen from a cgroup namespace of one's own */
	{"/../../kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice/docker-" ID ".scope",
	 ID, UID, false},
	{"/../cri-containerd-" ID ".scope", ID, "", false},
};

/* kind.sigs.k8s.io: a node is a container; k3s: a node may be; docker:dind, as in a CI. */
static const struct layout nested[] = {
	{"/docker/" OTHER "/kubelet/kubepods/burstable/pod" UID "/" ID, ID, UID, false},
	{"/system.slice/docker-" OTHER ".scope" KIND "cri-containerd-" ID ".scope", ID, UID, false},
	{KIND "cri-containerd-" ID ".scope", ID, UID, false},
	{"/docker/" OTHER "/system.slice/containerd.service", OTHER, "", true},
	{"/docker/" OTHER "/kubelet.slice/kubelet.service", OTHER, "", true},
	{"/system.slice/k3s.service/kubepods/burstable/pod" UID "/" ID, ID, UID, false},
	{"/docker/" OTHER "/k3s/kubepods/besteffort/pod" UID "/" ID, ID, UID, false},
	{"/docker/" OTHER "/docker/" ID, ID, "", false},
	{"/kubepods/burstable/pod" UID "/" OTHER "/docker/" ID, ID, UID, false},
};

static const struct layout none[] = {
	{"/", "", "", false},
	{"", "", "", false},
	{"/system.slice/sshd.service", "", "", false},
	{"/user.slice/user-1000.slice/session-2.scope", "", "", false},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-" UID ".scope", "", "",
	 false},
	{"/kubepods/burstable/pod" UID, "", "", false},
	{"/system.slice/var-lib-docker-" ID ".mount", "", "", false},
	{"/docker/" ID "0", "", "", false},
	{"/docker/x" ID, "", "", false},
	{"/docker/34dc0b5e", "", "", false},
	{"/docker/-1", "", "", false},
	{"/kubepods/podcast/" ID, ID, "", false},
	{"/kubepods/pod" UID "0/" ID, ID, "", false},
	{"/kubepods/tripod" UID "/" ID, ID, "", false},
};

static void check(const struct layout *layouts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct layout *l = &layouts[i];
		struct container container = {.id = "old", .pod_uid = "old"};
		bool own = false, found = container_of_path(l->path, &container, &own);

		if (strcmp(container.id, l->id) || strcmp(container.pod_uid, l->pod_uid))
			fail_msg("%s: container %s, pod %s", l->path, container.id,
				 container.pod_uid);
		assert_int_equal(found, *l->id != '\0');
		if (found && own == l->inside)
			fail_msg("%s: own is %d", l->path, own);
		container_of_path(l->path, &container, NULL);
	}
}

#define CHECK(layouts) check(layouts, sizeof(layouts) / sizeof((layouts)[0]))

static void test_layouts(void **state)
{
	(void)state;
	CHECK(docker);
	CHECK(podman);
	CHECK(kubernetes);
	CHECK(nested);
	CHECK(none);
}

/* Whoever may make cgroups in its container is still called by the outermost one. */
static const struct {
	const char *own, *path, *id, *pod_uid;
} untrusted[] = {
	{"/", "/docker/" ID "/docker/" OTHER, ID, ""},
	{"/", "/system.slice/docker-" ID ".scope/docker-" OTHER ".scope", ID, ""},
	{"/", "/kubepods/burstable/pod" UID "/" ID "/pod" HASH "/" OTHER, ID, UID},
	{"/", "/docker/" ID "/libpod-conmon-" OTHER, ID, ""},
	{"/", "/docker/" ID "/libpod_parent/" OTHER "/libpod-" OTHER, ID, ""},
	{"/docker/" OTHER, "/docker/" ID "/" TASK, ID, ""},
	{"/system.slice/bpf-metro.service", "/machine.slice/libpod-" ID ".scope/container/" OTHER,
	 ID, ""},
	/* bpf-metro on a node that is a container, and next to a docker:dind of its own pod */
	{"/docker/" OTHER "/system.slice/bpf-metro.service",
	 "/docker/" OTHER "/kubelet/kubepods/burstable/pod" UID "/" ID, ID, UID},
	{"/docker/" OTHER "/kubelet/kubepods/pod" HASH "/" TASK,
	 "/docker/" OTHER "/kubelet/kubepods/burstable/pod" UID "/" ID "/" TASK, ID, UID},
	{"/docker/" OTHER, "/docker/" OTHER "/docker/" ID, ID, ""},
	{"/docker/" OTHER, "/docker/" OTHER, "", ""},
	{"/docker/" OTHER "/init", "/docker/" OTHER "/system.slice/x.service", "", ""},
	{"/kubepods/pod" UID "/" OTHER "/init", "/kubepods/pod" UID "/" OTHER "/docker/" ID, ID,
	 UID},
};

/* By both ways what engines make is the same, where we are in no container ourselves. */
static void check_outermost(const struct layout *layouts, size_t count)
{
	struct container container;

	for (size_t i = 0; i < count; i++) {
		container_outermost(layouts[i].path, "/system.slice/x.service", &container);
		if (strcmp(container.id, layouts[i].id) ||
		    strcmp(container.pod_uid, layouts[i].pod_uid))
			fail_msg("%s: container %s, pod %s", layouts[i].path, container.id,
				 container.pod_uid);
		container_outermost(layouts[i].path, "", &container);
		assert_string_equal(container.id, layouts[i].id);
	}
}

#define CHECK_OUTERMOST(layouts) check_outermost(layouts, sizeof(layouts) / sizeof((layouts)[0]))

static void test_untrusted(void **state)
{
	struct container container;

	(void)state;
	for (size_t i = 0; i < sizeof(untrusted) / sizeof(untrusted[0]); i++) {
		bool found = container_outermost(untrusted[i].path, untrusted[i].own, &container);

		if (strcmp(container.id, untrusted[i].id) ||
		    strcmp(container.pod_uid, untrusted[i].pod_uid))
			fail_msg("%s: container %s, pod %s", untrusted[i].path, container.id,
				 container.pod_uid);
		assert_int_equal(found, *untrusted[i].id != '\0');
	}
	CHECK_OUTERMOST(docker);
	CHECK_OUTERMOST(podman);
	CHECK_OUTERMOST(kubernetes);
	CHECK_OUTERMOST(none);
}

static void test_lines(void **state)
{
	(void)state;
	assert_string_equal(container_line_path("0::/x"), "/x");
	assert_string_equal(container_line_path("12:cpu,cpuacct:/a:b:c"), "/a:b:c");
	assert_string_equal(container_line_path("1:name=systemd:/"), "/");
	assert_null(container_line_path("/docker"));
	assert_null(container_line_path(":cpu:/"));
	assert_null(container_line_path("1:cpu"));
	assert_null(container_line_path(""));
}

/* Whatever is cut off, nothing outside of the path is read (under a sanitizer), and no more is
 * found than the whole had. */
static void test_cut_off(void **state)
{
	static const char whole[] =
		"/x/kubepods-pod" UID_ ".slice:cri-containerd:" ID ".scope/pod" HASH "/" TASK;
	struct container container;
	char *path;

	(void)state;
	for (size_t length = 0; length <= strlen(whole); length++) {
		path = strndup(whole, length);
		container_of_path(path, &container, NULL);
		assert_true(strlen(container.id) < CONTAINER_ID);
		assert_true(!*container.id || strstr(whole, container.id));
		free(path);
		path = strdup(whole + length);
		container_of_path(path, &container, NULL);
		assert_true(!*container.id || strstr(whole, container.id));
		free(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_untrusted),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
