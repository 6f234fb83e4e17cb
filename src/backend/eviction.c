/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts the silent flows by how long they have been so, and sets the limit beyond which they go.
 */
#include "eviction.h"
#include "units.h"

#include <string.h>

/* From nine tenths of its size on a table is crowded, and a quarter of it becomes room. */
static __u32 crowd(__u32 max_flows)
{
	return max_flows - max_flows / 10;
}

static __u32 comfort(__u32 max_flows)
{
	return max_flows - (max_flows + 3) / 4;
}

/* The time, to the width of a bin, before which this many flows have been silent. */
static __u32 silent_longest(const struct eviction *e, __u32 wanted)
{
	__u32 found = 0, i = EVICTION_BINS;

	while (i && found < wanted)
		found += e->bins[--i];
	return e->begin - i * e->width + 1;
}

void eviction_begin(struct eviction *e, const struct sweep_terms *terms, __u32 flows,
		    __u32 max_flows)
{
	__u32 busy_since = terms->now - flow_clock(EVICTION_IDLE_S * NS_PER_S);

	e->before = 0;
	if (e->width && flows >= crowd(max_flows)) {
		e->before = silent_longest(e, flows - comfort(max_flows));
		if ((__s32)(e->before - busy_since) > 0)
			e->before = busy_since;
		e->before += !e->before; /* 0 would mean that none go */
	}
	e->begin = terms->now;
	e->width = (terms->now - terms->idle) / EVICTION_BINS + 1;
	memset(e->bins, 0, sizeof(e->bins));
}

void eviction_see(struct eviction *e, const struct flow *f)
{
	__s32 silent = (__s32)(e->begin - f->last);
	__u32 bin;

	if (!e->width)
		return; /* not counting in this walk */
	bin = silent > 0 ? (__u32)silent / e->width : 0;
	e->bins[bin < EVICTION_BINS ? bin : EVICTION_BINS - 1]++;
}
