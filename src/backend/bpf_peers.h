/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The peers as the BPF programs know them: a map of addresses, one of networks, and a filter in
 * front of them. */
#ifndef METRO_BPF_PEERS_H
#define METRO_BPF_PEERS_H

#include "bpf_programs.h"
#include "peer_filter.h"

/* Makes the peer maps hold just these peers. Returns 0, or -errno, reported: then they hold the old
 * peers, and perhaps some of the new networks. */
int bpf_peers_set(struct bpf_programs *programs, const struct peers *peers);

/* Only interfaces have come, with sets that are known, or gone: does no more than that takes. */
int bpf_peers_set_interfaces(struct bpf_programs *programs, const struct peers *peers);

/* Empties the filter and gives it room for this many prefixes. */
void peer_filter_clear(struct peer_filter *filter, size_t prefixes);

/* Lets the addresses of a prefix pass, and by chance a few others. */
void peer_filter_add(struct peer_filter *filter, const struct prefix *prefix);

#endif
