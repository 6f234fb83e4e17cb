/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A member's header, its data and its checks, state by state, since any byte may be the last for
 * now. */
#include "gunzip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PIECE       (64 * 1024) /* compressed bytes read at a time: what a pipe holds */
#define GZIP_WINDOW (15 + 16)   /* the largest window; with gzip's header and trailer */

/* What the next compressed byte belongs to. */
enum place {
	IN_MEMBER,
	BEHIND_MEMBER, /* another member, padding, or something foreign */
	IN_PADDING,
	AT_END,
};

struct gunzip {
	struct input *input;
	z_stream z;
	enum place place;
	bool pending; /* the last call filled all the room: zlib may hold more */
	long error;   /* -errno, or 0 */
	__u64 ignored_at;
	char damage[160];
	__u8 bytes[PIECE];
};

static const __u8 magic_bytes[GUNZIP_MAGIC] = {0x1f, 0x8b};

bool gunzip_recognises(const __u8 magic[GUNZIP_MAGIC])
{
	return !memcmp(magic, magic_bytes, GUNZIP_MAGIC);
}

int gunzip_new(struct gunzip **gunzip, struct input *input, const __u8 *begun, size_t size)
{
	struct gunzip *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	if (inflateInit2(&g->z, GZIP_WINDOW) != Z_OK) {
		free(g);
		return -ENOMEM;
	}
	g->input = input;
	memcpy(g->bytes, begun, size);
	g->z.next_in = g->bytes;
	g->z.avail_in = (uInt)size;
	*gunzip = g;
	return 0;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	inflateEnd(&g->z);
	free(g);
}

const char *gunzip_damage(const struct gunzip *g)
{
	return g->damage[0] ? g->damage : NULL;
}

__u64 gunzip_ignored_at(const struct gunzip *g)
{
	return g->ignored_at;
}

static long damaged(struct gunzip *g, const char *what, const char *detail, const char *so)
{
	snprintf(g->damage, sizeof(g->damage), "the gzip data has %s%s at byte %llu%s", what,
		 detail, g->input->offset - g->z.avail_in, so);
	return g->error = -EBADMSG;
}

/* Only zlib's messages tell these two from other damage; they have not changed since 1995. */
static long damaged_member(struct gunzip *g)
{
	static const char so[] = ": packets before it may be damaged, too";
	const char *why = g->z.msg ? g->z.msg : "damaged";
	char detail[64];

	if (!strcmp(why, "incorrect data check"))
		return damaged(g, "a wrong checksum (CRC)", "", so);
	if (!strcmp(why, "incorrect length check"))
		return damaged(g, "a wrong length", "", so);
	snprintf(detail, sizeof(detail), " (%s)", why);
	return damaged(g, "invalid data", detail, so);
}

/* Returns 1, 0 at the end of the file, or -errno. */
static long refill(struct gunzip *g)
{
	long n = input_read(g->input, g->bytes, sizeof(g->bytes));

	if (n > 0) {
		g->z.next_in = g->bytes;
		g->z.avail_in = (uInt)n;
		return 1;
	}
	if (n < 0 && n != -EAGAIN)
		g->error = n;
	return n;
}

static long inflate_on(struct gunzip *g)
{
	int status = inflate(&g->z, Z_NO_FLUSH);

	g->pending = status == Z_OK && g->z.avail_out == 0;
	if (status == Z_STREAM_END)
		g->place = BEHIND_MEMBER;
	else if (status == Z_MEM_ERROR)
		return g->error = -ENOMEM;
	else if (status != Z_OK && status != Z_BUF_ERROR)
		return damaged_member(g);
	return 1;
}

static void ignore_rest(struct gunzip *g)
{
	g->ignored_at = g->input->offset - g->z.avail_in;
	g->place = AT_END;
}

/* Another member's first byte may be the last one read so far: reads on. */
static long complete_magic(struct gunzip *g)
{
	long n;

	g->bytes[0] = magic_bytes[0];
	n = input_read(g->input, g->bytes + 1, sizeof(g->bytes) - 1);
	if (n < 0)
		return n == -EAGAIN ? n : (g->error = n);
	g->z.next_in = g->bytes;
	g->z.avail_in = (uInt)n + 1;
	return n;
}

static long begin_member(struct gunzip *g)
{
	long status = g->z.avail_in == 1 ? complete_magic(g) : 1;

	if (status < 0)
		return status;
	if (status > 0 && !gunzip_recognises(g->z.next_in)) {
		ignore_rest(g);
		return 1;
	}
	inflateReset(&g->z);
	g->place = IN_MEMBER;
	return 1;
}

static long skip_padding(struct gunzip *g)
{
	while (g->z.avail_in && *g->z.next_in == 0) {
		g->z.next_in++;
		g->z.avail_in--;
	}
	if (g->z.avail_in)
		ignore_rest(g);
	return 1;
}

static long behind_member(struct gunzip *g)
{
	if (*g->z.next_in == magic_bytes[0])
		return begin_member(g);
	g->place = IN_PADDING;
	return skip_padding(g);
}

/* The file ends here. */
static long end(struct gunzip *g)
{
	if (g->place == IN_MEMBER)
		return damaged(g, "been cut off", "", "");
	g->place = AT_END;
	return 0;
}

/* One step. Returns 1, 0 at the end, or -errno. */
static long step(struct gunzip *g)
{
	long status = 1;

	if (g->z.avail_in == 0 && !g->pending)
		status = refill(g);
	if (status == 0)
		return end(g);
	if (status < 0)
		return status;
	switch (g->place) {
	case IN_MEMBER:
		return inflate_on(g);
	case BEHIND_MEMBER:
		return behind_member(g);
	case IN_PADDING:
		return skip_padding(g);
	default:
		return 0;
	}
}

long gunzip_read(struct gunzip *g, __u8 *to, size_t size)
{
	long status = 1;

	g->z.next_out = to;
	g->z.avail_out = (uInt)size;
	while (status == 1 && g->z.avail_out == size && g->place != AT_END && !g->error)
		status = step(g);
	if (g->z.avail_out < size)
		return (long)(size - g->z.avail_out);
	return status < 0 ? status : g->error;
}
