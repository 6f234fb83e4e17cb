/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the bytes of a capture come from: a file, or a pipe that may be silent for a while. */
#ifndef METRO_INPUT_H
#define METRO_INPUT_H

#include "types.h"

struct input {
	int fd;
	bool live;    /* no regular file: its bytes come when they come */
	__u64 offset; /* bytes read so far; another thread may ask by input_offset */
	__u64 size;   /* of a regular file, when it was opened */
};

/* Opens a path, or standard input for "-". A FIFO is opened whether it has a writer yet or not.
 * Returns 0 or -errno. */
int input_open(struct input *input, const char *path);
void input_close(struct input *input);

/* Reads what is there, at most size bytes, and never waits. Returns how many, 0 at the end, -EAGAIN
 * if there is nothing now (the descriptor becomes readable when there is), or another -errno. */
long input_read(struct input *input, __u8 *to, size_t size);

static inline __u64 input_offset(const struct input *input)
{
	return __atomic_load_n(&input->offset, __ATOMIC_RELAXED);
}

#endif
