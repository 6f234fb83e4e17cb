/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Draws for each frame whether it is lost, doubled or late, and how long it takes. */
#include "fate.h"

#define REORDER_LEAST_NS NS_PER_MS

/* splitmix64 (Steele, Lea, Flood 2014), by Sebastiano Vigna, public domain */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* From 0 up to, but never, 1. */
static double random_fraction(uint64_t *state)
{
	return (double)(random_next(state) >> 11) * 0x1p-53;
}

struct fate draw_fate(uint64_t *random, const struct options *options)
{
	double lost = random_fraction(random);
	double duplicated = random_fraction(random);
	double late = random_fraction(random);
	double swing = (2 * random_fraction(random) - 1) * (double)options->jitter;
	double delay = (double)options->delay + swing;

	return (struct fate){
		.lost = (lost < options->loss),
		.duplicated = (duplicated < options->duplicate),
		.late = (late < options->reorder),
		.delay = (delay > 0) ? (uint64_t)delay : 0,
	};
}

uint64_t lateness(const struct options *options)
{
	return options->delay / 2 > REORDER_LEAST_NS ? options->delay / 2 : REORDER_LEAST_NS;
}
