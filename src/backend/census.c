/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One entry for each interface that is measured, filled in by packets and by walks over the flows.
 */
#include "census.h"
#include "hash.h"

#include <stdlib.h>

struct census_entry {
	__u32 ifindex;
	struct census_figures figures;
	__u32 answered, unanswered; /* by the current walk */
	UT_hash_handle hh;
};

/* Returns NULL if it is not open. */
static struct census_entry *entry_of(struct census *c, __u32 ifindex)
{
	struct census_entry *e = c->last;

	if (e && e->ifindex == ifindex)
		return e;
	HASH_FIND_INT(c->entries, &ifindex, e);
	if (e)
		c->last = e;
	return e;
}

void census_open(struct census *c, __u32 ifindex)
{
	struct census_entry *e = entry_of(c, ifindex);

	if (e)
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	e->ifindex = ifindex;
	HASH_ADD_INT(c->entries, ifindex, e);
	if (!e->hh.tbl)
		free(e);
}

void census_close(struct census *c, __u32 ifindex)
{
	struct census_entry *e = entry_of(c, ifindex);

	if (!e)
		return;
	c->last = NULL;
	HASH_DEL(c->entries, e);
	free(e);
}

void census_free(struct census *c)
{
	struct census_entry *e, *next;

	HASH_ITER (hh, c->entries, e, next) {
		HASH_DEL(c->entries, e);
		free(e);
	}
	c->last = NULL;
}

void census_add_samples(struct census *c, __u32 ifindex, unsigned int count)
{
	struct census_entry *e = entry_of(c, ifindex);

	if (e)
		e->figures.samples += count;
}

void census_add_received(struct census *c, __u32 ifindex, bool with_data)
{
	struct census_entry *e = entry_of(c, ifindex);

	if (e && with_data)
		e->figures.seen.data_received++;
	else if (e)
		e->figures.seen.acks_received++;
}

void census_add_sent(struct census *c, __u32 ifindex)
{
	struct census_entry *e = entry_of(c, ifindex);

	if (e)
		e->figures.seen.acks_sent++;
}

void census_begin(struct census *c)
{
	struct census_entry *e, *next;

	HASH_ITER (hh, c->entries, e, next) {
		e->figures.answered = e->answered;
		e->figures.unanswered = e->unanswered;
		e->answered = e->unanswered = 0;
	}
}

void census_see(struct census *c, __u32 ifindex, const struct flow *f,
		const struct sweep_terms *terms)
{
	struct census_entry *e = entry_of(c, ifindex);

	if (!e || (__s32)(f->last - terms->ended) < 0)
		return;
	if (f->flags & FLOW_UNA_KNOWN)
		e->answered++;
	else if (!(f->flags & FLOW_ENDED)) /* ended: a refusal is an answer, too */
		e->unanswered++;
}

struct census_figures census_figures(struct census *c, __u32 ifindex)
{
	struct census_entry *e = entry_of(c, ifindex);

	return e ? e->figures : (struct census_figures){};
}
