/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Out of memory is the caller's to handle: uthash would call exit(). hh.tbl is NULL then. */
#define HASH_NONFATAL_OOM 1

#include "peers.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "log.h"
#include "peer.h"

/* A host name of the configuration and its present addresses. */
struct host {
	const char *name;      /* the configuration's; the key */
	char *shown;           /* without the trailing dot of a complete name */
	struct address *addrs; /* sorted, each once */
	size_t count;
	UT_hash_handle hh;
};

/* One address of one instance. The same address in other instances hangs behind the first. */
struct entry {
	struct peer_host key;
	struct peer peer;
	struct entry *next;
	UT_hash_handle hh;
};

/* What follows from the configuration, the interfaces and the hosts; rebuilt when those change. */
struct table {
	struct entry *entries, *by_address;
	size_t entries_count;
	struct peer *networks; /* in the order of the instances */
	size_t networks_count;
};

struct peers {
	const struct config *config;
	__u32 *ifindices; /* by instance; 0: no such interface now */
	struct host *hosts;
	struct table table;
};

static void table_clear(struct table *table)
{
	HASH_CLEAR(hh, table->by_address);
	free(table->entries);
	free(table->networks);
}

static struct entry *find_entry(const struct table *table, __u32 ifindex,
				const struct address *addr)
{
	struct peer_host key = {.ifindex = ifindex, .addr = *addr};
	struct entry *entry;

	HASH_FIND(hh, table->by_address, &key, sizeof(key), entry);
	return entry;
}

static struct host *find_host(const struct peers *peers, const char *name)
{
	struct host *host;

	HASH_FIND_STR(peers->hosts, name, host);
	return host;
}

/* Room for everything that instances may put into the table. */
static int table_allocate(struct table *table, const struct peers *peers)
{
	size_t entries = 1, networks = 1;

	for (size_t i = 0; i < peers->config->instances_count; i++) {
		const struct instance *instance = &peers->config->instances[i];

		networks += instance->ips_count;
		entries += instance->ips_count;
		for (size_t j = 0; j < instance->hosts_count; j++)
			entries += find_host(peers, instance->hosts[j])->count;
	}
	*table = (struct table){
		.entries = calloc(entries, sizeof(*table->entries)),
		.networks = calloc(networks, sizeof(*table->networks)),
	};
	return table->entries && table->networks ? 0 : -ENOMEM;
}

static int add_address(struct table *table, const struct peer *peer)
{
	struct entry *entry = &table->entries[table->entries_count];
	struct entry *last = find_entry(table, peer->ifindex, &peer->prefix.addr);

	while (last && last->next)
		last = last->next;
	if (last && last->peer.instance == peer->instance) { /* listed twice */
		if (!last->peer.name)
			last->peer.name = peer->name;
		return 0;
	}
	entry->key.ifindex = peer->ifindex;
	entry->key.addr = peer->prefix.addr;
	entry->peer = *peer;
	if (last) {
		last->next = entry;
	} else {
		HASH_ADD(hh, table->by_address, key, sizeof(entry->key), entry);
		if (!entry->hh.tbl)
			return -ENOMEM;
	}
	table->entries_count++;
	return 0;
}

static void add_network(struct table *table, const struct peer *peer)
{
	for (size_t i = table->networks_count; i-- > 0;) {
		const struct peer *other = &table->networks[i];

		if (other->instance != peer->instance)
			break;
		if (memcmp(&other->prefix, &peer->prefix, sizeof(peer->prefix)) == 0)
			return;
	}
	table->networks[table->networks_count++] = *peer;
}

static int add_instance(struct table *table, const struct peers *peers, __u32 ifindex,
			const struct instance *instance)
{
	struct peer peer = {.ifindex = ifindex, .instance = instance};
	int err = 0;

	for (size_t i = 0; i < instance->ips_count && !err; i++) {
		peer.prefix = instance->ips[i];
		if (prefix_is_host(&peer.prefix))
			err = add_address(table, &peer);
		else
			add_network(table, &peer);
	}
	peer.prefix.bits = 128;
	for (size_t i = 0; i < instance->hosts_count; i++) {
		const struct host *host = find_host(peers, instance->hosts[i]);

		peer.name = host->shown;
		for (size_t j = 0; j < host->count && !err; j++) {
			peer.prefix.addr = host->addrs[j];
			err = add_address(table, &peer);
		}
	}
	return err;
}

/* Makes the table anew from what is known now; after -ENOMEM the old one stays. */
static int rebuild(struct peers *peers)
{
	const struct config *config = peers->config;
	struct table table;
	int err = table_allocate(&table, peers);

	for (size_t i = 0; i < config->instances_count && !err; i++)
		if (peers->ifindices[i])
			err = add_instance(&table, peers, peers->ifindices[i],
					   &config->instances[i]);
	if (err) {
		table_clear(&table);
		return err;
	}
	table_clear(&peers->table);
	peers->table = table;
	return 0;
}

static void look_up_interfaces(const struct config *config, __u32 *ifindices)
{
	for (size_t i = 0; i < config->instances_count; i++)
		ifindices[i] = if_nametoindex(config->instances[i].interface);
}

static void free_host(struct host *host)
{
	free(host->shown);
	free(host->addrs);
	free(host);
}

static int add_host(struct peers *peers, const char *name)
{
	struct host *host;
	size_t length = strlen(name);

	if (find_host(peers, name))
		return 0;
	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	host->name = name;
	host->shown = strndup(name, name[length - 1] == '.' ? length - 1 : length);
	if (host->shown) {
		HASH_ADD_KEYPTR(hh, peers->hosts, host->name, length, host);
		if (host->hh.tbl)
			return 0;
	}
	free_host(host);
	return -ENOMEM;
}

static int add_hosts(struct peers *peers)
{
	int err = 0;

	for (size_t i = 0; i < peers->config->instances_count; i++) {
		const struct instance *instance = &peers->config->instances[i];

		for (size_t j = 0; j < instance->hosts_count && !err; j++)
			err = add_host(peers, instance->hosts[j]);
	}
	return err;
}

int peers_new(struct peers **result, const struct config *config)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	int err = -ENOMEM;

	if (!peers)
		return -ENOMEM;
	peers->config = config;
	peers->ifindices = calloc(config->instances_count + 1, sizeof(*peers->ifindices));
	if (peers->ifindices) {
		look_up_interfaces(config, peers->ifindices);
		err = add_hosts(peers);
		if (!err)
			err = rebuild(peers);
	}
	if (err)
		peers_free(peers);
	else
		*result = peers;
	return err;
}

void peers_free(struct peers *peers)
{
	struct host *host, *next;

	if (!peers)
		return;
	table_clear(&peers->table);
	HASH_ITER (hh, peers->hosts, host, next) {
		HASH_DEL(peers->hosts, host);
		free_host(host);
	}
	free(peers->ifindices);
	free(peers);
}

bool peers_refresh_interfaces(struct peers *peers)
{
	size_t count = peers->config->instances_count;
	__u32 *old = peers->ifindices, *now = calloc(count + 1, sizeof(*now));

	if (!now)
		goto no_memory;
	look_up_interfaces(peers->config, now);
	if (memcmp(old, now, count * sizeof(*now)) == 0) {
		free(now);
		return false;
	}
	peers->ifindices = now;
	if (rebuild(peers)) {
		peers->ifindices = old;
		free(now);
		goto no_memory;
	}
	free(old);
	return true;

no_memory:
	log_error("out of memory; interfaces that came or went are not taken note of yet");
	return false;
}

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

/* Copies addresses, sorted and each once; *count is what remains. NULL: out of memory. */
static struct address *sorted_copy(const struct address *addrs, size_t *count)
{
	struct address *copy = calloc(*count + 1, sizeof(*copy));
	size_t kept = 0;

	if (!copy)
		return NULL;
	if (*count) {
		memcpy(copy, addrs, *count * sizeof(*copy));
		qsort(copy, *count, sizeof(*copy), compare_addresses);
	}
	for (size_t i = 0; i < *count; i++)
		if (i == 0 || compare_addresses(&copy[kept - 1], &copy[i]) != 0)
			copy[kept++] = copy[i];
	*count = kept;
	return copy;
}

int peers_set_host(struct peers *peers, const char *name, const struct address *addrs, size_t count)
{
	struct host *host = find_host(peers, name);
	struct address *copy, *old;
	size_t old_count;

	if (!host)
		return 0;
	copy = sorted_copy(addrs, &count);
	if (!copy)
		return -ENOMEM;
	if (count == host->count &&
	    (!count || memcmp(copy, host->addrs, count * sizeof(*copy)) == 0)) {
		free(copy);
		return 0;
	}
	old = host->addrs;
	old_count = host->count;
	host->addrs = copy;
	host->count = count;
	if (rebuild(peers)) {
		host->addrs = old;
		host->count = old_count;
		free(copy);
		return -ENOMEM;
	}
	free(old);
	return 1;
}

int peers_inherit_hosts(struct peers *peers, const struct peers *from)
{
	struct host *host, *next;

	HASH_ITER (hh, from->hosts, host, next) {
		int err = peers_set_host(peers, host->name, host->addrs, host->count);

		if (err < 0)
			return err;
	}
	return 0;
}

static bool network_matches(const struct peer *network, __u32 ifindex, const struct address *addr)
{
	return network->ifindex == ifindex && prefix_contains(&network->prefix, addr);
}

bool peers_match(const struct peers *peers, __u32 ifindex, const struct address *addr)
{
	const struct table *table = &peers->table;

	if (find_entry(table, ifindex, addr))
		return true;
	for (size_t i = 0; i < table->networks_count; i++)
		if (network_matches(&table->networks[i], ifindex, addr))
			return true;
	return false;
}

const char *peers_name(const struct peers *peers, __u32 ifindex, const struct address *addr)
{
	const struct entry *entry = find_entry(&peers->table, ifindex, addr);

	while (entry && !entry->peer.name)
		entry = entry->next;
	return entry ? entry->peer.name : NULL;
}

const char *peers_entry(const struct peers *peers, __u32 ifindex, const struct address *addr,
			char text[PREFIX_TEXT])
{
	const struct table *table = &peers->table;
	const char *name = peers_name(peers, ifindex, addr);
	const struct prefix *longest = NULL;

	if (name)
		return name;
	if (find_entry(table, ifindex, addr))
		return address_format(addr, text);
	for (size_t i = 0; i < table->networks_count; i++) {
		const struct prefix *prefix = &table->networks[i].prefix;

		if (network_matches(&table->networks[i], ifindex, addr) &&
		    (!longest || prefix->bits > longest->bits))
			longest = prefix;
	}
	return longest ? prefix_format(longest, text) : NULL;
}

static bool chain_has(const struct entry *entry, const struct instance *instance)
{
	while (entry && entry->peer.instance != instance)
		entry = entry->next;
	return entry != NULL;
}

void peers_each_instance(const struct peers *peers, __u32 ifindex, const struct address *addr,
			 void (*fn)(void *arg, const struct instance *instance), void *arg)
{
	const struct table *table = &peers->table;
	const struct entry *chain = find_entry(table, ifindex, addr);
	const struct instance *told = NULL; /* of the network before: they come by instance */

	for (const struct entry *entry = chain; entry; entry = entry->next)
		fn(arg, entry->peer.instance);
	for (size_t i = 0; i < table->networks_count; i++) {
		const struct peer *network = &table->networks[i];

		if (network->instance == told || !network_matches(network, ifindex, addr))
			continue;
		told = network->instance;
		if (!chain_has(chain, told))
			fn(arg, told);
	}
}

size_t peers_count(const struct peers *peers)
{
	return peers->table.entries_count + peers->table.networks_count;
}

const struct peer *peers_at(const struct peers *peers, size_t i)
{
	const struct table *table = &peers->table;

	if (i < table->entries_count)
		return &table->entries[i].peer;
	return &table->networks[i - table->entries_count];
}

const char *peers_interface_name(const struct peers *peers, __u32 ifindex)
{
	for (size_t i = 0; ifindex && i < peers->config->instances_count; i++)
		if (peers->ifindices[i] == ifindex)
			return peers->config->instances[i].interface;
	return NULL;
}
