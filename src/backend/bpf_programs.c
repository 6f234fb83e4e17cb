/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads the skeleton with the settings as constants, and says in one sentence why the kernel will
 * not. */
#include "bpf_programs.h"
#include "bpf_flows.h"
#include "bpf_peers.h"
#include "descriptor.h"
#include "flow.h"
#include "memory_limit.h"
#include "memory_need.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRIAL_VALUE 4096
#define TRIAL_US    20000 /* the kernel frees a map when it finds the time */

/* Logs what libbpf says: it may pass a whole verifier log, many lines, in one call. */
__attribute__((format(printf, 2, 0))) static int libbpf_says(enum libbpf_print_level level,
							     const char *format, va_list args)
{
	enum log_level ours = level == LIBBPF_WARN ? LEVEL_DEBUG : LEVEL_TRACE;
	char *text, *rest, *line;

	if (log_get_level() > ours || vasprintf(&text, format, args) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_message(ours, "%s", line);
	free(text);
	return 0;
}

/* Without CAP_PERFMON (or CAP_SYS_ADMIN, which implies it) the verifier also follows what a CPU
 * might execute speculatively, and gives up on our loops with one of several errors. */
static bool may_load_loops(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data))
		return true; /* cannot tell: do not blame the capabilities */
	return data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN) ||
	       data[CAP_TO_INDEX(CAP_PERFMON)].effective & CAP_TO_MASK(CAP_PERFMON);
}

static int explain(char reason[BACKEND_REASON], const char *what, int err)
{
	const char *hint = "";

	if (err == -EPERM || err == -EACCES || !may_load_loops())
		hint = " (needs root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)";
	else if (err == -ENOSYS)
		hint = " (the kernel is built without BPF)";
	else if (err != -ENOMEM && libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 0)
		hint = " (BPF ring buffers need Linux 5.8)";
	snprintf(reason, BACKEND_REASON, "%s: %s%s", what, strerror(-err), hint);
	return err;
}

static void write_settings(struct metro *skel, const struct backend_settings *s, bool replay)
{
	skel->rodata->mark_mask = s->marks - 1;
	skel->rodata->batch_limit = s->batch_limit;
	skel->rodata->batch_age = s->batch_age;
	skel->rodata->max_flows = s->max_flows;
	skel->rodata->wake_bytes = s->batch_limit > 1 ? RECORDS_BYTES / 4 : 0;
	skel->rodata->replay = replay;
	bpf_map__set_value_size(skel->maps.blank_flow, FLOW_SIZE(s->marks));
	bpf_program__set_autoload(skel->progs.metro_in_xdp, s->hook == HOOK_XDP);
}

/*
 * Since Linux 6.17, what verifying the programs takes is charged to the container, and beyond its
 * limit the kernel does not fail to load them but ends us. For the memory of a map, it does fail.
 * So one is made for a moment that is as large as all that is still to come.
 */
static int try_memory(void)
{
	const struct memory_terms terms = {
		.bpf = true,
		.cpus = (unsigned int)libbpf_num_possible_cpus(),
		.verifier_is_charged = memory_kernel_is(6, 17),
	};
	struct memory_need need = memory_need_of(&terms);
	int fd;

	if (!terms.verifier_is_charged)
		return 0;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "metro_trial", sizeof(__u32), TRIAL_VALUE,
			    (__u32)(need.loading / TRIAL_VALUE), NULL);
	if (fd < 0)
		return -errno;
	close(fd);
	usleep(TRIAL_US);
	return 0;
}

int bpf_programs_load(struct bpf_programs *p, const struct backend_settings *settings, bool replay,
		      char reason[BACKEND_REASON])
{
	int err;

	*p = (struct bpf_programs){.flows = -1, .hosts = -1};
	libbpf_set_print(libbpf_says);
	if (settings->marks > MARKS_MAX_BPF) {
		snprintf(reason, BACKEND_REASON,
			 "BPF keeps at most %d marks per flow; use fewer, or --backend pcap",
			 MARKS_MAX_BPF);
		return -EINVAL;
	}
	p->skel = metro__open();
	if (!p->skel)
		return explain(reason, "cannot open the BPF object", -errno);
	write_settings(p->skel, settings, replay);
	p->flows = flow_map_create(settings->marks, settings->max_flows);
	if (p->flows < 0)
		return explain(reason, "cannot make the BPF map of flows", p->flows);
	err = try_memory();
	if (err)
		return explain(reason, "no room to load the BPF programs", err);
	err = bpf_map__reuse_fd(p->skel->maps.flows, p->flows);
	if (err)
		return explain(reason, "cannot use the BPF map of flows", err);
	err = metro__load(p->skel);
	if (err)
		return explain(reason, "cannot load the BPF programs", err);
	peer_filter_clear(&p->skel->bss->peer_filters.filters[0], PEER_FILTER_BITS_MAX);
	return 0;
}

void bpf_programs_unload(struct bpf_programs *p)
{
	metro__destroy(p->skel);
	descriptor_close(&p->flows);
	descriptor_close(&p->hosts);
	free(p->interfaces);
	port_groups_clear(&p->groups);
	*p = (struct bpf_programs){.flows = -1, .hosts = -1};
}

int bpf_programs_counters(const struct bpf_programs *p, __u64 values[COUNTERS])
{
	int cpus = libbpf_num_possible_cpus(), fd = bpf_map__fd(p->skel->maps.counters), err = 0;
	struct counters *per_cpu;
	__u32 zero = 0;

	memset(values, 0, COUNTERS * sizeof(*values));
	if (cpus < 0)
		return cpus;
	per_cpu = calloc((size_t)cpus, sizeof(*per_cpu));
	if (!per_cpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &zero, per_cpu))
		err = -errno;
	for (int cpu = 0; cpu < cpus; cpu++)
		for (int i = 0; i < COUNTERS; i++)
			values[i] += per_cpu[cpu].values[i];
	free(per_cpu);
	return err;
}

void bpf_programs_sight(const struct bpf_programs *p, __u32 ifindex, bool begin)
{
	const struct sightings none = {};
	int fd = bpf_map__fd(p->skel->maps.sightings);

	if (!begin)
		bpf_map_delete_elem(fd, &ifindex);
	else if (bpf_map_update_elem(fd, &ifindex, &none, BPF_ANY))
		log_debug("interface %u: cannot count what passes: %s", ifindex, strerror(errno));
}

struct sightings bpf_programs_sightings(const struct bpf_programs *p, __u32 ifindex)
{
	struct sightings sightings = {};

	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.sightings), &ifindex, &sightings))
		return (struct sightings){};
	return sightings;
}
