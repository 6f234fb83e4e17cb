/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Buffered output that remembers its first failure, logs it once, and drops the rest. */
#ifndef METRO_OUTPUT_H
#define METRO_OUTPUT_H

#include "types.h"

struct output {
	int fd;
	int error; /* 0, or -errno of the first write that failed */
	size_t length;
	char bytes[65536];
};

void output_init(struct output *output, int fd);

void output_bytes(struct output *output, const void *bytes, size_t length);
void output_text(struct output *output, const char *text);
/* Room for up to size bytes, at most half of the buffer, for the caller to fill: end is where it
 * stopped. */
char *output_room(struct output *output, size_t size);
void output_filled(struct output *output, const char *end);
/* For rare output: at most 1023 bytes. */
void output_format(struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Returns 0 or the first error. */
int output_flush(struct output *output);

#endif
