/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One line that is written over itself. */
#include "progress.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_MS 1000
#define EVERY_MS 250
#define NAME     30 /* of a long name, the end: the line must not wrap at 80 columns */

/* It has to understand "back to the start of the line, and empty it". */
static bool is_able_terminal(int fd)
{
	const char *name = getenv("TERM");

	return isatty(fd) && name && *name && strcmp(name, "dumb") != 0;
}

void progress_begin(struct progress *progress)
{
	*progress = (struct progress){
		.wanted = is_able_terminal(STDERR_FILENO) && !isatty(STDOUT_FILENO),
		.begun_ms = monotonic_ms(),
	};
}

static const char *end_of(const char *name)
{
	size_t length = strlen(name);

	return length > NAME ? name + length - NAME : name;
}

static void show(const struct progress *progress, const char *name,
		 const struct backend_file_progress *so_far)
{
	double packets = (double)so_far->packets,
	       seconds = (double)(progress->told_ms - progress->begun_ms) / 1e3;
	char line[160];

	snprintf(line, sizeof(line), "%s: %.0f %%, %.1f million packets, %.1f million/s",
		 end_of(name), so_far->share * 100, packets / 1e6, packets / seconds / 1e6);
	log_status(line);
}

void progress_tell(struct progress *progress, const char *name, struct backend *backend)
{
	struct backend_file_progress so_far;
	__u64 now_ms;

	if (!progress->wanted)
		return;
	now_ms = monotonic_ms();
	if (now_ms - progress->begun_ms < FIRST_MS || now_ms - progress->told_ms < EVERY_MS)
		return;
	progress->told_ms = now_ms;
	if (backend_file_tell_progress(backend, &so_far))
		show(progress, name, &so_far);
}

void progress_end(struct progress *progress)
{
	if (progress->told_ms)
		log_status(NULL);
	progress->wanted = false;
}
