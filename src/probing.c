/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses the interface, asks row after row, and sums up. */
#include "probing.h"

#include "links.h"
#include "log.h"
#include "probe_cause.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_FLOWS 32768 /* as the configuration has it by default */

/* ---- where ---- */

/* The first that has a default route, or none. */
static void find_default(struct interface *interface)
{
	struct links links;

	links_read(&links, true);
	for (size_t i = 0; i < links.count && !interface->ifindex; i++)
		if (links.at[i].is_default)
			*interface = links.at[i].interface;
	links_free(&links);
}

static int find_interface(const char *name, struct interface *interface)
{
	int err;

	if (!name || !strcmp(name, "default")) {
		find_default(interface);
		return 0;
	}
	err = interface_find(name, interface);
	if (err)
		log_error("--probe: interface %s: %s", name, strerror(-err));
	return err;
}

/* ---- the table ---- */

static const char *answer_text(enum probe_answer answer)
{
	static const char *const texts[] = {
		[PROBE_NOT_ASKED] = "-",
		[PROBE_YES] = "yes",
		[PROBE_NO] = "no",
		[PROBE_UNKNOWN] = "?",
	};

	return texts[answer];
}

static void print_rows(struct probes *p)
{
	for (enum probe_row row = 0; row < PROBE_ROWS; row++) {
		const struct probe_result *result = probe_ask(p, row);

		printf("%-23s %-3s  %-25s  %s\n", probe_name(row), answer_text(result->answer),
		       probe_use(row), result->reason);
	}
}

/* ---- what follows from it ---- */

static bool bpf_measures(struct probes *p, char reason[BACKEND_REASON])
{
	bool anywhere = p->terms.interface.ifindex;

	if (probe_forbids_bpf(p, reason))
		return false;
	if (probe_ask(p, PROBE_PROGRAMS)->answer != PROBE_YES) {
		snprintf(reason, BACKEND_REASON, "%s", p->results[PROBE_PROGRAMS].reason);
		probe_after_failure(p, p->load_error, reason);
		return false;
	}
	snprintf(reason, BACKEND_REASON, "%s",
		 anywhere ? probe_ask(p, PROBE_ATTACH)->reason : "no interface was tried");
	return !anywhere || p->results[PROBE_ATTACH].answer == PROBE_YES;
}

static enum probing_status sum_up(struct probes *p)
{
	char reason[BACKEND_REASON];
	bool bpf = bpf_measures(p, reason), pcap;

	printf("\nBPF: %s: %s\n", bpf ? "yes" : "no", reason);
	pcap = probe_ask(p, PROBE_PACKETS)->answer == PROBE_YES;
	probe_explain_packets(p, reason);
	printf("libpcap: %s%s%s\n", pcap ? "yes" : "no", pcap ? "" : ": ", pcap ? "" : reason);
	printf("%s\n", bpf    ? "bpf-metro measures with BPF here."
		       : pcap ? "bpf-metro measures with libpcap here."
			      : "bpf-metro cannot measure here.");
	return bpf ? PROBING_BPF : pcap ? PROBING_PCAP : PROBING_NOTHING;
}

enum probing_status probing_run(const struct options *options)
{
	struct probe_terms terms = {
		.settings = {.marks = options->marks ? options->marks : MARKS_DEFAULT,
			     .max_flows = MAX_FLOWS,
			     .batch_limit = 1,
			     .hook = options->hook},
	};
	struct probes probes;

	if (find_interface(options->interface, &terms.interface))
		return PROBING_WRONG;
	printf("bpf-metro %s, user %u, interface %s\n\n", METRO_VERSION, (unsigned int)geteuid(),
	       terms.interface.ifindex ? terms.interface.name : "none");
	probes_begin(&probes, &terms);
	print_rows(&probes);
	return sum_up(&probes);
}
