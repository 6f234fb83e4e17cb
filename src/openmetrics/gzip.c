/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fastest of zlib: lines of /metrics differ so little that it packs them to less than a
 * twentieth. */
#include "gzip.h"

#include <stdlib.h>

#define ROOM_AT_FIRST (64 * 1024)
#define HEADERS       16 /* added to the window's bits: gzip's around it */

/* Of zlib's hash table: 8 is usual. It is gone through for each half of a window, and with lines
 * that are so alike that costs a tenth of the time, for nothing. */
#define MEMORY_LEVEL 6

void gzip_begin(struct gzip *gzip)
{
	*gzip = (struct gzip){.room = ROOM_AT_FIRST};
	if (deflateInit2(&gzip->stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + HEADERS, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY))
		return;
	gzip->bytes = malloc(gzip->room);
	if (!gzip->bytes)
		deflateEnd(&gzip->stream);
}

static void give_up(struct gzip *gzip)
{
	deflateEnd(&gzip->stream);
	free(gzip->bytes);
	gzip->bytes = NULL;
}

static int make_room(struct gzip *gzip)
{
	char *bytes;

	if (gzip->stream.total_out < gzip->room)
		return 0;
	bytes = realloc(gzip->bytes, 2 * gzip->room);
	if (!bytes) {
		give_up(gzip);
		return -1;
	}
	gzip->bytes = bytes;
	gzip->room *= 2;
	return 0;
}

/* Until there is nothing left to take, and with Z_FINISH nothing left to give. */
static void pack(struct gzip *gzip, int flush)
{
	z_stream *stream = &gzip->stream;
	int status = Z_OK;

	do {
		if (make_room(gzip))
			return;
		stream->next_out = (Bytef *)gzip->bytes + stream->total_out;
		stream->avail_out = (uInt)(gzip->room - stream->total_out);
		status = deflate(stream, flush);
	} while (flush == Z_FINISH ? status == Z_OK : stream->avail_in > 0);
	if (flush == Z_FINISH && status != Z_STREAM_END)
		give_up(gzip);
}

void gzip_add(struct gzip *gzip, const char *bytes, size_t length)
{
	if (!gzip->bytes)
		return;
	gzip->stream.next_in = (Bytef *)bytes;
	gzip->stream.avail_in = (uInt)length;
	pack(gzip, Z_NO_FLUSH);
}

char *gzip_end(struct gzip *gzip, size_t *length)
{
	if (gzip->bytes)
		pack(gzip, Z_FINISH);
	*length = gzip->stream.total_out;
	if (gzip->bytes)
		deflateEnd(&gzip->stream);
	return gzip->bytes;
}
