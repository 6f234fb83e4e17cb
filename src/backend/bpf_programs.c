/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads the skeleton with the settings as constants. */
#include "bpf_programs.h"
#include "array.h"
#include "bpf_exchange.h"
#include "bpf_filter.h"
#include "bpf_flows.h"
#include "descriptor.h"
#include "flow_slot.h"
#include "key_hash.h"
#include "memory_limit.h"
#include "memory_need.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIAL_VALUE (1 << 20)
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

void bpf_programs_log(void)
{
	libbpf_set_print(libbpf_says);
}

static int explain(char reason[BACKEND_REASON], const char *what, int err)
{
	snprintf(reason, BACKEND_REASON, "%s: %s", what, strerror(-err));
	return err;
}

/* Of the skeleton, by their place in it: those for data that arrives. */
static const size_t arriving[] = {
	offsetof(struct metro, progs.metro_data_in_eth),
	offsetof(struct metro, progs.metro_data_in_ip),
	offsetof(struct metro, progs.metro_ack_out_eth),
	offsetof(struct metro, progs.metro_ack_out_ip),
};

static struct bpf_program *arriving_program(struct metro *skel, size_t i)
{
	return *(struct bpf_program **)((char *)skel + arriving[i]);
}

static void size_table(struct metro *skel, __u32 max_flows)
{
	__u32 bits = flow_index_bits(max_flows);
	struct key_hash_secret secret;

	key_hash_draw(&secret);
	skel->rodata->index_factor = secret.words[0] | 1;
	skel->rodata->index_shift = 32 - bits;
	skel->rodata->max_flows = max_flows;
	bpf_map__set_max_entries(skel->maps.flow_index, 1u << bits);
	bpf_map__set_max_entries(skel->maps.free_slots, max_flows);
}

static void write_settings(struct metro *skel, const struct backend_settings *s, bool replay)
{
	skel->rodata->mark_mask = s->marks - 1;
	skel->rodata->batch_limit = s->batch_limit;
	skel->rodata->batch_age = s->batch_age;
	skel->rodata->wake_bytes = s->batch_limit > 1 || s->delay_ns ? RECORDS_BYTES / 4 : 0;
	skel->rodata->wake_first = s->delay_ns;
	skel->rodata->exchanges = bpf_exchange_works();
	skel->rodata->replay = replay;
	size_table(skel, s->max_flows);
	bpf_program__set_autoload(skel->progs.metro_in_xdp, s->hook == HOOK_XDP);
	for (size_t i = 0; i < ARRAY_SIZE(arriving); i++)
		bpf_program__set_autoload(arriving_program(skel, i), false);
}

/*
 * Since Linux 6.17, what verifying the programs takes is charged to the container, and beyond its
 * limit the kernel does not fail to load them but ends us. For the memory of a map, it does fail.
 * So one is made for a moment that is as large as all that is still to come. A power of two of
 * entries: without CAP_PERFMON, the kernel makes it one (array_map_alloc).
 */
static int try_memory(__u64 bytes)
{
	__u32 entries = 1;
	int fd;

	if (!memory_kernel_is(6, 17))
		return 0;
	while (bytes / entries > TRIAL_VALUE)
		entries *= 2;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "metro_trial", sizeof(__u32),
			    (__u32)(bytes / entries), entries, NULL);
	if (fd < 0)
		return -errno;
	close(fd);
	usleep(TRIAL_US);
	return 0;
}

/* The slots of flows are there already. */
static int try_loading(const struct backend_settings *settings)
{
	const struct memory_terms terms = {
		.bpf = true,
		.max_flows = settings->max_flows,
		.marks = settings->marks,
		.cpus = (unsigned int)libbpf_num_possible_cpus(),
		.verifier_is_charged = true,
	};
	struct memory_need need = memory_need_of(&terms);

	return try_memory(need.loading - need.flows);
}

static int check_size(const struct backend_settings *settings, char reason[BACKEND_REASON])
{
	/* 32 bits had to do for where in an array something is (array_map_lookup_elem). */
	__u64 most = memory_kernel_is(6, 0) ? ~0ull : UINT32_MAX / FLOW_SLOT_SIZE(settings->marks);

	if (settings->marks > MARKS_MAX_BPF) {
		snprintf(reason, BACKEND_REASON,
			 "BPF keeps at most %d marks per flow; use fewer, or --backend pcap",
			 MARKS_MAX_BPF);
		return -EINVAL;
	}
	if (settings->max_flows > most) {
		snprintf(reason, BACKEND_REASON,
			 "before Linux 6.0, BPF keeps at most %llu flows of %u marks; use fewer, "
			 "or --backend pcap",
			 most, settings->marks);
		return -EINVAL;
	}
	return 0;
}

static int open_skeleton(struct bpf_programs *p, const struct backend_settings *settings,
			 bool replay, char reason[BACKEND_REASON])
{
	int err;

	*p = BPF_PROGRAMS_NONE;
	bpf_programs_log();
	err = check_size(settings, reason);
	if (err)
		return err;
	if (!bpf_exchange_works())
		bpf_exchange_remove();
	p->skel = metro__open();
	if (!p->skel)
		return explain(reason, "cannot open the BPF object", -errno);
	write_settings(p->skel, settings, replay);
	return 0;
}

static int load_skeleton(struct bpf_programs *p, const struct backend_settings *settings,
			 char reason[BACKEND_REASON])
{
	int err;

	p->flows =
		flow_map_create(settings->marks, settings->max_flows, !p->skel->rodata->exchanges);
	if (p->flows < 0)
		return explain(reason, "cannot make the BPF map of flows", p->flows);
	err = try_loading(settings);
	if (err)
		return explain(reason, "no room to load the BPF programs", err);
	err = bpf_map__reuse_fd(p->skel->maps.flows, p->flows);
	if (err)
		return explain(reason, "cannot use the BPF map of flows", err);
	err = metro__load(p->skel);
	if (err)
		return explain(reason, "cannot load the BPF programs", err);
	peer_filter_clear(&p->skel->bss->peer_filters.filters[0], 0);
	return 0;
}

int bpf_programs_load(struct bpf_programs *p, const struct backend_settings *settings, bool replay,
		      char reason[BACKEND_REASON])
{
	int err = open_skeleton(p, settings, replay, reason);

	return err ? err : load_skeleton(p, settings, reason);
}

int bpf_programs_try(struct bpf_programs *p, const struct backend_settings *settings, bool bare_ip,
		     char reason[BACKEND_REASON])
{
	int err = open_skeleton(p, settings, false, reason);

	if (err)
		return err;
	bpf_program__set_autoload(p->skel->progs.metro_out_eth, !bare_ip);
	bpf_program__set_autoload(p->skel->progs.metro_in_eth, !bare_ip);
	bpf_program__set_autoload(p->skel->progs.metro_out_ip, bare_ip);
	bpf_program__set_autoload(p->skel->progs.metro_in_ip, bare_ip);
	return load_skeleton(p, settings, reason);
}

/* The settings are in one of the maps. */
static int share_maps(struct metro *skel, const struct metro *with)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, skel->obj)
	{
		const struct bpf_map *same =
			bpf_object__find_map_by_name(with->obj, bpf_map__name(map));

		err = err ? err : bpf_map__reuse_fd(map, bpf_map__fd(same));
	}
	return err;
}

static int load_arriving(struct bpf_programs *p, char reason[BACKEND_REASON])
{
	struct bpf_program *program;
	struct metro *skel;
	int err = try_memory(MEMORY_VERIFYING);

	if (err)
		return explain(reason, "no room to load the BPF programs for data that arrives",
			       err);
	skel = metro__open();
	if (!skel)
		return explain(reason, "cannot open the BPF object", -errno);
	bpf_object__for_each_program(program, skel->obj) bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < ARRAY_SIZE(arriving); i++)
		bpf_program__set_autoload(arriving_program(skel, i), true);
	err = share_maps(skel, p->skel);
	if (!err)
		err = metro__load(skel);
	if (err) {
		metro__destroy(skel);
		return explain(reason, "cannot load the BPF programs for data that arrives", err);
	}
	p->arriving = skel;
	return 0;
}

int bpf_programs_load_arriving(struct bpf_programs *p, char reason[BACKEND_REASON])
{
	static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
	int err;

	pthread_mutex_lock(&loading);
	err = p->arriving ? 0 : load_arriving(p, reason);
	pthread_mutex_unlock(&loading);
	return err;
}

void bpf_programs_unload(struct bpf_programs *p)
{
	metro__destroy(p->arriving);
	metro__destroy(p->skel);
	descriptor_close(&p->flows);
	descriptor_close(&p->hosts);
	held_interfaces_clear(&p->interfaces);
	held_peers_clear(&p->held);
	port_groups_clear(&p->groups);
	*p = BPF_PROGRAMS_NONE;
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

void bpf_programs_sight(const struct bpf_programs *p, __u32 number, bool begin)
{
	const struct sightings none = {};
	int fd = bpf_map__fd(p->skel->maps.sightings);

	if (!begin)
		bpf_map_delete_elem(fd, &number);
	else if (bpf_map_update_elem(fd, &number, &none, BPF_ANY))
		log_debug("interface %u: cannot count what passes: %s",
			  interface_number_index(number), strerror(errno));
}

struct sightings bpf_programs_sightings(const struct bpf_programs *p, __u32 number)
{
	struct sightings sightings = {};

	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.sightings), &number, &sightings))
		return (struct sightings){};
	return sightings;
}
