/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file or standard input, plain or compressed with gzip, read in large pieces. */
#ifndef METRO_BYTE_STREAM_H
#define METRO_BYTE_STREAM_H

#include "types.h"

struct byte_stream {
	void *file; /* gzFile */
	__u8 *bytes;
	size_t size; /* of the memory at bytes */
	size_t from; /* the unread part of it .. */
	size_t to;   /* .. ends here */
	bool ended;
};

/* Opens a path, or standard input for "-". Returns 0 or -errno. */
int byte_stream_open(struct byte_stream **stream, const char *path);
void byte_stream_close(struct byte_stream *stream);

/* byte_stream_peek, where more has to be read. */
long byte_stream_peek_on(struct byte_stream *stream, size_t len, const __u8 **bytes);

/* Makes the next len bytes available in one piece, without moving on. Returns how many are there,
 * less than len only at the end of the data, or -errno. The pointer holds until the next call. */
static inline long byte_stream_peek(struct byte_stream *s, size_t len, const __u8 **bytes)
{
	if (unlikely(s->to - s->from < len))
		return byte_stream_peek_on(s, len, bytes);
	*bytes = s->bytes + s->from;
	return (long)len;
}

/* Moves on over len bytes that a peek has shown. */
static inline void byte_stream_skip(struct byte_stream *s, size_t len)
{
	s->from += len;
}

#endif
