/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walks over /proc for the network namespaces behind interfaces: one walk serves all of them. */
#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUP_BYTES 16384 /* of /proc/PID/cgroup: 14 lines of 180 in a pod with cgroup v1 */
#define NAME_BYTES   32    /* of /proc/PID/comm */
#define PATH_BYTES   40

/* A network namespace behind some interface. */
struct space {
	int nsid;
	struct occupants occupants;
};

struct walk {
	struct scan *scan;
	struct far_end *ends; /* as the findings */
	struct space *spaces; /* by nsid, each once */
	size_t spaces_count;
	int proc, netlink;
	pid_t pids[PIDS_MAX]; /* yet to be asked for */
	size_t pids_count;
	char cgroup[CGROUP_BYTES];
	char own_cgroup[CGROUP_BYTES]; /* of bpf-metro */
};

/* ---- processes ---- */

static int compare_spaces(const void *a, const void *b)
{
	const struct space *x = a, *y = b;

	return x->nsid < y->nsid ? -1 : x->nsid > y->nsid;
}

static struct space *find_space(const struct walk *walk, int nsid)
{
	struct space key = {.nsid = nsid};

	return bsearch(&key, walk->spaces, walk->spaces_count, sizeof(key), compare_spaces);
}

/* Reads what there is room for, and ends it with a zero. Returns false if the process is gone. */
static bool read_of(const struct walk *walk, pid_t pid, const char *file, char *text, size_t size)
{
	char path[PATH_BYTES];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "%d/%s", pid, file);
	fd = openat(walk->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, size - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Where bpf-metro is in the hierarchy of this line, up to the line's end; "": that is not known. */
static void copy_own_path(const struct walk *walk, const char *line, const char *path, char *own)
{
	size_t head = (size_t)(path - line);

	own[0] = '\0';
	for (const char *at = walk->own_cgroup; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		size_t length = strcspn(at, "\n");

		if (length < head || strncmp(at, line, head))
			continue;
		memcpy(own, at + head, length - head);
		own[length - head] = '\0';
		return;
	}
}

/* The path of the first hierarchy that names a container; NULL: it is in none. */
static const char *find_container(struct walk *walk, struct container *container)
{
	char *rest = walk->cgroup, *line;
	char own[CGROUP_BYTES];
	const char *path;

	while ((line = strsep(&rest, "\n"))) {
		path = container_line_path(line);
		if (!path)
			continue;
		copy_own_path(walk, line, path, own);
		if (container_outermost(path, own, container))
			return path;
	}
	return NULL;
}

static int take_process(struct walk *walk, struct occupants *occupants, pid_t pid)
{
	char name[NAME_BYTES] = "";
	struct container container;
	const char *path;

	if (!read_of(walk, pid, "cgroup", walk->cgroup, sizeof(walk->cgroup)))
		return 0;
	occupants->processes++;
	path = find_container(walk, &container);
	if (!path) {
		occupants->host |= pid == 1;
		return 0;
	}
	if (!occupants_find(occupants, container.id) &&
	    !read_of(walk, pid, "comm", name, sizeof(name)))
		return 0;
	name[strcspn(name, "\n")] = '\0';
	return occupants_add(occupants, pid, &container, path, name);
}

static int take_pids(struct walk *walk)
{
	int nsids[PIDS_MAX], err = 0;

	if (walk->pids_count)
		err = namespaces_of(walk->netlink, walk->pids, walk->pids_count, nsids);
	for (size_t i = 0; i < walk->pids_count && !err; i++) {
		struct space *space = nsids[i] < 0 ? NULL : find_space(walk, nsids[i]);

		if (space)
			err = take_process(walk, &space->occupants, walk->pids[i]);
	}
	walk->pids_count = 0;
	if (!err && walk->scan->stop && atomic_load(walk->scan->stop))
		err = -EINTR;
	return err;
}

static int take_all(struct walk *walk, DIR *directory)
{
	struct dirent *entry;
	int err = 0;

	walk->proc = dirfd(directory);
	if (!read_of(walk, getpid(), "cgroup", walk->own_cgroup, sizeof(walk->own_cgroup)))
		walk->own_cgroup[0] = '\0'; /* another's /proc, or hidden */
	while (!err && (entry = readdir(directory))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0) /* no process */
			continue;
		walk->pids[walk->pids_count++] = pid;
		if (walk->pids_count == PIDS_MAX)
			err = take_pids(walk);
	}
	return err ? err : take_pids(walk);
}

static int walk_processes(struct walk *walk)
{
	DIR *directory = opendir("/proc");
	int err;

	if (!directory)
		return -errno;
	walk->netlink = namespaces_open();
	err = walk->netlink < 0 ? walk->netlink : take_all(walk, directory);
	if (walk->netlink >= 0)
		close(walk->netlink);
	closedir(directory);
	return err;
}

/* ---- interfaces ---- */

static void add_space(struct walk *walk, int nsid)
{
	if (nsid >= 0 && (!walk->spaces_count || walk->spaces[walk->spaces_count - 1].nsid != nsid))
		walk->spaces[walk->spaces_count++].nsid = nsid;
}

static int compare_numbers(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int list_spaces(struct walk *walk)
{
	size_t count = walk->scan->count;
	int *nsids = calloc(count + 1, sizeof(*nsids));

	walk->spaces = calloc(count + 1, sizeof(*walk->spaces));
	if (nsids && walk->spaces) {
		for (size_t i = 0; i < count; i++)
			nsids[i] = walk->ends[i].nsid;
		qsort(nsids, count, sizeof(*nsids), compare_numbers);
		for (size_t i = 0; i < count; i++)
			add_space(walk, nsids[i]);
	}
	free(nsids);
	return nsids && walk->spaces ? 0 : -ENOMEM;
}

/* An interface may have gone while we walked, and the kernel given the number of its namespace to
 * another: what is not as it was before is not known. */
static int look_again(struct walk *walk)
{
	struct scan *scan = walk->scan;
	int err;

	for (size_t i = 0; i < scan->count; i++)
		scan->findings[i].end = walk->ends[i];
	err = far_ends_read(walk->ends, scan->count);
	for (size_t i = 0; i < scan->count; i++)
		if (!far_end_is_same(&scan->findings[i].end, &walk->ends[i]))
			scan->findings[i].end.nsid = NSID_UNKNOWN;
	return err;
}

static void tell(struct walk *walk, struct finding *finding)
{
	const struct space *space;

	finding->resident = (struct resident){.settled = finding->end.nsid == NSID_NONE};
	space = finding->end.nsid < 0 ? NULL : find_space(walk, finding->end.nsid);
	if (!space)
		return;
	walk->scan->behind++;
	walk->scan->visible += space->occupants.processes > 0;
	finding->resident = occupants_choose(&space->occupants);
}

static int run(struct walk *walk)
{
	struct scan *scan = walk->scan;
	int err;

	for (size_t i = 0; i < scan->count; i++)
		walk->ends[i].ifindex = scan->findings[i].end.ifindex;
	err = far_ends_read(walk->ends, scan->count);
	if (!err)
		err = list_spaces(walk);
	if (!err && walk->spaces_count)
		err = walk_processes(walk);
	if (!err)
		err = look_again(walk);
	for (size_t i = 0; i < scan->count && !err; i++)
		tell(walk, &scan->findings[i]);
	return err;
}

int scan_run(struct scan *scan)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	int err = -ENOMEM;

	scan->behind = scan->visible = 0;
	if (walk) {
		walk->scan = scan;
		walk->ends = calloc(scan->count + 1, sizeof(*walk->ends));
	}
	if (walk && walk->ends)
		err = run(walk);
	for (size_t i = 0; walk && i < walk->spaces_count; i++)
		occupants_clear(&walk->spaces[i].occupants);
	if (walk) {
		free(walk->spaces);
		free(walk->ends);
	}
	free(walk);
	return err;
}
