/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --probe: prints what this host lets bpf-metro do, for people to read and to paste. */
#ifndef METRO_PROBING_H
#define METRO_PROBING_H

#include "options.h"

enum probing_status {
	PROBING_BPF = 0,
	PROBING_NOTHING = 1,
	PROBING_WRONG = 2, /* no such interface, reported */
	PROBING_PCAP = 3,
};

/* Asks all of the table (probe.h), for the interface of -i or of the default route. Returns what
 * would measure there, as an exit status. */
enum probing_status probing_run(const struct options *options);

#endif
