/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks capget(2), prctl(2), and the number of the user namespace. */
#include "capability_sets.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INITIAL_USER_NAMESPACE 0xeffffffd /* its inode: the same since Linux 3.8 */

static void read_sets(struct capability_sets *sets)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data))
		return;
	sets->effective = (__u64)data[1].effective << 32 | data[0].effective;
	sets->permitted = (__u64)data[1].permitted << 32 | data[0].permitted;
}

static struct capability_sets remembered;
static bool remembers;

static void read_surroundings(struct capability_sets *sets)
{
	for (int i = 0; i < 64; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			sets->bounding |= 1ull << i;
	sets->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	sets->filtered = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER;
}

void capability_sets_remember(void)
{
	remembered = (struct capability_sets){};
	read_surroundings(&remembered);
	remembers = true;
}

void capability_sets_read(struct capability_sets *sets)
{
	struct stat namespace;

	*sets = remembered;
	if (!remembers)
		read_surroundings(sets);
	read_sets(sets);
	sets->in_user_namespace = stat("/proc/self/ns/user", &namespace) == 0 &&
				  namespace.st_ino != INITIAL_USER_NAMESPACE;
}

bool capability_is_effective(int capability)
{
	struct capability_sets sets = {};

	read_sets(&sets);
	return capability_in(sets.effective, capability);
}
