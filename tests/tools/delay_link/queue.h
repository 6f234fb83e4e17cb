/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where frames wait for their time of release. */
#ifndef DELAY_LINK_QUEUE_H
#define DELAY_LINK_QUEUE_H

#include "frame.h"

#include <stdbool.h>

/*
 * First in, first out, with ever increasing release times. The memory is mapped twice in a row:
 * a frame that reaches over the end goes on at the start, and nobody has to know.
 */
struct queue {
	uint8_t *memory;
	uint64_t written, consumed;
	uint64_t last_release;
};

int queue_open(struct queue *queue);
void queue_close(struct queue *queue);

/* Room for a frame of any length behind the last one, or NULL when the queue is full. */
struct frame *queue_room(struct queue *queue);

/* Puts in what was written at queue_room. Order wins over the wanted time. */
void queue_put(struct queue *queue, uint64_t release);

/* Returns false when the queue is full. */
bool queue_put_copy(struct queue *queue, const struct frame *frame, uint64_t release);

/* NULL when there is none. */
struct frame *queue_first(struct queue *queue);

/* UINT64_MAX when there is no frame. */
uint64_t queue_next_release(struct queue *queue);

#endif
