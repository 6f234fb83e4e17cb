/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The datagrams of one report that wait to be sent: first in, first out, and bounded. */
#ifndef METRO_STATSD_QUEUE_H
#define METRO_STATSD_QUEUE_H

#include <stddef.h>

/* Packets and their lengths: over UDP a report of 11600 datagrams, some 120000 lines, as 10000
 * peers with all metrics make. */
#define STATSD_QUEUE_BYTES (16 * 1024 * 1024)

/* All zero is an empty one. */
struct statsd_queue {
	char *data;
	size_t size;       /* allocated */
	size_t head, tail; /* what waits is between the two */
	size_t count;      /* packets that wait */
};

/* Copies the packet. Returns 0, -ENOBUFS when the queue is full, or -ENOMEM. */
int statsd_queue_push(struct statsd_queue *queue, const char *packet, size_t length);

/* The packet that waits longest, valid until the queue changes; NULL: none waits. */
const char *statsd_queue_first(const struct statsd_queue *queue, size_t *length);

/* Takes out the first packet; there must be one. */
void statsd_queue_pop(struct statsd_queue *queue);

/* Takes out all packets, and returns how many there were. */
size_t statsd_queue_clear(struct statsd_queue *queue);

void statsd_queue_free(struct statsd_queue *queue);

#endif
