/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whom the BPF programs measure in test runs: told as the daemon tells them. */
#ifndef METRO_TEST_MEASURE_H
#define METRO_TEST_MEASURE_H

#include "bpf_peers.h"
#include "../unit/some_links.h"

/* Has just these addresses and networks measured, on loopback: test runs come through that; ports:
 * only connections with an end on these, NULL: all. Returns 0 or -errno. */
static inline int measure_ports(struct bpf_programs *programs, struct prefix *prefixes,
				size_t count, struct ports *ports)
{
	struct instance instance = {
		.interface = "lo", .ips = prefixes, .ips_count = count, .ports = ports};
	const struct config config = {.instances = &instance, .instances_count = 1};
	struct peers *peers;
	int err = peers_new(&peers, &config, &some_links);

	if (err)
		return err;
	err = peers_count(peers) == count ? bpf_peers_set(programs, peers) : -ENODEV;
	peers_free(peers);
	return err;
}

static inline int measure_peers(struct bpf_programs *programs, struct prefix *prefixes,
				size_t count)
{
	return measure_ports(programs, prefixes, count, NULL);
}

#endif
