/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes frames from one end, decides on their fate and time, and puts them out at the other. */
#include "lane.h"
#include "fate.h"

#include <sys/uio.h>

/* The frame lies at the room of the ordered queue, and stays there unless its fate says no. */
static void meet_fate(struct lane *lane, struct frame *frame, uint64_t arrival,
		      const struct options *options)
{
	struct fate fate = draw_fate(&lane->random, options);
	uint64_t release = arrival + fate.delay;

	if (fate.lost) {
		lane->counts.lost++;
		return;
	}
	if (fate.late) {
		if (queue_put_copy(&lane->late, frame, release + lateness(options)))
			lane->counts.reordered++;
		else
			lane->counts.dropped++;
		return;
	}
	queue_put(&lane->ordered, release);
	if (!fate.duplicated)
		return;
	if (queue_put_copy(&lane->ordered, frame, release))
		lane->counts.duplicated++;
	else
		lane->counts.dropped++;
}

int lane_receive(struct lane *lane, const struct options *options)
{
	static union {
		struct frame frame;
		uint8_t bytes[FRAME_MAX];
	} nowhere;
	struct frame *room = queue_room(&lane->ordered);
	uint64_t arrival = 0;
	int received = port_receive(lane->in, room ? room : &nowhere.frame, &arrival);

	if (received > 0 && room && options->linear && !room->offload.gso_type)
		room->offload.hdr_len = options->linear;
	if (received > 0 && room)
		meet_fate(lane, room, arrival, options);
	else if (received >= 0)
		lane->counts.dropped++;
	return received;
}

static void lane_send(struct lane *lane, struct frame *frame)
{
	struct iovec parts[] = {
		{&frame->offload, sizeof(frame->offload)},
		{frame->addresses, ADDRESS_BYTES + frame->tag_length},
		{frame->payload, frame->payload_length},
	};
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};

	/* A cable does not mind whether somebody is at its other end: no failure here ends us. */
	if (sendmsg(lane->out->fd, &message, 0) < 0)
		lane->counts.dropped++;
	else
		lane->counts.forwarded++;
}

static void release_due(struct lane *lane, struct queue *queue)
{
	uint64_t now = now_ns();
	struct frame *frame;

	while ((frame = queue_first(queue)) && frame->release <= now) {
		lane_send(lane, frame);
		queue->consumed += frame_length(frame);
	}
}

void lane_release_due(struct lane *lane)
{
	release_due(lane, &lane->ordered);
	release_due(lane, &lane->late);
}
