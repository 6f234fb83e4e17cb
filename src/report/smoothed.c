/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Smooths samples as they come, and keeps the result of each series for the next interval. */
#include "smoothed.h"
#include "text_hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA (1.0 / 8)
#define BETA  (1.0 / 4)

struct smoothed_entry {
	struct smoothed smoothed;
	__u64 time_ns;
	UT_hash_handle hh;
	char name[];
};

/* RTTVAR comes first: it needs the old SRTT (RFC 6298, 2.3). */
void smoothed_add(struct smoothed *smoothed, __u32 rtt)
{
	if (!smoothed->started) {
		*smoothed = (struct smoothed){.srtt = rtt, .rttvar = rtt / 2.0, .started = true};
		return;
	}
	smoothed->rttvar =
		(1 - BETA) * smoothed->rttvar + BETA * fabs(smoothed->srtt - (double)rtt);
	smoothed->srtt = (1 - ALPHA) * smoothed->srtt + ALPHA * rtt;
}

void smoothed_merge(struct smoothed *into, __u64 into_samples, const struct smoothed *from,
		    __u64 from_samples)
{
	double share;

	if (!from->started || !from_samples)
		return;
	if (!into->started || !into_samples) {
		*into = *from;
		return;
	}
	share = (double)from_samples / ((double)into_samples + (double)from_samples);
	into->srtt += share * (from->srtt - into->srtt);
	into->rttvar += share * (from->rttvar - into->rttvar);
}

static struct smoothed_entry *find(const struct smoothed_memory *memory, const char *name)
{
	struct smoothed_entry *entry;

	HASH_FIND_STR(memory->first, name, entry);
	return entry;
}

static void drop(struct smoothed_memory *memory, struct smoothed_entry *entry)
{
	HASH_DEL(memory->first, entry);
	free(entry);
}

static bool is_stale(const struct smoothed_memory *memory, const struct smoothed_entry *entry,
		     __u64 now_ns)
{
	return now_ns > entry->time_ns && now_ns - entry->time_ns > memory->idle_ns;
}

/* The oldest are in front. */
static void make_room(struct smoothed_memory *memory, __u64 now_ns)
{
	while (memory->first && (is_stale(memory, memory->first, now_ns) ||
				 HASH_COUNT(memory->first) >= SMOOTHED_MAX))
		drop(memory, memory->first);
}

void smoothed_put(struct smoothed_memory *memory, const char *name, const struct smoothed *smoothed,
		  __u64 time_ns)
{
	struct smoothed_entry *entry = find(memory, name);
	size_t length = strlen(name);

	if (entry)
		drop(memory, entry); /* to the end */
	make_room(memory, time_ns);
	entry = calloc(1, sizeof(*entry) + length + 1);
	if (!entry)
		return;
	entry->smoothed = *smoothed;
	entry->time_ns = time_ns;
	memcpy(entry->name, name, length + 1);
	HASH_ADD_KEYPTR(hh, memory->first, entry->name, length, entry);
	if (!entry->hh.tbl)
		free(entry);
}

struct smoothed smoothed_get(const struct smoothed_memory *memory, const char *name, __u64 time_ns)
{
	const struct smoothed_entry *entry = find(memory, name);

	return entry && !is_stale(memory, entry, time_ns) ? entry->smoothed : (struct smoothed){0};
}

void smoothed_forget(struct smoothed_memory *memory)
{
	struct smoothed_entry *entry, *next;

	HASH_ITER (hh, memory->first, entry, next)
		drop(memory, entry);
}
