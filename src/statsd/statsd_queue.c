/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One buffer, filled from its start. What was taken out makes room when needed. */
#include "statsd_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_AT_FIRST (64 * 1024)
#define BYTES_KEPT     (1024 * 1024)

/* Moves what waits to the start of the buffer: once per buffer length. */
static void close_up(struct statsd_queue *queue)
{
	memmove(queue->data, queue->data + queue->head, queue->tail - queue->head);
	queue->tail -= queue->head;
	queue->head = 0;
}

static int reserve(struct statsd_queue *queue, size_t more)
{
	size_t size = queue->size ? queue->size : BYTES_AT_FIRST;
	char *data;

	if (queue->head > queue->size / 2)
		close_up(queue);
	if (more > STATSD_QUEUE_BYTES - queue->tail)
		return -ENOBUFS;
	while (size < queue->tail + more)
		size *= 2;
	if (size == queue->size)
		return 0;
	data = realloc(queue->data, size);
	if (!data)
		return -ENOMEM;
	queue->data = data;
	queue->size = size;
	return 0;
}

int statsd_queue_push(struct statsd_queue *queue, const char *packet, size_t length)
{
	int error = reserve(queue, sizeof(length) + length);

	if (error)
		return error;
	memcpy(queue->data + queue->tail, &length, sizeof(length));
	memcpy(queue->data + queue->tail + sizeof(length), packet, length);
	queue->tail += sizeof(length) + length;
	queue->count++;
	return 0;
}

const char *statsd_queue_first(const struct statsd_queue *queue, size_t *length)
{
	if (!queue->count)
		return NULL;
	memcpy(length, queue->data + queue->head, sizeof(*length));
	return queue->data + queue->head + sizeof(*length);
}

/* Empties the queue, and frees the memory that an unusually large report took. */
static void begin_anew(struct statsd_queue *queue)
{
	queue->head = queue->tail = queue->count = 0;
	if (queue->size > BYTES_KEPT)
		statsd_queue_free(queue);
}

void statsd_queue_pop(struct statsd_queue *queue)
{
	size_t length;

	memcpy(&length, queue->data + queue->head, sizeof(length));
	queue->head += sizeof(length) + length;
	queue->count--;
	if (!queue->count)
		begin_anew(queue);
}

size_t statsd_queue_clear(struct statsd_queue *queue)
{
	size_t count = queue->count;

	begin_anew(queue);
	return count;
}

void statsd_queue_free(struct statsd_queue *queue)
{
	free(queue->data);
	*queue = (struct statsd_queue){0};
}
