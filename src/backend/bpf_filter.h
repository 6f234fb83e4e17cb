/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filter in front of the peer maps (peer_filter.h), changed while the programs ask it. */
#ifndef METRO_BPF_FILTER_H
#define METRO_BPF_FILTER_H

#include "bpf_held.h"
#include "peer_filter.h"

/* Lets these peers pass, too, from now on. */
void peer_filters_admit(struct peer_filters *filters, const struct held_peers *held,
			const struct peers *peers);

/* Lets none pass but those that were admitted last. Returns true if programs may still read what
 * was in use until now: wait for them before the next ones are admitted. */
bool peer_filters_settle(struct peer_filters *filters);

/* Empties a filter and gives it room for this many prefixes. */
void peer_filter_clear(struct peer_filter *filter, size_t prefixes);

/* Lets the addresses of a prefix pass, and by chance a few others. */
void peer_filter_add(struct peer_filter *filter, const struct prefix *prefix);

#endif
