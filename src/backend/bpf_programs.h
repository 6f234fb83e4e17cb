/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF programs and maps of bpf/, loaded into the kernel. */
#ifndef METRO_BPF_PROGRAMS_H
#define METRO_BPF_PROGRAMS_H

#include "backend.h"
#include "bpf_held.h"
#include "bpf_ports.h"
#include "peer_filter.h" /* the skeleton needs it */

#include "metro.skel.h"

struct bpf_programs {
	struct metro *skel;
	struct metro *arriving; /* the programs of WAY_IN, over the same maps; NULL: none yet */
	int flows;              /* the map of flows */
	int hosts;              /* the map of peers by address that is in use; -1: none yet */
	size_t hosts_room;      /* .. for so many entries */
	struct held_interfaces interfaces; /* .. and what it has of those */
	struct held_peers held;            /* what it and the map of networks have */
	struct port_groups groups;
};

/* Those of nothing loaded, which may be unloaded: a descriptor of 0 is one that is open. */
#define BPF_PROGRAMS_NONE ((struct bpf_programs){.flows = -1, .hosts = -1})

/* What libbpf has to say goes to the log from now on, at levels where it disturbs nobody. */
void bpf_programs_log(void);

/* Loads programs and maps. replay: the clock is bss->replay_ns, for captures run through the
 * programs by BPF_PROG_TEST_RUN. Returns 0, or -errno explained in reason; in both cases call
 * bpf_programs_unload in the end. */
int bpf_programs_load(struct bpf_programs *programs, const struct backend_settings *settings,
		      bool replay, char reason[BACKEND_REASON]);

/* The same with no more programs than data that leaves such interfaces needs, with Ethernet headers
 * or without: for a trial, in half the time. */
int bpf_programs_try(struct bpf_programs *programs, const struct backend_settings *settings,
		     bool bare_ip, char reason[BACKEND_REASON]);
void bpf_programs_unload(struct bpf_programs *programs);

/* Loads the programs for data that arrives, if they are not there yet: they take as long again as
 * the others, and most hosts do not want them. In any thread. Returns 0, or -errno explained in
 * reason. */
int bpf_programs_load_arriving(struct bpf_programs *programs, char reason[BACKEND_REASON]);

/* The programs' counters, summed over all CPUs. Returns 0 or -errno. */
int bpf_programs_counters(const struct bpf_programs *programs, __u64 values[COUNTERS]);

/* The first starts (from zero) or stops counting sightings on an interface number, of which there
 * may be SIGHTINGS_MAX; the second reads them, all zero while they are not counted. */
void bpf_programs_sight(const struct bpf_programs *programs, __u32 number, bool begin);
struct sightings bpf_programs_sightings(const struct bpf_programs *programs, __u32 number);

#endif
