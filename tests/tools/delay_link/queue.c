/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A ring of frames in memory that is mapped twice in a row, so that none is torn at its end. */
#include "queue.h"
#include "../toolkit.h"

#include <sys/mman.h>

#define QUEUE_BYTES (64U << 20) /* frames of one direction; a power of two */

static int map_twice(int memory_fd, uint8_t *memory)
{
	if (ftruncate(memory_fd, QUEUE_BYTES) < 0)
		return -errno;
	for (int half = 0; half < 2; half++)
		if (mmap(memory + (size_t)half * QUEUE_BYTES, QUEUE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, memory_fd, 0) == MAP_FAILED)
			return -errno;
	return 0;
}

void queue_close(struct queue *queue)
{
	if (queue->memory)
		munmap(queue->memory, 2UL * QUEUE_BYTES);
	queue->memory = NULL;
}

int queue_open(struct queue *queue)
{
	int memory_fd, error;
	void *memory = mmap(NULL, 2UL * QUEUE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return fail(errno, "cannot get memory for a queue");
	queue->memory = memory;
	memory_fd = memfd_create("delay_link", MFD_CLOEXEC);
	if (memory_fd < 0)
		return fail(errno, "cannot get memory for a queue");
	error = map_twice(memory_fd, queue->memory);
	close(memory_fd);
	return error ? fail(-error, "cannot get memory for a queue") : 0;
}

static struct frame *frame_at(struct queue *queue, uint64_t position)
{
	return (struct frame *)(queue->memory + position % QUEUE_BYTES);
}

struct frame *queue_room(struct queue *queue)
{
	if (queue->written - queue->consumed + FRAME_MAX > QUEUE_BYTES)
		return NULL;
	return frame_at(queue, queue->written);
}

void queue_put(struct queue *queue, uint64_t release)
{
	struct frame *frame = frame_at(queue, queue->written);

	if (release < queue->last_release)
		release = queue->last_release;
	frame->release = queue->last_release = release;
	queue->written += frame_length(frame);
}

bool queue_put_copy(struct queue *queue, const struct frame *frame, uint64_t release)
{
	struct frame *room = queue_room(queue);

	if (!room)
		return false;
	memcpy(room, frame, frame_length(frame));
	queue_put(queue, release);
	return true;
}

struct frame *queue_first(struct queue *queue)
{
	return queue->written == queue->consumed ? NULL : frame_at(queue, queue->consumed);
}

uint64_t queue_next_release(struct queue *queue)
{
	const struct frame *frame = queue_first(queue);

	return frame ? frame->release : UINT64_MAX;
}
