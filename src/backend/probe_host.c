/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the host's files, limits and packet sockets say. */
#include "lines.h"
#include "memory_limit.h"
#include "memory_need.h"
#include "probe_rows.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define WORD 64 /* room for what such a file has, as far as we read it */

static bool take_word(void *arg, char *line)
{
	snprintf(arg, WORD, "%s", line);
	return true;
}

/* Reads a file's first line. */
static bool read_word(const char *path, char word[WORD])
{
	return lines_each(path, take_word, word);
}

/* ---- the kernel ---- */

void probe_kernel(struct probes *p, struct probe_result *result)
{
	struct utsname name;

	(void)p;
	if (uname(&name))
		probe_answer(result, PROBE_UNKNOWN, "%s", strerror(errno));
	else
		probe_answer(result, memory_kernel_is(5, 8) ? PROBE_YES : PROBE_NO,
			     "Linux %.60s, %.20s", name.release, name.machine);
}

/* None of these decides anything: our programs are never loaded without CAP_BPF .. */
void probe_unprivileged(struct probes *p, struct probe_result *result)
{
	char word[WORD];

	(void)p;
	if (!read_word("/proc/sys/kernel/unprivileged_bpf_disabled", word))
		probe_answer(result, PROBE_UNKNOWN,
			     "kernel.unprivileged_bpf_disabled is not there");
	else
		probe_answer(
			result, strcmp(word, "0") ? PROBE_NO : PROBE_YES,
			"kernel.unprivileged_bpf_disabled is %s, and CAP_BPF is asked for anyway",
			word);
}

/* .. they read nothing of the kernel but packets, which lockdown leaves alone since Linux 5.4 .. */
void probe_lockdown(struct probes *p, struct probe_result *result)
{
	char word[WORD], *mode;

	(void)p;
	if (!read_word("/sys/kernel/security/lockdown", word) || !(mode = strchr(word, '['))) {
		probe_answer(result, PROBE_UNKNOWN, "no word of it in /sys/kernel/security");
		return;
	}
	mode++;
	mode[strcspn(mode, "]")] = '\0';
	probe_answer(result, strcmp(mode, "none") ? PROBE_YES : PROBE_NO,
		     "%s; it does not forbid what reads packets alone", mode);
}

/* .. and no structure of it. */
void probe_btf(struct probes *p, struct probe_result *result)
{
	(void)p;
	if (access("/sys/kernel/btf/vmlinux", F_OK) == 0)
		probe_answer(result, PROBE_YES, "there, and not needed");
	else
		probe_answer(result, PROBE_NO, "not there, and not needed");
}

void probe_jit(struct probes *p, struct probe_result *result)
{
	char word[WORD];

	(void)p;
	if (!read_word("/proc/sys/net/core/bpf_jit_enable", word))
		probe_answer(result, PROBE_UNKNOWN, "net.core.bpf_jit_enable cannot be read here");
	else if (!strcmp(word, "0"))
		probe_answer(result, PROBE_NO,
			     "net.core.bpf_jit_enable is 0: each packet costs "
			     "several times as much");
	else
		probe_answer(result, PROBE_YES, "net.core.bpf_jit_enable is %s", word);
}

void probe_clock(struct probes *p, struct probe_result *result)
{
	struct timespec step = {};
	char word[WORD] = "unknown";

	(void)p;
	clock_getres(CLOCK_MONOTONIC, &step);
	read_word("/sys/devices/system/clocksource/clocksource0/current_clocksource", word);
	probe_answer(result, step.tv_sec || step.tv_nsec > 1000 ? PROBE_NO : PROBE_YES,
		     "%s, in steps of %ld ns", word, (long)step.tv_nsec);
}

/* ---- memory ---- */

static double mib(__u64 bytes)
{
	return (double)bytes / (1024 * 1024);
}

static struct memory_need need_of(const struct probes *p)
{
	const struct memory_terms terms = {
		.bpf = true,
		.marks = p->terms.settings.marks,
		.max_flows = p->terms.settings.max_flows,
		.interfaces = 1,
		.cpus = (unsigned int)sysconf(_SC_NPROCESSORS_CONF),
		.verifier_is_charged = memory_kernel_is(6, 17),
	};

	return memory_need_of(&terms);
}

/* What the maps take at least, so that no lower limit could do. */
void probe_locked_memory(struct probes *p, struct probe_result *result)
{
	struct memory_need need = need_of(p);
	__u64 least = need.flows + need.buckets + need.ring;
	struct memory_limit limit;

	if (memory_kernel_is(5, 11)) {
		probe_answer(result, PROBE_YES, "maps do not count against it");
		return;
	}
	memory_limit_of_locked(&limit);
	if (limit.bytes == MEMORY_UNLIMITED)
		probe_answer(result, PROBE_YES, "there is no limit");
	else
		probe_answer(result, limit.bytes < least ? PROBE_NO : PROBE_YES,
			     "RLIMIT_MEMLOCK is %.1f MiB, and the maps take %.1f MiB",
			     mib(limit.bytes), mib(least));
}

void probe_memory(struct probes *p, struct probe_result *result)
{
	struct memory_need need = need_of(p);
	struct memory_limit limit;

	memory_limit_of_self(&limit);
	if (limit.bytes == MEMORY_UNLIMITED)
		probe_answer(result, PROBE_YES, "%.1f MiB at the start; there is no limit",
			     mib(need.start));
	else
		probe_answer(result, limit.bytes < need.start ? PROBE_NO : PROBE_YES,
			     "%.1f MiB at the start, and the limit is %.1f MiB (%s)",
			     mib(need.start), mib(limit.bytes), limit.source);
}

/* ---- packet sockets ---- */

/* Without a protocol, one receives nothing. Returns the socket or -errno. */
static int packet_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

void probe_packets(struct probes *p, struct probe_result *result)
{
	int fd = packet_socket();

	if (fd >= 0)
		probe_answer(result, PROBE_YES, "can be opened");
	else if (fd == -EAFNOSUPPORT)
		probe_answer(result, PROBE_NO, "this kernel has none (CONFIG_PACKET)");
	else if (fd != -EPERM && fd != -EACCES)
		probe_answer(result, PROBE_NO, "%s", strerror(-fd));
	else if (probe_ask(p, PROBE_CAP_NET_RAW)->answer != PROBE_YES)
		probe_answer(result, PROBE_NO, "CAP_NET_RAW is missing");
	else if (p->held.in_user_namespace)
		probe_answer(result, PROBE_NO, "this network belongs to another user namespace");
	else
		probe_answer(result, PROBE_NO,
			     "%s, although CAP_NET_RAW is there: seccomp, or a "
			     "security module",
			     strerror(-fd));
	if (fd >= 0)
		close(fd);
}

void probe_packet_ring(struct probes *p, struct probe_result *result)
{
	int fd = packet_socket(), version = TPACKET_V3;

	(void)p;
	if (fd < 0) {
		probe_answer(result, PROBE_UNKNOWN, "there is no packet socket to ask");
		return;
	}
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)))
		probe_answer(result, PROBE_NO, "%s", strerror(errno));
	else
		probe_answer(result, PROBE_YES, "this kernel has it");
	close(fd);
}
