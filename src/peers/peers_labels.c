/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Says what to call a flow's peer, and whose it is, from the table of peers. */
#include "peers_state.h"

/* The first that is not over. */
static const struct peers_entry *known(const struct peers_entry *entry)
{
	while (entry && peer_names_is_over(entry->until_ns))
		entry = entry->next;
	return entry;
}

static const char *host_name(const struct peers_entry *entry)
{
	while (entry && !entry->peer.name)
		entry = known(entry->next);
	return entry ? entry->peer.name : NULL;
}

const char *peers_name(const struct peers *peers, __u32 ifindex, const struct address *addr)
{
	const struct peers_entry *entry =
		known(peers_table_find(&peers->table, peers_set_of(peers, ifindex), addr));
	const char *name = host_name(entry);

	return name || !entry ? name : peer_names_reverse(&peers->names, addr);
}

/* The first that has not ended and takes flows that are in these lists of ports. */
static const struct peers_entry *taking(const struct peers_entry *entry, __u64 lists)
{
	entry = known(entry);
	while (entry && !instance_takes_ports(entry->peer.instance, lists))
		entry = known(entry->next);
	return entry;
}

static const char *taking_name(const struct peers_entry *entry, __u64 lists)
{
	while (entry && !entry->peer.name)
		entry = taking(entry->next, lists);
	return entry ? entry->peer.name : NULL;
}

const char *peers_entry(const struct peers *peers, const struct flow_key *flow,
			char text[PREFIX_TEXT])
{
	const struct peers_entry *entry;
	__u32 set = peers_set_of(peers, flow->ifindex);
	__u64 lists = peers_ports_of_flow(&peers->ports, flow);
	size_t at = 0;

	while ((entry = peers_table_next(&peers->table, set, &flow->peer, &at))) {
		const char *name;

		entry = taking(entry, lists);
		if (!entry)
			continue;
		name = taking_name(entry, lists);
		return name ? name : prefix_format(&entry->peer.prefix, text);
	}
	return NULL;
}

static bool chain_has(const struct peers_entry *entry, const struct instance *instance)
{
	while (entry && entry->peer.instance != instance)
		entry = known(entry->next);
	return entry != NULL;
}

void peers_each_instance(const struct peers *peers, const struct flow_key *flow,
			 void (*fn)(void *arg, const struct instance *instance), void *arg)
{
	const struct peers_entry *chains[PREFIX_BITS + 1]; /* of the longer prefixes */
	const struct peers_entry *entry;
	__u32 set = peers_set_of(peers, flow->ifindex);
	__u64 lists = peers_ports_of_flow(&peers->ports, flow);
	size_t count = 0, at = 0, i;

	for (; (entry = peers_table_next(&peers->table, set, &flow->peer, &at)); count++) {
		chains[count] = known(entry);
		for (entry = taking(entry, lists); entry; entry = taking(entry->next, lists)) {
			for (i = 0; i < count; i++)
				if (chain_has(chains[i], entry->peer.instance))
					break;
			if (i == count)
				fn(arg, entry->peer.instance);
		}
	}
}
