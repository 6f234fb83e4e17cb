/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts samples into windows a few at a time. With thousands of hosts each sample waits for
 * several cache lines, one after another: where the window is, the window, its histogram. Those of
 * a group are fetched side by side.
 */
#ifndef METRO_WINDOW_GROUP_H
#define METRO_WINDOW_GROUP_H

#include "flow_index.h"
#include "window.h"

#define WINDOW_GROUP 16

struct window_waiting {
	struct flow_record record;
	__u32 hash;
	char iface[IFNAMSIZ];
	struct window *window;
};

struct window_group {
	struct windows *windows; /* borrowed; none of them may be closed while the group is open */
	struct flow_index pairs; /* of hosts; their ports are 0 */
	struct window_waiting waiting[WINDOW_GROUP];
	unsigned int count;
	__u64 lost; /* samples lost because there was no memory */
};

/* Returns 0 or -ENOMEM. */
int window_group_open(struct window_group *group, struct windows *windows);
void window_group_close(struct window_group *group);

/* Counts the record's samples (there must be some), now or with the next window_group_count. */
void window_group_add(struct window_group *group, const struct flow_record *record,
		      const char *iface);

/* Counts what waits. The windows are only complete after this. */
void window_group_count(struct window_group *group);

#endif
