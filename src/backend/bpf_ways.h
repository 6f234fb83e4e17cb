/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Our programs on an interface, for data that goes one way: it leaves there, or arrives. */
#ifndef METRO_BPF_WAYS_H
#define METRO_BPF_WAYS_H

#include "bpf_attach.h"
#include "bpf_programs.h"
#include "interface_number.h"

/* Programs on an interface, for data that goes one way. */
struct measured_way {
	__u32 number; /* 0: it is not measured */
	struct attachment attachment;
	bool xdp_in_vain;         /* asked for, but there is TC */
	bool sighting;            /* sightings are counted on it */
	struct sightings sighted; /* sightings from earlier counts */
};

/* Attaches them. *hook is what was asked for, and becomes what is used. In any thread. Returns 0,
 * or -errno explained in reason. */
int measured_way_open(struct measured_way *way, struct bpf_programs *programs,
		      const struct interface *interface, enum way which, enum hook_choice *hook,
		      char reason[BACKEND_REASON]);

/* Also of one that is not measured. */
void measured_way_close(struct measured_way *way);

#endif
