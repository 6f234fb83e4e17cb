/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "byte_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE (256 * 1024) /* read at a time */

int byte_stream_open(struct byte_stream **stream, const char *path)
{
	struct byte_stream *s = calloc(1, sizeof(*s));
	int fd, err;

	if (!s)
		return -ENOMEM;
	fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	if (fd < 0) {
		err = -errno;
		free(s);
		return err;
	}
	s->file = gzdopen(fd, "rb");
	s->size = 2 * PIECE;
	s->bytes = malloc(s->size);
	if (!s->file || !s->bytes) {
		if (!s->file)
			close(fd);
		byte_stream_close(s);
		return -ENOMEM;
	}
	gzbuffer(s->file, PIECE);
	*stream = s;
	return 0;
}

void byte_stream_close(struct byte_stream *s)
{
	if (!s)
		return;
	if (s->file)
		gzclose(s->file);
	free(s->bytes);
	free(s);
}

/* Room for len bytes from the unread ones on, which move to the front. */
static int make_room(struct byte_stream *s, size_t len)
{
	__u8 *bytes;

	memmove(s->bytes, s->bytes + s->from, s->to - s->from);
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

/* What could be decompressed before the data went bad is still delivered: the stream just ends. */
static int fill(struct byte_stream *s)
{
	int n, status;

	n = gzread(s->file, s->bytes + s->to, (unsigned int)(s->size - s->to));
	if (n > 0) {
		s->to += (size_t)n;
		return 0;
	}
	s->ended = true;
	if (n == 0)
		return 0;
	gzerror(s->file, &status);
	return status == Z_ERRNO ? -errno : 0;
}

long byte_stream_peek_on(struct byte_stream *s, size_t len, const __u8 **bytes)
{
	int err = s->ended ? 0 : make_room(s, len);

	while (!err && s->to - s->from < len && !s->ended)
		err = fill(s);
	if (err)
		return err;
	*bytes = s->bytes + s->from;
	return (long)(s->to - s->from < len ? s->to - s->from : len);
}
