/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls themselves: a library would have to be there for two of them. */
#include "capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "array.h"

/* In the order of their numbers. */
static const char *const names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

#define HEADER                                                                                     \
	{                                                                                          \
		.version = _LINUX_CAPABILITY_VERSION_3                                             \
	}

int capabilities_read(__u64 *permitted)
{
	struct __user_cap_header_struct header = HEADER;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*permitted = (__u64)data[1].permitted << 32 | data[0].permitted;
	return 0;
}

int capabilities_keep(__u64 permitted, __u64 effective)
{
	struct __user_cap_header_struct header = HEADER;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	__u64 had;
	int err = capabilities_read(&had);

	if (err)
		return err;
	permitted &= had;
	effective &= permitted;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted = (__u32)(permitted >> 32 * i);
		data[i].effective = (__u32)(effective >> 32 * i);
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* The kernel knows which is its last. */
void capabilities_empty_bounding_set(void)
{
	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++)
		prctl(PR_CAPBSET_DROP, i);
}

const char *capabilities_text(__u64 set, char text[CAPABILITIES_TEXT])
{
	size_t length = 0;

	snprintf(text, CAPABILITIES_TEXT, "none");
	for (unsigned int i = 0; i < 64; i++) {
		char number[16];

		if (!(set & CAPABILITY(i)))
			continue;
		snprintf(number, sizeof(number), "%u", i);
		length += (size_t)snprintf(text + length, CAPABILITIES_TEXT - length, "%s%s",
					   length ? ", " : "",
					   i < ARRAY_SIZE(names) ? names[i] : number);
	}
	return text;
}
