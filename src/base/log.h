/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One message a line, to standard error or to a file. Not for samples: those go to a sink. */
#ifndef METRO_LOG_H
#define METRO_LOG_H

#include <stdbool.h>

/* go-metro's level names, in rising order of severity. */
enum log_level {
	LEVEL_TRACE,
	LEVEL_DEBUG,
	LEVEL_INFO,
	LEVEL_WARNING,
	LEVEL_ERROR,
	LEVEL_CRITICAL,
};

/* Messages below the level are dropped. The level at start is LEVEL_INFO. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* Accepts trace, debug, info, warning, warn, error, err, critical, crit, in any case.
 * Returns 0 or -EINVAL. */
int log_level_parse(const char *name, enum log_level *level);

/* From now on messages go to the file (created with its directory if need be), and no longer to
 * standard error. It is rotated as log_file.h says; opening it again under the same path serves
 * logrotate. NULL returns to standard error. Returns 0 or -errno, and messages go where they went
 * before. */
int log_open(const char *path);
void log_close(void);
bool log_is_file(void);

/* For a daemon: critical messages, mostly a process's last, go to standard error as well as to the
 * log file, so that whoever started it by hand sees the reason. And when nobody reads standard
 * error, messages are dropped rather than block the daemon. */
void log_serve_daemon(bool daemon);

/* If standard error is systemd's journal ($JOURNAL_STREAM), each line there begins with its
 * priority,
 * "<4>", and not with time and level, which the journal has. To be called before there are threads.
 */
void log_find_journal(void);
bool log_is_journal(void);

/* What would go to standard error is handed to this function in place of it, called under the log's
 * lock and perhaps in another thread: it must not log. head is what stands in front of the line.
 * NULL: no longer. */
void log_divert(void (*take)(enum log_level level, const char *head, const char *line));

/* What stands in front of a line on standard error that does not come through here: "<3>", or "".
 */
const char *log_priority(enum log_level level);

/* Safe to call from any thread, but not from a signal handler. errno is kept. A message of several
 * lines is written as several, those after the first with "| " in front; one longer than 16 KiB is
 * cut. Characters that are not printable become question marks (printable.h). */
void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A line of standard error, which is a terminal, that the next one and each message there are
 * written over; NULL: it goes. What is not printable becomes question marks. */
void log_status(const char *line);

#define log_trace(...)    log_message(LEVEL_TRACE, __VA_ARGS__)
#define log_debug(...)    log_message(LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)     log_message(LEVEL_INFO, __VA_ARGS__)
#define log_warning(...)  log_message(LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)    log_message(LEVEL_ERROR, __VA_ARGS__)
#define log_critical(...) log_message(LEVEL_CRITICAL, __VA_ARGS__)

#endif
