/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packs a text that comes in pieces, as gzip does (RFC 1952). */
#ifndef METRO_GZIP_H
#define METRO_GZIP_H

#include <stddef.h>
#include <zlib.h>

struct gzip {
	z_stream stream;
	char *bytes; /* what is packed; NULL: out of memory, and nothing is taken any more */
	size_t room;
};

/* To be ended with gzip_end, also after there was no memory. */
void gzip_begin(struct gzip *gzip);
void gzip_add(struct gzip *gzip, const char *bytes, size_t length);

/* All of it, to be freed, of *length bytes. NULL: out of memory. */
char *gzip_end(struct gzip *gzip, size_t *length);

#endif
