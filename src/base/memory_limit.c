/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds this process's control group below its mount, and reads the limits from there up. */
#include "memory_limit.h"

#include "capability_sets.h"
#include "lines.h"

#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Control groups v1 have no word for "no limit" but the largest number of whole pages. */
#define V1_UNLIMITED (1ull << 62)

/* What the two versions call the same. */
struct version {
	const char *filesystem;
	const char *limit; /* a file of one number */
};

static const struct version v1 = {
	.filesystem = "cgroup",
	.limit = "memory.limit_in_bytes",
};

static const struct version v2 = {
	.filesystem = "cgroup2",
	.limit = "memory.max",
};

/* A group: its directory, of which the first part is the mount. */
struct group {
	const struct version *version;
	char directory[PATH_MAX];
	size_t mount_length;
};

/* ---- files ---- */

static bool take_number(void *arg, char *line)
{
	char *end;
	__u64 value = strtoull(line, &end, 10);

	if (end == line || *end)
		return false;
	*(__u64 *)arg = value;
	return true;
}

/* Returns MEMORY_UNLIMITED for "max", or if there is no such file. */
static __u64 read_limit(const struct group *group)
{
	__u64 bytes = MEMORY_UNLIMITED;
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", group->directory, group->version->limit);
	lines_each(path, take_number, &bytes);
	return group->version == &v1 && bytes >= V1_UNLIMITED ? MEMORY_UNLIMITED : bytes;
}

/* ---- where the group is ---- */

struct membership {
	const struct version *version; /* NULL: none was found */
	char path[PATH_MAX];
};

static bool has_memory(char *controllers)
{
	char *word;

	while ((word = strsep(&controllers, ",")))
		if (strcmp(word, "memory") == 0)
			return true;
	return false;
}

/* HIERARCHY:CONTROLLERS:PATH. Where both versions are in use, memory may belong to v1. */
static bool take_membership(void *arg, char *line)
{
	struct membership *m = arg;
	char *hierarchy = strsep(&line, ":"), *controllers = strsep(&line, ":");
	bool unified = controllers && !*controllers && strcmp(hierarchy, "0") == 0;
	bool memory = controllers && has_memory(controllers);

	if (!line || (!unified && !memory))
		return false;
	m->version = memory ? &v1 : &v2;
	snprintf(m->path, sizeof(m->path), "%s", line);
	return memory;
}

struct search {
	const struct membership *membership;
	struct group *group;
};

/* What of a path is below root, which a mount shows in place of the whole; or none of it. A path
 * out of the control group namespace begins with "/..". */
static const char *below(const char *path, const char *root)
{
	size_t length = strcmp(root, "/") ? strlen(root) : 0;

	if (strncmp(path, "/..", 3) == 0 || strncmp(path, root, length) != 0 ||
	    (path[length] && path[length] != '/'))
		return "";
	return strcmp(path + length, "/") ? path + length : "";
}

/* "36 35 98:0 ROOT MOUNT OPTIONS [MORE...] - FILESYSTEM SOURCE OPTIONS" */
static bool take_mount(void *arg, char *line)
{
	const struct search *search = arg;
	const struct version *version = search->membership->version;
	char *tail = strstr(line, " - "), *words[5], *filesystem;
	int length;

	if (!tail)
		return false;
	*tail = '\0';
	tail += strlen(" - ");
	for (int i = 0; i < 5; i++)
		words[i] = strsep(&line, " ");
	filesystem = strsep(&tail, " ");
	strsep(&tail, " ");
	if (!words[4] || strcmp(filesystem, version->filesystem) != 0 || !tail ||
	    (version == &v1 && !has_memory(tail)))
		return false;
	length = snprintf(search->group->directory, PATH_MAX, "%s%s", words[4],
			  below(search->membership->path, words[3]));
	search->group->version = version;
	search->group->mount_length = strlen(words[4]);
	return length < PATH_MAX;
}

/* ---- limits ---- */

void memory_limit_read(struct memory_limit *limit, const struct memory_limit_paths *paths)
{
	struct membership membership = {};
	struct group group = {};
	struct search search = {&membership, &group};

	*limit = (struct memory_limit){.bytes = MEMORY_UNLIMITED};
	lines_each(paths->cgroup, take_membership, &membership);
	if (!membership.version || !lines_each(paths->mountinfo, take_mount, &search))
		return;
	for (;;) {
		const char *name = group.directory + group.mount_length;
		__u64 bytes = read_limit(&group);

		if (bytes < limit->bytes) {
			limit->bytes = bytes;
			snprintf(limit->source, sizeof(limit->source), "%s%s%s",
				 group.version->limit, *name ? " of " : "", name);
		}
		if (!*name)
			return;
		*strrchr(group.directory, '/') = '\0';
	}
}

void memory_limit_of_self(struct memory_limit *limit)
{
	static const struct memory_limit_paths paths = {"/proc/self/cgroup",
							"/proc/self/mountinfo"};

	memory_limit_read(limit, &paths);
}

/* ---- locked memory ---- */

void memory_limit_of_locked(struct memory_limit *limit)
{
	struct rlimit locked;

	*limit = (struct memory_limit){MEMORY_UNLIMITED, "RLIMIT_MEMLOCK"};
	if (getrlimit(RLIMIT_MEMLOCK, &locked) || locked.rlim_cur == RLIM_INFINITY ||
	    capability_is_effective(CAP_SYS_RESOURCE))
		return;
	limit->bytes = locked.rlim_cur;
}

bool memory_kernel_is(unsigned int major, unsigned int minor)
{
	unsigned int have_major, have_minor;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &have_major, &have_minor) != 2)
		return false;
	return have_major > major || (have_major == major && have_minor >= minor);
}
