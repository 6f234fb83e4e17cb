/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers the combinations of port lists that peers have, and writes their ports, 32 an entry. */
#include "bpf_ports.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "peer_key.h"

#define WORDS (65536 / PEER_PORTS)

/* All ports, with a bit for each. */
struct port_bits {
	__u32 words[WORDS];
};

static void set_bits(struct port_bits *bits, const struct port_groups *groups, __u64 lists)
{
	const struct port_span *spans = groups->spans;

	memset(bits, 0, sizeof(*bits));
	for (size_t i = 0; i + 1 < groups->spans_count; i++) /* the last is in none */
		for (__u32 port = spans[i].first;
		     spans[i].lists & lists && port < spans[i + 1].first; port++)
			bits->words[port / PEER_PORTS] |= 1u << port % PEER_PORTS;
}

static size_t count_entries(const struct port_groups *groups, __u64 lists)
{
	struct port_bits bits;
	size_t count = 0;

	set_bits(&bits, groups, lists);
	for (size_t i = 0; i < WORDS; i++)
		count += bits.words[i] != 0;
	return count;
}

static const struct port_group *find(const struct port_groups *groups, __u64 lists)
{
	for (size_t i = 0; i < groups->count; i++)
		if (groups->at[i].lists == lists)
			return &groups->at[i];
	return NULL;
}

static bool has_number(const struct port_groups *groups, __u32 number)
{
	for (size_t i = 0; i < groups->count; i++)
		if (groups->at[i].number == number)
			return true;
	return false;
}

/* Numbers come back after 2^24 of them. */
static __u32 next_number(struct port_groups *groups, const struct port_groups *before)
{
	do
		groups->last = groups->last + 1 < 1u << PEER_GROUP_BITS ? groups->last + 1 : 1;
	while (has_number(before, groups->last));
	return groups->last;
}

/* Do lists have the same ports? */
static bool same_spans(const struct port_groups *a, const struct port_groups *b)
{
	if (a->spans_count != b->spans_count)
		return false;
	for (size_t i = 0; i < a->spans_count; i++)
		if (a->spans[i].first != b->spans[i].first ||
		    a->spans[i].lists != b->spans[i].lists)
			return false;
	return true;
}

static int add(struct port_groups *groups, const struct port_groups *before, __u64 lists)
{
	struct port_group *grown = array_grow(groups->at, groups->count, sizeof(*grown));
	const struct port_group *same = same_spans(groups, before) ? find(before, lists) : NULL;

	if (!grown)
		return -ENOMEM;
	groups->at = grown;
	grown[groups->count++] = (struct port_group){
		.lists = lists,
		.number = same ? same->number : next_number(groups, before),
		.kept = same != NULL,
	};
	groups->entries += count_entries(groups, lists);
	return 0;
}

static int copy_spans(struct port_groups *groups, const struct peers_ports *ports)
{
	groups->spans = calloc(ports->count + 1, sizeof(*groups->spans));
	if (!groups->spans)
		return -ENOMEM;
	groups->spans_count = ports->count;
	for (size_t i = 0; i < ports->count; i++)
		groups->spans[i] = ports->spans[i];
	return 0;
}

int port_groups_make(struct port_groups *groups, const struct port_groups *before,
		     const struct peers *peers)
{
	int err;

	*groups = (struct port_groups){.last = before->last};
	err = copy_spans(groups, peers_ports(peers));
	for (size_t i = 0; i < peers_count(peers) && groups->spans_count && !err; i++) {
		__u64 lists = peers_port_lists(peers, peers_at(peers, i));

		if (lists && !find(groups, lists))
			err = add(groups, before, lists);
	}
	if (err)
		port_groups_clear(groups);
	return err;
}

void port_groups_clear(struct port_groups *groups)
{
	free(groups->at);
	free(groups->spans);
	*groups = (struct port_groups){.last = groups->last};
}

int port_groups_hold(struct port_groups *groups, const struct port_groups *others)
{
	groups->last = others->last;
	groups->entries += others->entries;
	for (size_t i = 0; i < others->count; i++) {
		struct port_group *grown;

		if (has_number(groups, others->at[i].number))
			continue;
		grown = array_grow(groups->at, groups->count, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		groups->at = grown;
		grown[groups->count++] = (struct port_group){.number = others->at[i].number};
	}
	return 0;
}

__u32 port_groups_of(const struct port_groups *groups, const struct peers *peers,
		     const struct peer *peer)
{
	__u64 lists = groups->count ? peers_port_lists(peers, peer) : 0;

	return lists ? find(groups, lists)->number : 0;
}

static int write_group(const struct port_group *group, const struct port_bits *bits, int map)
{
	for (__u32 i = 0; i < WORDS; i++) {
		struct peer_host key = peer_ports_key(group->number, i * PEER_PORTS);

		if (bits->words[i] && bpf_map_update_elem(map, &key, &bits->words[i], BPF_ANY))
			return -errno;
	}
	return 0;
}

int port_groups_fill(const struct port_groups *groups, int map, bool all)
{
	struct port_bits bits;
	int err = 0;

	for (size_t i = 0; i < groups->count && !err; i++) {
		if (groups->at[i].kept && !all)
			continue;
		set_bits(&bits, groups, groups->at[i].lists);
		err = write_group(&groups->at[i], &bits, map);
	}
	return err;
}

void port_groups_drop(const struct port_groups *groups, const struct port_groups *others, int map)
{
	for (size_t i = 0; i < groups->count; i++)
		for (__u32 k = 0; k < WORDS && !has_number(others, groups->at[i].number); k++) {
			struct peer_host key = peer_ports_key(groups->at[i].number, k * PEER_PORTS);

			bpf_map_delete_elem(map, &key);
		}
}

void port_groups_filter(struct peer_filter *filter, const struct peers *peers)
{
	const struct peers_ports *ports = peers_ports(peers);
	__u64 lists = 0;

	filter->few_ports = ports->count && peers_count(peers);
	memset(filter->ports, 0, sizeof(filter->ports));
	for (size_t i = 0; i < peers_count(peers) && filter->few_ports; i++) {
		const struct instance *instance = peers_at(peers, i)->instance;

		filter->few_ports = instance->ports != NULL;
		lists |= instance_port_lists(instance);
	}
	for (__u32 port = 1; port < 65536 && filter->few_ports; port++)
		if (peers_ports_of(ports, (__u16)port) & lists)
			filter->ports[port / 64] |= 1ull << port % 64;
}
