/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happens to the table when a host name's addresses change: the old ones stay while they have
 * flows. */
#include "peers_state.h"

#include <errno.h>

#include "clock.h"
#include "log.h"
#include "peers_files.h"

/* An address that is no longer kept has its name for this long after its last report, for late
 * samples. */
#define FORMER_NS 60000000000ull

/* How long the name of an address that is no longer kept is known. */
static __u64 named_ns(const struct peers *peers)
{
	return (__u64)(peers->config->report_interval_s * 2e9) + FORMER_NS;
}

/* Calls fn for every host of every instance: some hosts come more than once. */
static void each_host(struct peers *peers,
		      void (*fn)(struct peers *peers, size_t instance, struct host *host))
{
	for (size_t i = 0; i < peers->config->instances_count; i++) {
		const struct instance *instance = &peers->config->instances[i];

		for (size_t j = 0; j < instance->hosts_count; j++)
			fn(peers, i, peer_names_host(&peers->names, instance->hosts[j]));
	}
}

/* ---- addresses that are kept ---- */

/* Has the address flows on some interface of the instance? */
static bool has_flows(const struct peers *peers, size_t instance, const struct address *addr)
{
	for (size_t i = 0; i < peers->sets.count; i++) {
		const struct peers_set *set = &peers->sets.at[i];
		const struct peers_entry *entry =
			peers_table_find(&peers->table, set->number, addr);

		if (entry && entry->has_flows && peers_set_has(set, instance))
			return true;
	}
	return false;
}

static void note_flows_of(struct peers *peers, size_t instance, struct host *host)
{
	for (size_t i = 0; i < host->former_count && host->former[i].kept; i++) {
		if (has_flows(peers, instance, &host->former[i].addr))
			peer_names_see_flow(&host->former[i]);
		else if (peers->resting[instance]) /* no flows, but perhaps connections */
			host->former[i].alive_ns = monotonic_ns();
	}
}

void peers_note_flows(struct peers *peers)
{
	if (!peers->kept_count)
		return;
	each_host(peers, note_flows_of);
	for (size_t i = 0; i < peers->table.count; i++)
		peers->table.entries[i].has_flows = false;
}

static void count_kept_of(struct peers *peers, size_t instance, struct host *host)
{
	(void)instance;
	for (size_t i = 0; i < host->former_count && host->former[i].kept; i++)
		peers->kept_count++;
}

void peers_count_kept(struct peers *peers)
{
	peers->kept_count = 0;
	each_host(peers, count_kept_of);
}

bool peers_keep(const struct peers *peers)
{
	return peers->kept_count;
}

void peers_see_flow(const struct peers *peers, __u32 ifindex, const struct address *peer)
{
	struct peers_entry *entry =
		peers_table_find(&peers->table, peers_set_of(peers, ifindex), peer);

	if (entry)
		entry->has_flows = true;
}

int peers_forget_idle(struct peers *peers)
{
	struct host *host, *next;

	if (!peers->kept_count)
		return 0;
	peers_note_flows(peers);
	HASH_ITER (hh, peers->names.hosts, host, next)
		peers->changed |= peer_names_forget_idle(host, peers->config->idle_ttl_s * NS_PER_S,
							 named_ns(peers));
	return peers_update(peers);
}

/* ---- names ---- */

static void say_crowded(struct host *host, bool was_crowded)
{
	if (host->crowded && !was_crowded)
		log_warning(
			"host %s: more than %d former addresses, which the name server no longer "
			"gives, still have connections; the oldest are no longer measured",
			host->name, KEPT_MAX);
}

int peers_set_host(struct peers *peers, const char *name, const struct address *addrs, size_t count)
{
	struct host *host = peer_names_host(&peers->names, name);
	bool was_crowded = host && host->crowded;
	int changed;

	if (!host)
		return 0;
	changed = peer_names_set_host(host, addrs, count, named_ns(peers));
	say_crowded(host, was_crowded);
	peers->changed |= changed > 0;
	return changed;
}

int peers_update(struct peers *peers)
{
	int err;

	if (!peers->changed)
		return 0;
	peers_note_flows(peers);
	err = peers_rebuild(peers);
	return err ? err : 1;
}

int peers_set_address_name(struct peers *peers, const struct address *addr, const char *name)
{
	return peer_names_set_reverse(&peers->names, addr, name);
}

static int inherit_reverse_names(struct peers *peers, const struct peers *from,
				 const struct instance *instance)
{
	for (size_t i = 0; i < instance->ips_count; i++) {
		const struct address *addr = &instance->ips[i].addr;
		const char *name;

		if (!prefix_is_host(&instance->ips[i]))
			continue;
		name = peer_names_reverse(&from->names, addr);
		if (name && peers_set_address_name(peers, addr, name) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int inherit_host(struct peers *peers, const struct host *from)
{
	struct host *host = peer_names_host(&peers->names, from->name);

	return host ? peer_names_copy_host(host, from) : 0;
}

/* Files and sets keep the numbers that they had. */
static int inherit_numbers(struct peers *peers, const struct peers *from)
{
	const struct config *config = peers->config;
	__u32 *files = calloc(config->instances_count + 1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	peers_files_number(config, files, from->config, from->files);
	peers_sets_renumber(&peers->sets, peers->files, files, config->instances_count);
	free(peers->files);
	peers->files = files;
	return peers_sets_inherit(&peers->sets, &from->sets);
}

int peers_inherit(struct peers *peers, const struct peers *from)
{
	const struct config *config = peers->config;
	struct host *host, *next;
	int err = inherit_numbers(peers, from);

	peers->changed = true;
	HASH_ITER (hh, from->names.hosts, host, next)
		if (!err)
			err = inherit_host(peers, host);
	for (size_t i = 0; i < config->instances_count && err >= 0 && config->reverse_names; i++)
		err = inherit_reverse_names(peers, from, &config->instances[i]);
	if (err >= 0)
		err = peers_update(peers);
	return err < 0 ? err : 0;
}
