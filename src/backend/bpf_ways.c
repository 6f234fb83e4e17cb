/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses programs and hook for an interface and a way, and attaches them. */
#include "bpf_ways.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct hook_programs programs_leaving(const struct metro *skel, bool bare_ip, bool xdp)
{
	return bare_ip ? (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_out_ip),
		.ingress = bpf_program__fd(skel->progs.metro_in_ip),
		.xdp = -1,
	} : (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_out_eth),
		.ingress = bpf_program__fd(skel->progs.metro_in_eth),
		.xdp = xdp ? bpf_program__fd(skel->progs.metro_in_xdp) : -1,
	};
}

static struct hook_programs programs_arriving(const struct metro *skel, bool bare_ip)
{
	return bare_ip ? (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_ack_out_ip),
		.ingress = bpf_program__fd(skel->progs.metro_data_in_ip),
		.xdp = -1,
	} : (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_ack_out_eth),
		.ingress = bpf_program__fd(skel->progs.metro_data_in_eth),
		.xdp = -1,
	};
}

/* Chooses the programs for packets as this interface has them. Returns 0, or -errno explained in
 * reason. */
static int programs_choose(struct bpf_programs *p, enum hook_choice asked,
			   const struct interface *interface, enum way way,
			   struct hook_programs *programs, char reason[BACKEND_REASON])
{
	int bare_ip = interface_is_bare_ip(interface), err = 0;
	char detail[BACKEND_REASON];

	if (bare_ip < 0) {
		snprintf(reason, BACKEND_REASON, "%s: link layer %u is not supported",
			 interface->name, interface->type);
		return bare_ip;
	}
	if (way == WAY_IN)
		err = bpf_programs_load_arriving(p, detail);
	if (err) {
		snprintf(reason, BACKEND_REASON, "%s: %.280s", interface->name, detail);
		return err;
	}
	*programs = way == WAY_IN ? programs_arriving(p->arriving, bare_ip)
				  : programs_leaving(p->skel, bare_ip, asked == HOOK_XDP);
	return 0;
}

/* Chooses the hook: for an interface on top of others, whose packets do not pass every hook, and
 * for data that arrives, which is measured at TC alone, since XDP has room for one program. Returns
 * 0, or -ENOTSUP explained in reason. */
static int hook_choose(const struct interface *interface, enum way way, enum hook_choice *hook,
		       char reason[BACKEND_REASON])
{
	char kind[INTERFACE_KIND];

	interface_kind(interface->ifindex, kind);
	if (!strcmp(kind, "vrf")) {
		/* vrf_output_direct() hands packets to the device below, and only to taps here. */
		snprintf(reason, BACKEND_REASON,
			 "%s is a VRF, and what leaves it does not pass TC: name the interfaces in "
			 "it, or use --backend pcap",
			 interface->name);
		return -ENOTSUP;
	}
	if (*hook == HOOK_XDP && (way == WAY_IN || !strcmp(kind, "bond")))
		*hook = HOOK_TC; /* XDP runs on the interfaces in a bond, and would see their
				    indices */
	return 0;
}

int measured_way_open(struct measured_way *w, struct bpf_programs *p,
		      const struct interface *interface, enum way way, enum hook_choice *hook,
		      char reason[BACKEND_REASON])
{
	const enum hook_choice asked = *hook;
	struct hook_programs programs;
	int err = programs_choose(p, *hook, interface, way, &programs, reason);

	if (!err)
		err = hook_choose(interface, way, hook, reason);
	if (!err)
		err = attachment_open(&w->attachment, &programs, interface, *hook, reason);
	if (err)
		return err;
	w->number = interface_number(interface->ifindex, way);
	w->xdp_in_vain = *hook != asked;
	return 0;
}

void measured_way_close(struct measured_way *w)
{
	if (w->number)
		attachment_close(&w->attachment);
	w->number = 0;
}
