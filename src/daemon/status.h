/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon does right now, in one line: which interfaces, with what, samples a second. */
#ifndef METRO_STATUS_H
#define METRO_STATUS_H

#include "monitor.h"

#define STATUS_SIZE 512

struct status {
	__u64 samples, at_ns; /* at the end of the last interval; 0: there was none */
	double rate;          /* samples a second in it; negative: there was none */
};

/* An interval ends; samples are those of the backend since its start. */
void status_count(struct status *status, __u64 samples);

/* monitor: none of its interfaces is asked anything. */
void status_write(const struct status *status, const struct config *config,
		  const struct monitor *monitor, char text[STATUS_SIZE]);

#endif
