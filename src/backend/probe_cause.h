/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the answers of the table (probe.h): the one cause why BPF cannot be used, and what helps. */
#ifndef METRO_PROBE_CAUSE_H
#define METRO_PROBE_CAUSE_H

#include "probe.h"

/* The row of the table that rules BPF out, going by the answers that are there, and by err, with
 * which loading or attaching failed, 0 before that; PROBE_ROWS: none does. */
enum probe_row probe_obstacle(const struct probes *probes, int err);

/* The capabilities that BPF needs here and that are missing, as far as the answers that are there
 * tell: a set as in capability_sets.h, 0 for none. */
__u64 probe_missing(const struct probes *probes);

/* The sentence about such a row: the cause, and what helps. */
void probe_explain(const struct probes *probes, enum probe_row row, char reason[BACKEND_REASON]);

/* Asks what can be told in a moment and rules BPF out for sure: before programs are loaded, which
 * takes the verifier seconds where it cannot end well. Returns whether something does, explained in
 * reason. */
bool probe_forbids_bpf(struct probes *probes, char reason[BACKEND_REASON]);

/* Why libpcap cannot open packet sockets, if it cannot, and what helps. */
void probe_explain_packets(struct probes *probes, char reason[BACKEND_REASON]);

/* Loading or attaching failed with err, as reason says: asks further, and makes reason the cause if
 * one is found. */
void probe_after_failure(struct probes *probes, int err, char reason[BACKEND_REASON]);

#endif
