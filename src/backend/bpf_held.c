/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lists peers in order, and compares two such lists. */
#include "bpf_held.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int order(const void *a, const void *b)
{
	const struct held_peer *x = a, *y = b;
	int by_address;

	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	by_address = memcmp(&x->prefix.addr, &y->prefix.addr, sizeof(x->prefix.addr));
	return by_address ? by_address : x->prefix.bits - y->prefix.bits;
}

/* Configurations and answers of DNS mostly are in order. */
static bool is_in_order(const struct held_peers *held)
{
	for (size_t i = 1; i < held->count; i++)
		if (order(&held->at[i - 1], &held->at[i]) >= 0)
			return false;
	return true;
}

int held_peers_list(struct held_peers *held, const struct peers *peers,
		    const struct port_groups *groups)
{
	*held = (struct held_peers){.at = calloc(peers_count(peers) + 1, sizeof(*held->at))};
	if (!held->at)
		return -ENOMEM;
	held->count = peers_count(peers);
	for (size_t i = 0; i < held->count; i++) {
		const struct peer *peer = peers_at(peers, i);

		held->at[i].set = peer->set;
		held->at[i].group = port_groups_of(groups, peers, peer);
		held->at[i].prefix = peer->prefix;
	}
	if (!is_in_order(held))
		held->count = array_make_set(held->at, held->count, sizeof(*held->at), order);
	for (size_t i = 0; i < held->count; i++)
		held->hosts += prefix_is_host(&held->at[i].prefix);
	return 0;
}

void held_peers_clear(struct held_peers *held)
{
	free(held->at);
	*held = (struct held_peers){};
}

int held_peers_compare(const struct held_peers *before, const struct held_peers *after,
		       held_peer_fn fn, void *arg)
{
	size_t i = 0, k = 0;
	int result = 0;

	while (!result && (i < before->count || k < after->count)) {
		struct held_peer *old = &before->at[i], *new = &after->at[k];
		int sign = i == before->count ? 1 : k == after->count ? -1 : order(old, new);

		if (sign)
			result = sign < 0 ? fn(arg, old, NULL) : fn(arg, NULL, new);
		else if (old->group != new->group)
			result = fn(arg, old, new);
		i += sign <= 0;
		k += sign >= 0;
	}
	return result;
}

/* ---- interfaces ---- */

int held_interfaces_list(struct held_interfaces *held, const struct peers *peers)
{
	size_t count = peers_interfaces_count(peers);

	*held = (struct held_interfaces){.at = calloc(count + 1, sizeof(*held->at))};
	if (!held->at)
		return -ENOMEM;
	held->count = count;
	for (size_t i = 0; i < count; i++)
		held->at[i] = peers_interface_at(peers, i);
	return 0;
}

void held_interfaces_clear(struct held_interfaces *held)
{
	free(held->at);
	*held = (struct held_interfaces){};
}

bool held_interfaces_have(const struct held_interfaces *held, __u32 number)
{
	for (size_t i = 0; i < held->count; i++)
		if (held->at[i].number == number)
			return true;
	return false;
}
