/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps the unread bytes together, however they come, and inflates them on the way if need be. */
#include "byte_stream.h"
#include "gunzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECE       (256 * 1024)       /* read at a time */
#define EXAMINE_MAX (64 * 1024 * 1024) /* takes a moment, for which the event loop waits */

int byte_stream_open(struct byte_stream **stream, const char *path)
{
	struct byte_stream *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = input_open(&s->input, path);
	if (!err) {
		s->size = 2 * PIECE;
		s->bytes = malloc(s->size);
		err = s->bytes ? 0 : -ENOMEM;
	}
	if (err) {
		byte_stream_close(s);
		return err;
	}
	*stream = s;
	return 0;
}

void byte_stream_close(struct byte_stream *s)
{
	if (!s)
		return;
	gunzip_free(s->gunzip);
	input_close(&s->input);
	free(s->bytes);
	free(s);
}

/* Moves the unread bytes to the front, with room for len of them and a piece more. */
static int make_room(struct byte_stream *s, size_t len)
{
	__u8 *bytes;

	if (s->from)
		memmove(s->bytes, s->bytes + s->from, s->to - s->from);
	s->dropped += s->from;
	s->to -= s->from;
	s->from = 0;
	if (len + PIECE <= s->size)
		return 0;
	bytes = realloc(s->bytes, len + PIECE);
	if (!bytes)
		return -ENOMEM;
	s->bytes = bytes;
	s->size = len + PIECE;
	return 0;
}

/* Reads at most room bytes. */
static long fill(struct byte_stream *s, size_t room)
{
	__u8 *to = s->bytes + s->to;
	long n = s->gunzip ? gunzip_read(s->gunzip, to, room) : input_read(&s->input, to, room);

	if (n > 0) {
		s->to += (size_t)n;
	} else if (n != -EAGAIN) {
		s->ended = true;
		s->error = n;
	}
	return n;
}

/* Looks at the first bytes to see whether this is a gzip file. Returns 0 or -errno. */
static long recognise(struct byte_stream *s)
{
	long n = 1;

	while (s->to < GUNZIP_MAGIC && n > 0)
		n = fill(s, GUNZIP_MAGIC - s->to);
	if (n == -EAGAIN)
		return n;
	s->recognised = true;
	if (s->to < GUNZIP_MAGIC || !gunzip_recognises(s->bytes))
		return 0;
	n = gunzip_new(&s->gunzip, &s->input, s->bytes, s->to);
	s->to = 0;
	s->ended = false;
	return n;
}

long byte_stream_peek_on(struct byte_stream *s, size_t len, const __u8 **bytes)
{
	long err = s->ended ? 0 : make_room(s, len);

	if (!err && !s->recognised)
		err = recognise(s);
	while (!err && s->to - s->from < len && !s->ended) {
		err = fill(s, s->size - s->to);
		err = err == -EAGAIN ? err : 0;
	}
	if (!err && s->to - s->from < len)
		err = s->error;
	if (err)
		return err;
	*bytes = s->bytes + s->from;
	return (long)(s->to - s->from < len ? s->to - s->from : len);
}

const char *byte_stream_explain(const struct byte_stream *s, long error)
{
	const char *damage = s->gunzip && error == -EBADMSG ? gunzip_damage(s->gunzip) : NULL;

	return damage ? damage : strerror((int)-error);
}

const char *byte_stream_examine(struct byte_stream *s)
{
	if (!s->gunzip || s->input.live)
		return NULL;
	for (__u64 all = 0; !s->ended && all < EXAMINE_MAX; all += s->to) {
		s->from = s->to = 0;
		fill(s, s->size);
	}
	s->ended = true;
	return gunzip_damage(s->gunzip);
}

__u64 byte_stream_ignored_at(const struct byte_stream *s)
{
	return s->gunzip ? gunzip_ignored_at(s->gunzip) : 0;
}
