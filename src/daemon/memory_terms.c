/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts what a configuration asks for, of all that the need of memory depends on. */
#include "memory_terms.h"

#include "memory_limit.h"
#include "peers_sets.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUANTILES (METRIC_BIT(METRIC_P50) | METRIC_BIT(METRIC_P95) | METRIC_BIT(METRIC_P99))

static void add_instance(struct memory_terms *terms, const struct instance *instance)
{
	terms->addresses += instance->hosts_count;
	for (size_t i = 0; i < instance->ips_count; i++)
		if (prefix_is_host(&instance->ips[i]))
			terms->addresses++;
		else
			terms->networks++;
}

/* So many interfaces have these instances, and share their peers. */
static void add_set(struct memory_terms *terms, const struct config *config, const __u32 *instances,
		    size_t count, size_t interfaces)
{
	struct memory_terms set = {};
	__u64 peers;

	for (size_t i = 0; i < count; i++)
		add_instance(&set, &config->instances[instances[i]]);
	peers = set.addresses + set.networks;
	terms->interfaces += interfaces;
	terms->addresses += set.addresses;
	terms->networks += set.networks;
	terms->pairs += set.addresses * interfaces;
	terms->filtered += (peers < MEMORY_FILTERED ? peers : MEMORY_FILTERED) * interfaces;
}

static size_t count_interfaces(const struct peers_sets *sets, __u32 set)
{
	size_t count = 0;

	for (size_t i = 0; i < sets->interfaces_count; i++)
		count += sets->interfaces[i].set == set;
	return count;
}

static bool some_arrive(const struct config *config)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (direction_ways(config->instances[i].direction) & WAY_IN)
			return true;
	return false;
}

/* Those of before with the same interfaces have been counted with them. */
static bool is_later(const struct config *config, size_t instance)
{
	const struct instance *all = config->instances;

	for (size_t i = 0; i < instance; i++)
		if (!all[i].pcap && !strcmp(all[i].interface, all[instance].interface))
			return true;
	return false;
}

/* None of its interfaces is there: it counts as one, with all instances that say the same. */
static void add_awaited(struct memory_terms *terms, const struct config *config, size_t instance,
			__u32 *instances)
{
	const struct instance *all = config->instances;
	size_t count = 0;

	for (size_t i = instance; i < config->instances_count; i++)
		if (!all[i].pcap && !strcmp(all[i].interface, all[instance].interface))
			instances[count++] = (__u32)i;
	add_set(terms, config, instances, count, 1);
}

static bool is_there(const struct peers_sets *sets, size_t instance)
{
	for (size_t i = 0; i < sets->count; i++)
		if (peers_set_has(&sets->at[i], instance))
			return true;
	return false;
}

/* room: for a number by instance, zeros. */
static void add_instances(struct memory_terms *terms, const struct config *config,
			  const struct links *links, __u32 *room)
{
	struct peers_sets sets;

	peers_sets_make(&sets, config, room, links, NULL); /* or there are none */
	for (size_t i = 0; i < sets.count; i++)
		add_set(terms, config, sets.at[i].instances, sets.at[i].count,
			count_interfaces(&sets, sets.at[i].number));
	for (size_t i = 0; i < config->instances_count; i++)
		if (!config->instances[i].pcap && !is_there(&sets, i) && !is_later(config, i))
			add_awaited(terms, config, i, room);
	peers_sets_clear(&sets);
}

struct memory_terms memory_terms_of(const struct config *config, const struct links *links,
				    unsigned int marks, bool bpf)
{
	__u32 *room = calloc(config->instances_count + 1, sizeof(*room));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct memory_terms terms = {
		.bpf = bpf,
		.max_flows = config->max_flows,
		.marks = marks,
		.pcap_buffer = config->pcap_buffer << 20,
		.reverse_names = config->reverse_names,
		.max_series = config->max_series,
		.quantiles = config->metrics & QUANTILES,
		.distribution = config->distribution,
		.cpus = cpus > 0 ? (unsigned int)cpus : 1,
		.verifier_is_charged = memory_kernel_is(6, 17),
		.arriving = some_arrive(config),
	};

	if (room)
		add_instances(&terms, config, links, room);
	free(room);
	return terms;
}
