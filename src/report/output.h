/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Buffered output that remembers its first failure, logs it once, and drops the rest. It waits for
 * a reader that lags behind; or, for those who may not wait, it keeps what the reader has no room
 * for, and beyond BACKLOG_BYTES leaves out lines.
 */
#ifndef METRO_OUTPUT_H
#define METRO_OUTPUT_H

#include "backlog.h"
#include "types.h"

struct output {
	int fd;
	int error;    /* 0, or -errno of the first write that failed */
	bool patient; /* waits for its reader; may change at any time */
	int room;     /* readable when the reader takes more of what waits; -1: there is none */
	bool awaited; /* .. since something does */
	struct backlog backlog;
	__u64 lost; /* lines left out */
	size_t length;
	char bytes[65536];
};

/* One that is patient. */
void output_init(struct output *output, int fd);

/* One that is not, to be closed. Returns 0 or -errno. */
int output_open(struct output *output, int fd);
/* Writes what waits, as long as the reader takes some of it within two seconds, or is patient.
 * Returns 0 or the first error; what was not written is reported. */
int output_drain(struct output *output);
/* The same, for the last time. */
int output_close(struct output *output);

void output_bytes(struct output *output, const void *bytes, size_t length);
void output_text(struct output *output, const char *text);
/* Room for up to size bytes, at most half of the buffer, for the caller to fill: end is where it
 * stopped. */
char *output_room(struct output *output, size_t size);
void output_filled(struct output *output, const char *end);
/* For rare output: at most 1023 bytes. */
void output_format(struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes what is there, or if it is not patient, as much as the reader has room for. Returns 0 or
 * the first error. */
int output_flush(struct output *output);

#endif
