/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The peers as the BPF programs know them: a map of addresses, one of networks, and a filter in
 * front of them. */
#ifndef METRO_BPF_PEERS_H
#define METRO_BPF_PEERS_H

#include "bpf_programs.h"

/* Makes the peer maps hold just these peers, writing no more than differs from those that they
 * have. Returns 0, or -errno, reported: then they hold those of before. */
int bpf_peers_set(struct bpf_programs *programs, const struct peers *peers);

/* Only interfaces have come, with sets that are known, or gone: does no more than that takes. */
int bpf_peers_set_interfaces(struct bpf_programs *programs, const struct peers *peers);

#endif
