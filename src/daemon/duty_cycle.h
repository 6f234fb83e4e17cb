/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * go-metro's `sample`: such an instance measures for sample_duration seconds, pauses for
 * sample_interval, and so on. The phases follow from the time since the start alone, so a late
 * wake-up moves none of them, and a reload leaves those of an instance that stays as they were.
 */
#ifndef METRO_DUTY_CYCLE_H
#define METRO_DUTY_CYCLE_H

#include "config.h"
#include "peers.h"

struct duty_cycle {
	int timer;      /* readable when a phase has ended: time for duty_cycle_apply; -1: none */
	__u64 start_ns; /* CLOCK_MONOTONIC; all instances measure first */
};

/* Begins now; the timer is off. Returns 0 or -errno. */
int duty_cycle_start(struct duty_cycle *cycle);

/* Puts the present phases of the configuration's instances into its peers, and sets the timer to
 * the next end of one. Returns true if that changed the peers: tell the backends. */
bool duty_cycle_apply(const struct duty_cycle *cycle, const struct config *config,
		      struct peers *peers);

void duty_cycle_stop(struct duty_cycle *cycle);

/* Is an instance in its pause so long after the start? If it samples, *left_ns becomes what remains
 * of the phase. */
bool duty_cycle_pauses(const struct instance *instance, __u64 elapsed_ns, __u64 *left_ns);

#endif
