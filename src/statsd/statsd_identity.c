/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who sends the metrics, told as datadog-go 5 does it: the tags in this order; a container field
 * even with an entity id (releases of 2022 left it out then), with the bare id of the container,
 * which all Agents know; other clients put "ci-" before it, which Agents before 7.51 do not know.
 * What the Agent makes of it: docs.datadoghq.com/extend/dogstatsd/datagram_shell, protocol v1.2 and
 * on.
 */
#include "statsd_identity.h"

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "array.h"
#include "container.h"
#include "lines.h"
#include "utf8.h"

/* The cgroup namespace of the host: PROC_CGROUP_INIT_INO of the kernel's linux/proc_ns.h. */
#define HOST_NAMESPACE_INODE 0xeffffffbu

#define HEX(n)               "[0-9a-f]{" #n "}"
#define DOCKER_ID            HEX(64)

/* What the engine mounts over /etc/hostname comes from a directory named for the container, or, in
 * a Kubernetes pod, for its sandbox. */
#define MOUNT_LINE                                                                                 \
	"^.*/([^/[:space:]]+)/(" DOCKER_ID "|" HEX(32) "-[0-9]{10})/[^[:space:]]*hostname"

#define SANDBOXES  "sandboxes"
#define GROUPS     3
#define MEMORY_V1  ":memory:"
#define UNIFIED_V2 "0::"

#define ENTITY_ID  "dd.internal.entity_id"

/* ---- tags ---- */

/* A comma would end the tag, a bar the list of them, and a newline the line. */
static char clean(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f || strchr(",|", c) ? '_' : c;
}

static void append_tag(struct statsd_identity *identity, const char *key, const char *variable)
{
	const char *value = getenv(variable);
	size_t length = strlen(identity->tags), value_length;
	char *at = identity->tags + length;

	if (!value || !*value)
		return;
	at += sprintf(at, "%s%s:", length ? "," : "", key);
	value_length = utf8_cut(value, STATSD_TAG_MAX - strlen(key) - 1);
	for (size_t i = 0; i < value_length; i++)
		*at++ = clean(value[i]);
	*at = '\0';
}

/* ---- container ---- */

/* The path's last directory must be the container's: what runs in one below it is not told. */
static bool take_cgroup(const void *unused, const char *line, char *found)
{
	const char *path = container_line_path(line);
	struct container container;
	bool own;

	(void)unused;
	if (!path || !container_of_path(path, &container, &own) || !own)
		return false;
	strcpy(found, container.id);
	return true;
}

/* A directory named "sandboxes" has those of pods. */
static bool take_mount(const void *regex, const char *line, char *found)
{
	regmatch_t match[GROUPS];
	const regmatch_t *kind = &match[1], *id = &match[2];
	size_t length;

	if (regexec(regex, line, GROUPS, match, 0))
		return false;
	length = (size_t)(id->rm_eo - id->rm_so);
	if (length >= STATSD_CONTAINER_MAX ||
	    ((size_t)(kind->rm_eo - kind->rm_so) == strlen(SANDBOXES) &&
	     !memcmp(line + kind->rm_so, SANDBOXES, strlen(SANDBOXES))))
		return false;
	memcpy(found, line + id->rm_so, length);
	found[length] = '\0';
	return true;
}

struct line_search {
	bool (*take)(const void *arg, const char *line, char *found);
	const void *arg;
	char *found;
};

static bool take_line(void *arg, char *line)
{
	const struct line_search *search = arg;

	return search->take(search->arg, line, search->found);
}

/* Calls a function for each line until it returns true, and returns that. */
static bool each_line(const char *path,
		      bool (*take)(const void *arg, const char *line, char *found), const void *arg,
		      char *found)
{
	struct line_search search = {take, arg, found};

	return lines_each(path, take_line, &search);
}

static bool find_in_mounts(const char *path, char found[STATSD_CONTAINER_MAX])
{
	regex_t regex;
	bool done;

	if (regcomp(&regex, MOUNT_LINE, REG_EXTENDED))
		return false;
	done = each_line(path, take_mount, &regex, found);
	regfree(&regex);
	return done;
}

static bool is_host_namespace(const char *path)
{
	struct stat stat_of;

	return !stat(path, &stat_of) && stat_of.st_ino == HOST_NAMESPACE_INODE;
}

/* The root of a hierarchy (inode 1 or 2) does not stand for a container. */
static bool inode_of(const char *mount, const char *controller, const char *path,
		     char found[STATSD_CONTAINER_MAX])
{
	struct stat stat_of;
	char *whole;
	int error;

	if (asprintf(&whole, "%s%s%s", mount, controller, path) < 0)
		return false;
	error = stat(whole, &stat_of);
	free(whole);
	if (error || stat_of.st_ino <= 2)
		return false;
	snprintf(found, STATSD_CONTAINER_MAX, "in-%llu", (unsigned long long)stat_of.st_ino);
	return true;
}

static bool take_memory_v1(const void *mount, const char *line, char *found)
{
	const char *memory = strchr(line, ':');

	if (!memory || strncmp(memory, MEMORY_V1, strlen(MEMORY_V1)))
		return false;
	return inode_of(mount, "/memory", memory + strlen(MEMORY_V1), found);
}

static bool take_unified_v2(const void *mount, const char *line, char *found)
{
	if (strncmp(line, UNIFIED_V2, strlen(UNIFIED_V2)))
		return false;
	return inode_of(mount, "", line + strlen(UNIFIED_V2), found);
}

void statsd_container_read(char container[STATSD_CONTAINER_MAX],
			   const struct statsd_container_paths *paths)
{
	container[0] = '\0';
	if (each_line(paths->cgroup, take_cgroup, NULL, container))
		return;
	if (find_in_mounts(paths->mountinfo, container))
		return;
	if (is_host_namespace(paths->namespace))
		return; /* the id would have been there */
	if (!each_line(paths->cgroup, take_memory_v1, paths->cgroup_mount, container))
		each_line(paths->cgroup, take_unified_v2, paths->cgroup_mount, container);
}

/* Anything but a clear no means yes. */
static bool is_wanted(void)
{
	static const char *const no[] = {"0", "f", "false", "n", "no", "off"};
	const char *value = getenv("DD_ORIGIN_DETECTION_ENABLED");

	for (size_t i = 0; value && i < ARRAY_SIZE(no); i++)
		if (!strcasecmp(value, no[i]))
			return false;
	return true;
}

void statsd_identity_read(struct statsd_identity *identity)
{
	static const struct statsd_container_paths paths = {
		.cgroup = "/proc/self/cgroup",
		.mountinfo = "/proc/self/mountinfo",
		.namespace = "/proc/self/ns/cgroup",
		.cgroup_mount = "/sys/fs/cgroup",
	};

	memset(identity, 0, sizeof(*identity));
	append_tag(identity, ENTITY_ID, "DD_ENTITY_ID");
	append_tag(identity, "env", "DD_ENV");
	append_tag(identity, "service", "DD_SERVICE");
	append_tag(identity, "version", "DD_VERSION");
	if (is_wanted())
		statsd_container_read(identity->container, &paths);
}

const char *statsd_identity_tags_of_others(const struct statsd_identity *identity)
{
	const char *tags = identity->tags;

	if (strncmp(tags, ENTITY_ID ":", strlen(ENTITY_ID ":")) != 0)
		return tags;
	tags += strcspn(tags, ",");
	return *tags ? tags + 1 : tags;
}
