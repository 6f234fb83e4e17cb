/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks a user up, and becomes it for good: real, effective and saved. */
#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY 65534

int identity_find(struct identity *identity, const char *name)
{
	struct passwd entry, *found = NULL;
	char text[4096];
	int err = getpwnam_r(name, &entry, text, sizeof(text), &found);

	*identity = (struct identity){.groups_count = IDENTITY_GROUPS};
	/* getpwnam(3): what some modules return for a user who is not there */
	if (!found)
		return !err || err == EIO || err == EBADF || err == EPERM || err == ESRCH ? -ENOENT
											  : -err;
	snprintf(identity->name, sizeof(identity->name), "%s", name);
	identity->uid = entry.pw_uid;
	identity->gid = entry.pw_gid;
	if (getgrouplist(name, entry.pw_gid, identity->groups, &identity->groups_count) < 0)
		identity->groups_count = IDENTITY_GROUPS;
	return 0;
}

void identity_nobody(struct identity *identity)
{
	*identity = (struct identity){.name = "nobody", .uid = NOBODY, .gid = NOBODY};
}

/* Groups first: where that is forbidden, nothing has changed. */
static int change(const struct identity *identity)
{
	if (setgroups((size_t)identity->groups_count, identity->groups) ||
	    setresgid(identity->gid, identity->gid, identity->gid) ||
	    setresuid(identity->uid, identity->uid, identity->uid))
		return -errno;
	return 0;
}

int identity_become(const struct identity *identity)
{
	int err = prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ? -errno : change(identity);

	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return err;
}
