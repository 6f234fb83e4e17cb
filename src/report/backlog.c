/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A ring of bytes. What has never been written to takes no memory, so it has its full size at once.
 */
#include "backlog.h"

#include <stdlib.h>
#include <string.h>

size_t backlog_room(struct backlog *backlog)
{
	if (!backlog->bytes) {
		*backlog = (struct backlog){.bytes = malloc(BACKLOG_BYTES)};
		if (!backlog->bytes)
			return 0;
	}
	return BACKLOG_BYTES - backlog->count;
}

void backlog_add(struct backlog *backlog, const char *bytes, size_t count)
{
	size_t at = (backlog->first + backlog->count) % BACKLOG_BYTES;
	size_t part = BACKLOG_BYTES - at < count ? BACKLOG_BYTES - at : count;

	memcpy(backlog->bytes + at, bytes, part);
	memcpy(backlog->bytes, bytes + part, count - part);
	backlog->count += count;
}

const char *backlog_first(const struct backlog *backlog, size_t *count)
{
	size_t part = BACKLOG_BYTES - backlog->first;

	*count = backlog->count < part ? backlog->count : part;
	return backlog->bytes + backlog->first;
}

void backlog_take(struct backlog *backlog, size_t count)
{
	backlog->first = (backlog->first + count) % BACKLOG_BYTES;
	backlog->count -= count;
	if (!backlog->count)
		backlog_drop(backlog);
}

size_t backlog_lines(const char *bytes, size_t count)
{
	const char *end = bytes + count;
	size_t lines = 0;

	while (bytes < end && (bytes = memchr(bytes, '\n', (size_t)(end - bytes)))) {
		bytes++;
		lines++;
	}
	return lines;
}

size_t backlog_drop(struct backlog *backlog)
{
	size_t lines = 0, count;

	while (backlog->count) {
		const char *first = backlog_first(backlog, &count);

		lines += backlog_lines(first, count);
		backlog->first = 0;
		backlog->count -= count;
	}
	free(backlog->bytes);
	*backlog = (struct backlog){};
	return lines;
}
