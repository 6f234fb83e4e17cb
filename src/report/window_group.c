/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Gathers records until there are enough to have their windows fetched together. */
#include "window_group.h"

#include <errno.h>
#include <stdlib.h>

#define PAIRS      1024 /* room for this many at first */
#define CACHE_LINE 64

struct pair {
	struct flow_key key;
	struct window *window;
};

int window_group_open(struct window_group *group, struct windows *windows)
{
	*group = (struct window_group){.windows = windows};
	return flow_index_open(&group->pairs, PAIRS);
}

void window_group_close(struct window_group *group)
{
	for (size_t i = 0; group->pairs.slots && i <= group->pairs.mask; i++)
		free(group->pairs.slots[i].entry);
	flow_index_close(&group->pairs);
}

static struct flow_key pair_key(const struct flow_record *record)
{
	return (struct flow_key){.local = record->key.local,
				 .peer = record->key.peer,
				 .ifindex = record->key.ifindex};
}

static struct window *window_get(struct windows *windows, const struct window_waiting *w)
{
	struct window_key key = {.src = w->record.key.local,
				 .dst = w->record.key.peer,
				 .ifindex = w->record.key.ifindex};
	struct window *window = windows_find(windows, &key);

	return window ? window : windows_open(windows, &key, w->iface);
}

/* NULL: no memory. If there is only no memory for the pair, it is looked up again next time. */
static struct window *pair_open(struct window_group *group, const struct window_waiting *w)
{
	struct window *window = window_get(group->windows, w);
	struct pair *pair = window ? malloc(sizeof(*pair)) : NULL;

	if (pair) {
		*pair = (struct pair){pair_key(&w->record), window};
		if (flow_index_add(&group->pairs, w->hash, pair))
			free(pair);
	}
	return window;
}

static struct window *pair_find(struct window_group *group, const struct window_waiting *w)
{
	struct flow_key key = pair_key(&w->record);
	const struct pair *pair = flow_index_find(&group->pairs, w->hash, &key);

	return pair ? pair->window : pair_open(group, w);
}

static void window_fetch(const struct window *window)
{
	const char *stats = (const char *)&window->stats;

	for (size_t at = 0; at < sizeof(window->stats) + sizeof(window->histogram);
	     at += CACHE_LINE)
		__builtin_prefetch(stats + at, 1);
}

void window_group_count(struct window_group *group)
{
	struct window_waiting *all = group->waiting, *w, *end = all + group->count;

	for (w = all; w < end; w++)
		__builtin_prefetch(flow_index_guess(&group->pairs, w->hash));
	for (w = all; w < end; w++) {
		w->window = pair_find(group, w);
		if (w->window)
			window_fetch(w->window);
	}
	for (w = all; w < end; w++)
		if (w->window)
			histogram_expect(&w->window->histogram, w->record.rtt[1]);
	for (w = all; w < end; w++)
		if (!w->window || window_add(group->windows, w->window, &w->record))
			group->lost += w->record.count;
	group->count = 0;
}

void window_group_add(struct window_group *group, const struct flow_record *record,
		      const char *iface)
{
	struct window_waiting *w = &group->waiting[group->count++];
	struct flow_key key = pair_key(record);
	size_t length;

	memcpy(&w->record, record, FLOW_RECORD_SIZE(record->count));
	w->hash = flow_index_hash(&group->pairs, &key);
	length = strnlen(iface, sizeof(w->iface) - 1);
	memcpy(w->iface, iface, length);
	w->iface[length] = '\0';
	flow_index_expect(&group->pairs, w->hash);
	if (group->count == WINDOW_GROUP)
		window_group_count(group);
}
