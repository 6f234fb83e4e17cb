/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Accepts connections, and puts their packets together from pieces. */
#include "streams.h"

#include "../toolkit.h"

#include <endian.h>

#include "listener.h"

#define PREFIX sizeof(uint32_t)

struct stream {
	int fd;    /* -1: it has ended, but for what is in the buffer */
	size_t at; /* bytes in the buffer */
	char buffer[PREFIX + LISTENER_DATAGRAM_MAX];
};

static struct stream **free_place(struct streams *streams)
{
	for (int i = 0; i < STREAMS; i++)
		if (!streams->stream[i])
			return &streams->stream[i];
	return NULL;
}

bool streams_full(const struct streams *streams)
{
	return !free_place((struct streams *)streams);
}

void streams_accept(struct streams *streams, int listening_fd)
{
	struct stream **place = free_place(streams), *stream;

	stream = place ? calloc(1, sizeof(*stream)) : NULL;
	if (!stream)
		return;
	stream->fd = accept4(listening_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (stream->fd < 0)
		free(stream); /* it has gone already */
	else
		*place = stream;
}

void streams_poll(const struct streams *streams, struct pollfd waiting[STREAMS])
{
	for (int i = 0; i < STREAMS; i++) {
		const struct stream *stream = streams->stream[i];

		waiting[i] = (struct pollfd){.fd = stream ? stream->fd : -1, .events = POLLIN};
	}
}

/* Of the packet at the start of the buffer, its length included; 0: not known yet. */
static size_t packet_size(const struct stream *stream)
{
	uint32_t length;

	if (stream->at < PREFIX)
		return 0;
	memcpy(&length, stream->buffer, sizeof(length));
	return PREFIX + (size_t)le32toh(length);
}

static void end_stream(struct stream **place)
{
	if ((*place)->fd >= 0)
		close((*place)->fd);
	free(*place);
	*place = NULL;
}

static void read_stream(struct stream **place)
{
	struct stream *stream = *place;
	ssize_t n =
		read(stream->fd, stream->buffer + stream->at, sizeof(stream->buffer) - stream->at);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (stream->at)
			fprintf(stderr, "a stream ended within a packet\n");
		end_stream(place);
		return;
	}
	stream->at += (size_t)n;
	if (packet_size(stream) > sizeof(stream->buffer)) {
		fprintf(stderr, "a stream with a packet of %zu bytes: closed\n",
			packet_size(stream) - PREFIX);
		end_stream(place);
	}
}

void streams_read(struct streams *streams, const struct pollfd waiting[STREAMS])
{
	for (int i = 0; i < STREAMS; i++)
		if (streams->stream[i] && waiting[i].revents)
			read_stream(&streams->stream[i]);
}

static bool take_from(struct stream *stream, char *packet, size_t *length)
{
	size_t size = packet_size(stream);

	if (!size || stream->at < size || size > sizeof(stream->buffer))
		return false;
	*length = size - PREFIX;
	memcpy(packet, stream->buffer + PREFIX, *length);
	stream->at -= size;
	memmove(stream->buffer, stream->buffer + size, stream->at);
	return true;
}

bool streams_take(struct streams *streams, char *packet, size_t *length)
{
	for (int i = 0; i < STREAMS; i++)
		if (streams->stream[i] && take_from(streams->stream[i], packet, length))
			return true;
	return false;
}

void streams_close(struct streams *streams)
{
	for (int i = 0; i < STREAMS; i++)
		if (streams->stream[i])
			end_stream(&streams->stream[i]);
}
