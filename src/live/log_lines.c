/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A ring of lines under a lock: any thread may log. */
#include "log_lines.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "utf8.h"

struct line {
	char *head, *text;
	enum log_level level;
	__u64 at_ms;
};

static struct {
	pthread_mutex_t lock;
	bool taking;
	struct line lines[LOG_LINES_KEPT];
	size_t taken; /* of all; the last ones are kept */
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void free_line(struct line *line)
{
	free(line->head);
	free(line->text);
	*line = (struct line){};
}

static void take(enum log_level level, const char *head, const char *text)
{
	struct line *line;

	pthread_mutex_lock(&self.lock);
	line = &self.lines[self.taken++ % LOG_LINES_KEPT];
	free_line(line);
	*line = (struct line){strdup(head), strdup(text), level, monotonic_ms()};
	pthread_mutex_unlock(&self.lock);
}

void log_lines_begin(void)
{
	self.taking = true;
	log_divert(take);
}

static void write_lines(void)
{
	size_t first = self.taken > LOG_LINES_KEPT ? self.taken - LOG_LINES_KEPT : 0;

	if (first)
		dprintf(STDERR_FILENO, "(%zu earlier lines of the log are left out)\n", first);
	for (size_t i = first; i < self.taken; i++) {
		struct line *line = &self.lines[i % LOG_LINES_KEPT];

		if (line->head && line->text)
			dprintf(STDERR_FILENO, "%s%s\n", line->head, line->text);
		free_line(line);
	}
	self.taken = 0;
}

void log_lines_end(void)
{
	if (!self.taking)
		return;
	log_divert(NULL);
	self.taking = false;
	pthread_mutex_lock(&self.lock);
	write_lines();
	pthread_mutex_unlock(&self.lock);
}

static const struct line *find_latest(enum log_level least)
{
	for (size_t i = self.taken; i > 0 && i + LOG_LINES_KEPT > self.taken; i--) {
		const struct line *line = &self.lines[(i - 1) % LOG_LINES_KEPT];

		if (line->text && line->level >= least)
			return line;
	}
	return NULL;
}

double log_lines_latest(enum log_level least, char text[LOG_LINE_TEXT], enum log_level *level)
{
	const struct line *line;
	double age = 0;

	*text = '\0';
	pthread_mutex_lock(&self.lock);
	line = find_latest(least);
	if (line) {
		size_t length = utf8_cut(line->text, LOG_LINE_TEXT - 1);

		memcpy(text, line->text, length);
		text[length] = '\0';
		*level = line->level;
		age = (double)(monotonic_ms() - line->at_ms) / 1000;
	}
	pthread_mutex_unlock(&self.lock);
	return age;
}
