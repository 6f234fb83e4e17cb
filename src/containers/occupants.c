/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Gathers the containers of a network namespace and decides between them. */
#include "occupants.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the sandboxes of pods run: kubernetes/kubernetes, build/pause; podman since 3.4 has
 * catatonit -P. */
static bool is_sandbox_name(const char *name)
{
	return !strcmp(name, "pause") || !strcmp(name, "catatonit");
}

struct occupant *occupants_find(const struct occupants *occupants, const char *id)
{
	for (size_t i = 0; i < occupants->count; i++)
		if (!strcmp(occupants->at[i].container.id, id))
			return &occupants->at[i];
	return NULL;
}

int occupants_add(struct occupants *occupants, pid_t pid, const struct container *container,
		  const char *path, const char *name)
{
	struct occupant *occupant = occupants_find(occupants, container->id), *grown;
	char *copy;

	if (occupant) {
		occupant->alone = false;
		return 0;
	}
	copy = strdup(path);
	grown = reallocarray(occupants->at, occupants->count + 1, sizeof(*grown));
	if (grown)
		occupants->at = grown;
	if (!copy || !grown) {
		free(copy);
		return -ENOMEM;
	}
	grown[occupants->count++] = (struct occupant){
		.container = *container,
		.path = copy,
		.pid = pid,
		.idle = is_sandbox_name(name),
		.alone = true,
	};
	return 0;
}

static bool is_sandbox(const struct occupant *occupant)
{
	return occupant->idle && occupant->alone;
}

static bool is_nested(const struct occupants *occupants, const struct occupant *inner)
{
	for (size_t i = 0; i < occupants->count; i++)
		if (&occupants->at[i] != inner &&
		    strstr(inner->path, occupants->at[i].container.id))
			return true;
	return false;
}

/* Takes in another container. */
static void add_to(struct resident *resident, const struct occupant *occupant, bool first)
{
	if (first) {
		resident->container = occupant->container;
		resident->pid = occupant->pid;
		return;
	}
	resident->container.id[0] = '\0';
	if (strcmp(resident->container.pod_uid, occupant->container.pod_uid))
		resident->container.pod_uid[0] = '\0';
}

/* Those that are sandboxes, or those that are not. Returns how many. */
static size_t add_all(struct resident *resident, const struct occupants *occupants, bool sandboxes)
{
	size_t count = 0;

	for (size_t i = 0; i < occupants->count; i++)
		if (is_sandbox(&occupants->at[i]) == sandboxes &&
		    !is_nested(occupants, &occupants->at[i]))
			add_to(resident, &occupants->at[i], !count++);
	return count;
}

struct resident occupants_choose(const struct occupants *occupants)
{
	struct resident resident = {.settled = true};

	if (occupants->host || add_all(&resident, occupants, false))
		return resident;
	resident.settled = false;
	add_all(&resident, occupants, true);
	if (*resident.container.pod_uid)
		resident.container.id[0] = '\0';
	return resident;
}

void occupants_clear(struct occupants *occupants)
{
	for (size_t i = 0; i < occupants->count; i++)
		free(occupants->at[i].path);
	free(occupants->at);
	*occupants = (struct occupants){0};
}
