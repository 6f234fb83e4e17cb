/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which container a cgroup's path is of, as container engines and Kubernetes name their cgroups. */
#ifndef METRO_CONTAINER_H
#define METRO_CONTAINER_H

#include <stdbool.h>

#define CONTAINER_ID 65 /* 64 hexadecimal digits in most cases, and a final zero */
#define POD_UID      37 /* a UUID, and a final zero */

struct container {
	char id[CONTAINER_ID]; /* "": not known */
	char pod_uid[POD_UID]; /* with dashes, whatever the path has; "": in no pod, or not known */
};

/*
 * Looks for the directory that is named for a container, the innermost if there are several (Docker
 * in Docker), and for the pod around it. What stands below it (init.scope of a container with
 * systemd) is the container's. Returns false if there is none, and the container is empty then;
 * also for conmon, which watches over containers of podman and CRI-O.
 *
 *   /docker/ID  /system.slice/docker-ID.scope  /machine.slice/libpod-ID.scope/container
 *   /kubepods/burstable/podUID/ID  /kubepods.slice/kubepods-podU_I_D.slice/cri-containerd-ID.scope
 *   /system.slice/kubepods-podU_I_D.slice:cri-containerd:ID
 *
 * own becomes whether the path's last directory is the container's, and may be NULL.
 */
bool container_of_path(const char *path, struct container *container, bool *own);

/*
 * The same for a process that is not trusted: who may make cgroups in its container can give them
 * any name, so that the outermost container counts. Those that we are in ourselves, as on a node
 * that is a container, are none: own_path is where we are, in the same hierarchy.
 */
bool container_outermost(const char *path, const char *own_path, struct container *container);

/* The path in a line of /proc/PID/cgroup, HIERARCHY:CONTROLLERS:PATH; NULL: it is no such line. */
const char *container_line_path(const char *line);

/* Is neither known? */
bool container_is_empty(const struct container *container);

bool container_is_same(const struct container *a, const struct container *b);

#endif
