/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Gathers names, and puts them into as few lines as may be. */
#include "burst.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

#define PAUSE_NS (2 * NS_PER_S) /* what comes so soon is said together */

static void add(struct burst_side *side, const char *name, bool again)
{
	unsigned int at = side->count++;

	if (at >= BURST_NAMES)
		return;
	snprintf(side->names[at], sizeof(side->names[at]), "%s", name);
	side->again[at] = again;
}

void burst_came(struct burst *burst, const struct hold *hold, bool again)
{
	add(&burst->came, hold->interface.name, again);
	snprintf(burst->came.how, sizeof(burst->came.how), "%s", hold->how);
	burst->removed += hold->removed;
	burst->cleaned += hold->removed > 0;
}

void burst_went(struct burst *burst, const char *name)
{
	add(&burst->went, name, false);
}

static bool is_many(const struct burst_side *side)
{
	return side->count > BURST_NAMES;
}

static void say_many(const struct burst *burst, unsigned int measured)
{
	const struct burst_side *came = &burst->came, *went = &burst->went;
	char also[48] = "";

	if (is_many(came) && went->count)
		snprintf(also, sizeof(also), ", no longer on %u", went->count);
	if (is_many(came))
		log_info("measuring on %u %sinterfaces (%s, %s, %s, ...) with %s%s", came->count,
			 measured > came->count ? "more " : "", came->names[0], came->names[1],
			 came->names[2], came->how, also);
	else
		log_info("no longer measuring on %u interfaces (%s, %s, %s, ...)", went->count,
			 went->names[0], went->names[1], went->names[2]);
}

static void say_removed(const struct burst *burst)
{
	if (burst->removed)
		log_info("removed %u filters that a killed bpf-metro had left on %u interface%s",
			 burst->removed, burst->cleaned, burst->cleaned == 1 ? "" : "s");
}

void burst_say(struct burst *burst, unsigned int measured)
{
	const struct burst_side *came = &burst->came, *went = &burst->went;

	say_removed(burst);
	if (is_many(came) || is_many(went))
		say_many(burst, measured);
	for (unsigned int i = 0; !is_many(came) && !is_many(went) && i < went->count; i++)
		log_info("no longer measuring on %s", went->names[i]);
	for (unsigned int i = 0; !is_many(came) && i < came->count; i++)
		log_info("measuring on %s%s with %s", came->names[i],
			 came->again[i] ? " again" : "", came->how);
	*burst = (struct burst){.said_ns = monotonic_ns()};
}

bool burst_is_empty(const struct burst *burst)
{
	return !burst->came.count && !burst->went.count;
}

__u64 burst_wait_ns(const struct burst *burst)
{
	__u64 age = monotonic_ns() - burst->said_ns;

	return burst->said_ns && age < PAUSE_NS ? PAUSE_NS - age : 0;
}
