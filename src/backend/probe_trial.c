/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last word: loads our programs, attaches them, and takes them away again. Without peers they
 * pass every packet on at once. */
#include "bpf_programs.h"
#include "bpf_ways.h"
#include "clock.h"
#include "probe_cause.h"
#include "probe_rows.h"

#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

/* Where the driver can, the kernel chooses native XDP. */
static const char *xdp_mode(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)ifindex, 0, &query))
		return "";
	return query.attach_mode == XDP_ATTACHED_SKB ? " (generic XDP)" : " (native XDP)";
}

static void try_attaching(struct probes *p, struct bpf_programs *programs)
{
	struct probe_result *attach = &p->results[PROBE_ATTACH];
	enum hook_choice hook = p->terms.settings.hook;
	struct measured_way way = {};
	char reason[BACKEND_REASON];
	__u64 began = monotonic_ns();

	if (measured_way_open(&way, programs, &p->terms.interface, WAY_OUT, &hook, reason)) {
		probe_answer(attach, PROBE_NO, "%s", reason);
		return;
	}
	probe_answer(attach, PROBE_YES, "%s: %s%s, in %.0f ms, and detached again",
		     p->terms.interface.name, attachment_kind(&way.attachment, hook),
		     hook == HOOK_XDP ? xdp_mode(p->terms.interface.ifindex) : "",
		     (double)(monotonic_ns() - began) / NS_PER_MS);
	if (way.attachment.clsact)
		probe_answer(&p->results[PROBE_CLSACT], PROBE_YES, "attached");
	measured_way_close(&way);
}

void probe_programs(struct probes *p, struct probe_result *result)
{
	struct bpf_programs programs;
	char reason[BACKEND_REASON];
	__u64 began = monotonic_ns();
	bool bare_ip;
	int err;

	if (probe_forbids_bpf(p, reason)) {
		probe_answer(result, PROBE_UNKNOWN, "not tried: BPF is ruled out before");
		return;
	}
	bare_ip = p->terms.interface.ifindex && interface_is_bare_ip(&p->terms.interface) == 1;
	err = bpf_programs_try(&programs, &p->terms.settings, bare_ip, reason);
	if (err)
		probe_answer(result, PROBE_NO, "%s", reason);
	else
		probe_answer(result, PROBE_YES, "loaded in %.0f ms",
			     (double)(monotonic_ns() - began) / NS_PER_MS);
	p->load_error = err;
	if (!err && p->terms.interface.ifindex)
		try_attaching(p, &programs);
	bpf_programs_unload(&programs);
}

void probe_attach(struct probes *p, struct probe_result *result)
{
	bool loaded = probe_ask(p, PROBE_PROGRAMS)->answer == PROBE_YES;

	if (result->answer != PROBE_NOT_ASKED)
		return;
	if (!p->terms.interface.ifindex)
		probe_answer(result, PROBE_UNKNOWN,
			     "no interface has a default route: name one with -i");
	else if (!loaded)
		probe_answer(result, PROBE_UNKNOWN, "not tried without programs");
}

void probe_clsact(struct probes *p, struct probe_result *result)
{
	probe_ask(p, PROBE_ATTACH);
	if (result->answer != PROBE_NOT_ASKED)
		return;
	if (probe_ask(p, PROBE_TCX)->answer == PROBE_YES)
		probe_answer(result, PROBE_UNKNOWN, "not tried: there is TCX");
	else
		probe_answer(result, PROBE_UNKNOWN, "attaching tells");
}
