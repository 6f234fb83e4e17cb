/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file, a pipe or standard input, plain or compressed with gzip, read in large pieces. */
#ifndef METRO_BYTE_STREAM_H
#define METRO_BYTE_STREAM_H

#include "input.h"

struct gunzip;
struct read_ahead;

struct byte_stream {
	struct input input;
	bool recognised;          /* it is known whether it is compressed */
	struct gunzip *gunzip;    /* NULL: not compressed */
	struct read_ahead *ahead; /* NULL: nobody; once recognised, input and gunzip are its own */
	__u8 *bytes;              /* our memory, or a piece of ahead's */
	__u8 *memory;
	size_t size;   /* of the memory */
	size_t from;   /* where the unread bytes begin */
	size_t to;     /* where they end */
	__u64 dropped; /* bytes of the data before those in memory */
	bool ended;
	long error; /* why: 0 at the end of the data, or -errno */
};

/* Opens a path, or standard input for "-". Returns 0 or -errno. */
int byte_stream_open(struct byte_stream **stream, const char *path);
void byte_stream_close(struct byte_stream *stream);

/* Has another thread inflate ahead, if it is a file, compressed, and there is a processor for that.
 * Before anything is read. */
void byte_stream_read_ahead(struct byte_stream *stream);

/* The part of byte_stream_peek that reads more. */
long byte_stream_peek_on(struct byte_stream *stream, size_t len, const __u8 **bytes);

/* Makes the next len bytes available in one piece, without moving on. Returns how many are there,
 * less than len only at the end of the data, or -errno: -EAGAIN if the rest has not come yet (ask
 * again), and -EBADMSG if the compressed data is damaged after what is there. The pointer is valid
 * until the next call. */
static inline long byte_stream_peek(struct byte_stream *s, size_t len, const __u8 **bytes)
{
	if (unlikely(s->to - s->from < len))
		return byte_stream_peek_on(s, len, bytes);
	*bytes = s->bytes + s->from;
	return (long)len;
}

/* Skips len bytes that a peek has returned. */
static inline void byte_stream_skip(struct byte_stream *s, size_t len)
{
	s->from += len;
}

/* Position of the next byte in the data, after decompression. */
static inline __u64 byte_stream_at(const struct byte_stream *s)
{
	return s->dropped + s->from;
}

/* A clause about an error that peek returned; holds until the stream is closed. */
const char *byte_stream_explain(const struct byte_stream *stream, long error);

/* To be called when the data makes no sense, which may come from damaged gzip data: reads on, at
 * most 64 MiB, to find out, but not from a pipe. Returns a clause as above, or NULL. Nothing can be
 * read afterwards. */
const char *byte_stream_examine(struct byte_stream *stream);

/* Position in the file of the first byte ignored after the compressed data; 0: none. */
__u64 byte_stream_ignored_at(const struct byte_stream *stream);

#endif
