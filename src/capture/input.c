/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens and reads without ever waiting for the writer of a pipe. */
#include "input.h"
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without O_NONBLOCK, opening a FIFO waits for its writer, and signals that are read from a
 * descriptor would not end that. Standard input keeps its flags: others may share them. */
int input_open(struct input *input, const char *path)
{
	struct stat stat;

	*input = (struct input){};
	input->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
				      : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	if (input->fd < 0)
		return -errno;
	input->live = fstat(input->fd, &stat) || !S_ISREG(stat.st_mode);
	input->size = input->live ? 0 : (__u64)stat.st_size;
	return 0;
}

void input_close(struct input *input)
{
	descriptor_close(&input->fd);
}

/* A FIFO that never had a writer reads as if it had ended; poll(2) knows better. */
static bool is_quiet(const struct input *input)
{
	struct pollfd readable = {.fd = input->fd, .events = POLLIN};

	return input->live && poll(&readable, 1, 0) == 0;
}

long input_read(struct input *input, __u8 *to, size_t size)
{
	ssize_t n;

	if (is_quiet(input))
		return -EAGAIN;
	do
		n = read(input->fd, to, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	__atomic_store_n(&input->offset, input->offset + (__u64)n, __ATOMIC_RELAXED);
	return n;
}
