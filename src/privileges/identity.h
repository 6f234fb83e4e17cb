/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The user that a process started by root becomes. */
#ifndef METRO_IDENTITY_H
#define METRO_IDENTITY_H

#include <sys/types.h>

#define IDENTITY_NAME   64
#define IDENTITY_GROUPS 64 /* those beyond are left out */

struct identity {
	char name[IDENTITY_NAME];
	uid_t uid;
	gid_t gid;
	gid_t groups[IDENTITY_GROUPS]; /* all that the user is a member of */
	int groups_count;
};

/* Returns 0, -ENOENT if there is no such user, or another -errno. */
int identity_find(struct identity *identity, const char *name);

/* A user without a name, and without files. */
void identity_nobody(struct identity *identity);

/* All of the process's threads become the user; capabilities that are permitted stay permitted, and
 * none is effective. Returns 0, or -errno: as a rule nothing has changed then. */
int identity_become(const struct identity *identity);

#endif
