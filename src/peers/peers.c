/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Builds the table from instances and names whenever one of them changes, and answers questions
 * from it. */
#include "peers_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "local_addresses.h"
#include "log.h"
#include "peers_files.h"

static bool reads_file(const struct instance *instance)
{
	return instance->pcap != NULL;
}

/* ---- the table ---- */

size_t peers_room_of(const struct peers *peers, const struct instance *instance)
{
	size_t room = instance->ips_count;

	for (size_t i = 0; i < instance->hosts_count; i++) {
		const struct host *host = peer_names_host(&peers->names, instance->hosts[i]);

		room += host->count + host->former_count;
	}
	return room;
}

/* Everything that instances may put into it. */
static size_t room_needed(const struct peers *peers)
{
	size_t room = 0;

	for (size_t i = 0; i < peers->sets.count; i++) {
		const struct peers_set *set = &peers->sets.at[i];

		for (size_t k = 0; k < set->count; k++)
			room += peers_room_of(peers, &peers->config->instances[set->instances[k]]);
	}
	return room;
}

static int add_present(struct peers_table *table, struct peer *peer, const struct host *host)
{
	int err = 0;

	for (size_t i = 0; i < host->count && !err; i++) {
		peer->prefix.addr = host->addrs[i];
		err = peers_table_add(table, peer, 0);
	}
	return err;
}

/* An address that now belongs to another host, or is listed itself, no longer has this host's name.
 */
static int add_kept(struct peers_table *table, struct peer *peer, const struct host *host)
{
	int err = 0;

	for (size_t i = 0; i < host->former_count && host->former[i].kept && !err; i++) {
		peer->prefix.addr = host->former[i].addr;
		if (!peers_table_has(table, peer))
			err = peers_table_add(table, peer, 0);
	}
	return err;
}

static int add_former(struct peers_table *table, struct peer *peer, const struct host *host)
{
	int err = 0;

	for (size_t i = 0; i < host->former_count && !err; i++) {
		peer->prefix.addr = host->former[i].addr;
		if (!host->former[i].kept)
			err = peers_table_add(table, peer, host->former[i].until_ns);
	}
	return err;
}

/* Calls one of these for each of the instance's hosts. */
static int add_hosts_of(struct peers_table *table, const struct peers *peers, struct peer *peer,
			int (*add)(struct peers_table *table, struct peer *peer,
				   const struct host *host))
{
	int err = 0;

	peer->prefix.bits = PREFIX_BITS;
	for (size_t i = 0; i < peer->instance->hosts_count && !err; i++) {
		const struct host *host = peer_names_host(&peers->names, peer->instance->hosts[i]);

		peer->name = host->shown;
		err = add(table, peer, host);
	}
	return err;
}

static int add_instance(struct peers_table *table, const struct peers *peers, __u32 set,
			const struct instance *instance)
{
	struct peer peer = {.set = set, .instance = instance};
	int err = 0;

	for (size_t i = 0; i < instance->ips_count && !err; i++) {
		peer.prefix = instance->ips[i];
		err = peers_table_add(table, &peer, 0);
	}
	if (!err)
		err = add_hosts_of(table, peers, &peer, add_present);
	if (!err)
		err = add_hosts_of(table, peers, &peer, add_kept);
	return err ? err : add_hosts_of(table, peers, &peer, add_former);
}

static bool is_measured(const struct peers *peers, const struct peers_entry *entry)
{
	return !entry->until_ns && !peers->resting[entry->peer.instance - peers->config->instances];
}

static void list_measured(struct peers *peers)
{
	peers->measured_count = 0;
	for (size_t i = 0; i < peers->table.count; i++) {
		const struct peers_entry *entry = &peers->table.entries[i];

		if (is_measured(peers, entry) && !reads_file(entry->peer.instance))
			peers->measured[peers->measured_count++] = &entry->peer;
	}
}

static int fill_table(struct peers_table *table, const struct peers *peers)
{
	int err = 0;

	for (size_t i = 0; i < peers->sets.count; i++) {
		const struct peers_set *set = &peers->sets.at[i];

		for (size_t k = 0; k < set->count && !err; k++)
			err = add_instance(table, peers, set->number,
					   &peers->config->instances[set->instances[k]]);
	}
	return err;
}

int peers_rebuild(struct peers *peers)
{
	size_t room = (peers_sets_prune(&peers->sets), room_needed(peers));
	const struct peer **measured = calloc(room + 1, sizeof(const struct peer *));
	struct peers_table table = {0};
	int err = measured ? peers_table_init(&table, room) : -ENOMEM;

	if (!err)
		err = fill_table(&table, peers);
	if (err) {
		peers_table_clear(&table);
		free(measured);
		return err;
	}
	peers_table_clear(&peers->table);
	free(peers->measured);
	peers->table = table;
	peers->measured = measured;
	peers->changed = false;
	list_measured(peers);
	peers_count_kept(peers);
	return 0;
}

/* ---- life ---- */

__u32 peers_file_index(const struct peers *peers, const char *path)
{
	return peers_files_find(peers->config, peers->files, path);
}

static int add_hosts(struct peers *peers)
{
	int err = 0;

	for (size_t i = 0; i < peers->config->instances_count; i++) {
		const struct instance *instance = &peers->config->instances[i];

		for (size_t j = 0; j < instance->hosts_count && !err; j++)
			err = peer_names_add_host(&peers->names, instance->hosts[j]);
	}
	return err;
}

static int make_room(struct peers *peers, size_t room)
{
	peers->files = calloc(room, sizeof(*peers->files));
	peers->resting = calloc(room, sizeof(*peers->resting));
	peers->told_local = calloc(room, sizeof(*peers->told_local));
	peers->loopback = calloc(room, sizeof(*peers->loopback));
	return peers->files && peers->resting && peers->told_local && peers->loopback ? 0 : -ENOMEM;
}

static int fill(struct peers *peers, const struct config *config, const struct links *links)
{
	int err;

	peers->config = config;
	err = make_room(peers, config->instances_count + 1);
	if (err)
		return err;
	err = peers_ports_make(&peers->ports, config);
	if (err)
		return err;
	peers_files_number(config, peers->files, NULL, NULL);
	peers_note_loopback(peers, links);
	err = peers_sets_make(&peers->sets, config, peers->files, links, NULL);
	err = err < 0 ? err : add_hosts(peers);
	return err ? err : peers_rebuild(peers);
}

int peers_new(struct peers **result, const struct config *config, const struct links *links)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	int err = peers ? fill(peers, config, links) : -ENOMEM;

	if (err)
		peers_free(peers);
	else
		*result = peers;
	return err;
}

void peers_free(struct peers *peers)
{
	if (!peers)
		return;
	peers_table_clear(&peers->table);
	peer_names_clear(&peers->names);
	free(peers->measured);
	peers_sets_clear(&peers->sets);
	peers_ports_clear(&peers->ports);
	free(peers->files);
	free(peers->resting);
	free(peers->told_local);
	free(peers->loopback);
	free(peers);
}

/* ---- addresses of this host ---- */

/* Does the instance have peers, all of them known to be addresses of this host? */
static bool all_local(const struct peers *peers, const struct instance *instance,
		      const struct local_addresses *local)
{
	for (size_t i = 0; i < instance->ips_count; i++)
		if (!prefix_is_host(&instance->ips[i]) ||
		    !local_addresses_have(local, &instance->ips[i].addr))
			return false;
	for (size_t i = 0; i < instance->hosts_count; i++) {
		const struct host *host = peer_names_host(&peers->names, instance->hosts[i]);

		for (size_t j = 0; j < host->count; j++)
			if (!local_addresses_have(local, &host->addrs[j]))
				return false;
		if (!host->count)
			return false;
	}
	return instance->ips_count || instance->hosts_count;
}

void peers_warn_local(struct peers *peers)
{
	struct local_addresses local = {0};

	if (local_addresses_read(&local))
		return; /* it is only a hint */
	for (size_t i = 0; i < peers->config->instances_count; i++) {
		const struct instance *instance = &peers->config->instances[i];

		if (peers->told_local[i] || reads_file(instance) ||
		    !all_local(peers, instance, &local) || peers->loopback[i])
			continue;
		peers->told_local[i] = true;
		log_warning("instances[%zu] on %s: all peers are addresses of this host, so "
			    "nothing will be measured; name the hosts at the other end",
			    i, instance->interface);
	}
	local_addresses_free(&local);
}

/* ---- what to measure ---- */

static bool any_measured(const struct peers *peers, const struct peers_entry *entry, __u64 lists)
{
	while (entry &&
	       !(is_measured(peers, entry) && instance_takes_ports(entry->peer.instance, lists)))
		entry = entry->next;
	return entry != NULL;
}

bool peers_match(const struct peers *peers, const struct flow_key *flow)
{
	const struct peers_entry *entry;
	__u32 set = peers_set_of(peers, flow->ifindex);
	__u64 lists = peers_ports_of_flow(&peers->ports, flow);
	size_t at = 0;

	while ((entry = peers_table_next(&peers->table, set, &flow->peer, &at)))
		if (any_measured(peers, entry, lists))
			return true;
	return false;
}

const struct peers_ports *peers_ports(const struct peers *peers)
{
	return &peers->ports;
}

__u64 peers_port_lists(const struct peers *peers, const struct peer *peer)
{
	const struct peers_entry *entry;
	__u64 lists = 0;
	size_t at = 0;

	if (!peers->ports.count)
		return 0;
	while ((entry = peers_table_next(&peers->table, peer->set, &peer->prefix.addr, &at))) {
		if (entry->key.bits > peer->prefix.bits)
			continue; /* it has only part of the peer's addresses */
		for (; entry; entry = entry->next) {
			if (!is_measured(peers, entry))
				continue;
			if (!entry->peer.instance->ports)
				return 0;
			lists |= instance_port_lists(entry->peer.instance);
		}
	}
	return lists;
}

size_t peers_count(const struct peers *peers)
{
	return peers->measured_count;
}

const struct peer *peers_at(const struct peers *peers, size_t i)
{
	return peers->measured[i];
}

bool peers_rest(struct peers *peers, size_t instance_index, bool resting)
{
	if (peers->resting[instance_index] == resting)
		return false;
	peers->resting[instance_index] = resting;
	list_measured(peers);
	return true;
}
