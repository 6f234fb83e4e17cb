/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which interfaces have which peers, as interfaces come and go. */
#include "peers_state.h"

#include <string.h>

#include "log.h"
#include "selection.h"

void peers_note_loopback(struct peers *peers, const struct links *links)
{
	const struct config *config = peers->config;

	for (size_t i = 0; links && i < links->count; i++)
		for (size_t k = 0; k < config->instances_count; k++)
			if (links->at[i].flags & IFF_LOOPBACK && !config->instances[k].pcap)
				peers->loopback[k] |= selection_has(config->instances[k].interface,
								    &links->at[i]);
}

static bool same_interfaces(const struct peers_sets *a, const struct peers_sets *b)
{
	size_t count = a->interfaces_count;

	return count == b->interfaces_count &&
	       (!count || !memcmp(a->interfaces, b->interfaces, count * sizeof(*a->interfaces)));
}

/* Does any interface lose what it had? */
static bool leaves(const struct peers_sets *old, const struct peers_sets *now)
{
	for (size_t i = 0; i < old->interfaces_count; i++)
		if (peers_sets_of(now, old->interfaces[i].number) != old->interfaces[i].set)
			return true;
	return false;
}

/* The sets take the place of those that there are, with a table if that takes another; or else
 * they stay the caller's. */
static int use_sets(struct peers *peers, struct peers_sets *now, bool fresh)
{
	struct peers_sets old = peers->sets;
	int err;

	peers_note_flows(peers);
	peers->sets = *now;
	err = fresh ? peers_rebuild(peers) : 0;
	if (err) {
		*now = peers->sets; /* some may have been pruned */
		peers->sets = old;
	} else {
		peers_sets_clear(&old);
	}
	return err;
}

enum peers_change peers_follow_links(struct peers *peers, const struct links *links,
				     void (*before)(void *arg), void *arg)
{
	struct peers_sets now;
	int fresh = peers_sets_make(&now, peers->config, peers->files, links, &peers->sets);

	if (fresh < 0)
		goto no_memory;
	if (same_interfaces(&now, &peers->sets)) {
		peers_sets_clear(&now);
		return PEERS_SAME;
	}
	if (leaves(&peers->sets, &now))
		before(arg);
	peers_note_loopback(peers, links);
	if (!use_sets(peers, &now, fresh))
		return fresh ? PEERS_SETS : PEERS_INTERFACES;
	peers_sets_clear(&now);

no_memory:
	log_error("out of memory: interfaces that came or went are not followed yet");
	return PEERS_SAME;
}

/* ---- what they have ---- */

__u32 peers_set_of(const struct peers *peers, __u32 ifindex)
{
	return peers_sets_of(&peers->sets, ifindex);
}

bool peers_any(const struct peers *peers, __u32 ifindex)
{
	__u32 set = peers_set_of(peers, ifindex);

	for (size_t i = 0; i < peers->sets.count; i++)
		for (size_t k = 0; k < peers->sets.at[i].count; k++) {
			__u32 instance = peers->sets.at[i].instances[k];

			if (peers->sets.at[i].number == set && !peers->resting[instance] &&
			    peers_room_of(peers, &peers->config->instances[instance]))
				return true;
		}
	return false;
}

size_t peers_interfaces_count(const struct peers *peers)
{
	return peers->sets.interfaces_count;
}

struct peers_interface peers_interface_at(const struct peers *peers, size_t i)
{
	return peers->sets.interfaces[i];
}

static const struct peers_set *find_set(const struct peers *peers, __u32 number)
{
	for (size_t i = 0; i < peers->sets.count; i++)
		if (peers->sets.at[i].number == number)
			return &peers->sets.at[i];
	return NULL;
}

void peers_each_interface(const struct peers *peers,
			  void (*fn)(void *arg, __u32 ifindex, const struct instance *instance),
			  void *arg)
{
	for (size_t i = 0; i < peers->sets.interfaces_count; i++) {
		const struct peers_interface *interface = &peers->sets.interfaces[i];
		const struct peers_set *set = find_set(peers, interface->set);

		for (size_t k = 0; set && k < set->count; k++)
			if (!peers->config->instances[set->instances[k]].pcap)
				fn(arg, interface->number,
				   &peers->config->instances[set->instances[k]]);
	}
}
