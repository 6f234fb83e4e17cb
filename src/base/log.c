/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts a message together as lines with a head each, under one lock, without allocating anything.
 */
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "log_file.h"
#include "printable.h"
#include "units.h"

#define HEAD_SIZE 64
/* In front of a message's further lines, so that a newline in what it quotes cannot fake a message
 * of ours. */
#define FURTHER "| "
/* For a terminal: to the start of the line, and empty it. */
#define CLEAR_LINE "\r\033[K"

static struct {
	pthread_mutex_t lock; /* guards file and text */
	struct log_file file;
	char text[16384]; /* no allocation: "out of memory" must come through, too */
	atomic_int level;
	bool daemon;
	bool journal; /* standard error is */
	bool status;  /* its last line is one that is to be written over */
	void (*divert)(enum log_level level, const char *head, const char *line); /* or NULL */
} logger = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.file = LOG_FILE_STDERR,
	.level = LEVEL_INFO,
};

static const char *const level_names[] = {
	[LEVEL_TRACE] = "TRACE",     [LEVEL_DEBUG] = "DEBUG", [LEVEL_INFO] = "INFO",
	[LEVEL_WARNING] = "WARNING", [LEVEL_ERROR] = "ERROR", [LEVEL_CRITICAL] = "CRITICAL",
};

void log_set_level(enum log_level level)
{
	atomic_store(&logger.level, (int)level);
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load(&logger.level);
}

int log_level_parse(const char *name, enum log_level *level)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{"trace", LEVEL_TRACE},     {"debug", LEVEL_DEBUG},       {"info", LEVEL_INFO},
		{"warning", LEVEL_WARNING}, {"warn", LEVEL_WARNING},      {"error", LEVEL_ERROR},
		{"err", LEVEL_ERROR},       {"critical", LEVEL_CRITICAL}, {"crit", LEVEL_CRITICAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcasecmp(name, names[i].name) == 0) {
			*level = names[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

static void write_to(const struct log_file *file)
{
	struct log_file old;

	pthread_mutex_lock(&logger.lock);
	old = logger.file;
	logger.file = *file;
	pthread_mutex_unlock(&logger.lock);
	log_file_close(&old);
}

int log_open(const char *path)
{
	struct log_file file;
	int err;

	if (!path) {
		log_close();
		return 0;
	}
	err = log_file_open(&file, path);
	if (!err)
		write_to(&file);
	return err;
}

void log_close(void)
{
	const struct log_file standard_error = LOG_FILE_STDERR;

	write_to(&standard_error);
}

bool log_is_file(void)
{
	bool is;

	pthread_mutex_lock(&logger.lock);
	is = logger.file.fd != STDERR_FILENO;
	pthread_mutex_unlock(&logger.lock);
	return is;
}

void log_serve_daemon(bool daemon)
{
	pthread_mutex_lock(&logger.lock);
	logger.daemon = daemon;
	pthread_mutex_unlock(&logger.lock);
}

void log_divert(void (*take)(enum log_level level, const char *head, const char *line))
{
	pthread_mutex_lock(&logger.lock);
	logger.divert = take;
	pthread_mutex_unlock(&logger.lock);
}

/* ---- the journal ---- */

/* "DEVICE:INODE" of the journal's socket. Who starts us may pass on a variable that is not about
 * us, so standard error has to be it. */
void log_find_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat stat;

	logger.journal = false;
	if (!stream || fstat(STDERR_FILENO, &stat))
		return;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
	logger.journal = strcmp(stream, ours) == 0;
}

bool log_is_journal(void)
{
	return logger.journal;
}

const char *log_priority(enum log_level level)
{
	static const char *const priorities[] = {
		[LEVEL_TRACE] = "<7>",   [LEVEL_DEBUG] = "<7>", [LEVEL_INFO] = "<6>",
		[LEVEL_WARNING] = "<4>", [LEVEL_ERROR] = "<3>", [LEVEL_CRITICAL] = "<2>",
	};

	return logger.journal ? priorities[level] : "";
}

/* ---- lines ---- */

/* What stands in front of a line: "2026-11-23T10:00:00.123Z LEVEL " */
static void format_head(char head[HEAD_SIZE], enum log_level level)
{
	struct timespec now;
	struct tm utc;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(head, HEAD_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(head + length, HEAD_SIZE - length, ".%03ldZ %s ", now.tv_nsec / (long)NS_PER_MS,
		 level_names[level]);
}

struct heads {
	char file[HEAD_SIZE], standard_error[HEAD_SIZE];
};

static void format_heads(struct heads *heads, enum log_level level)
{
	format_head(heads->file, level);
	strcpy(heads->standard_error, logger.journal ? log_priority(level) : heads->file);
}

static const char *head_for(const struct heads *heads, const struct log_file *file)
{
	return file->fd == STDERR_FILENO ? heads->standard_error : heads->file;
}

/* Standard error is shared with other processes, so it cannot be made non-blocking. A pipe is
 * reported as writable when it has room for a page. */
static bool would_wait(const struct log_file *file)
{
	struct pollfd out = {.fd = file->fd, .events = POLLOUT};

	return logger.daemon && file->fd == STDERR_FILENO && poll(&out, 1, 0) == 0;
}

static void clear_status(void)
{
	struct log_file standard_error = LOG_FILE_STDERR;
	const struct iovec part = {(char *)CLEAR_LINE, strlen(CLEAR_LINE)};

	if (logger.status)
		log_file_write(&standard_error, &part, 1);
	logger.status = false;
}

static void write_parts(struct log_file *file, enum log_level level, const char *head,
			const char *line)
{
	const struct iovec parts[3] = {
		{(char *)head, strlen(head)},
		{(char *)line, strlen(line)},
		{(char *)"\n", 1},
	};

	if (logger.divert && file->fd == STDERR_FILENO) {
		logger.divert(level, head, line);
		return;
	}
	if (file->fd == STDERR_FILENO)
		clear_status();
	if (!would_wait(file))
		log_file_write(file, parts, 3);
}

/* If the file cannot be rotated, the file itself says so: there is no other place. */
static void make_room(size_t length)
{
	char head[HEAD_SIZE], text[128];
	int err = log_file_make_room(&logger.file, length);

	if (!err)
		return;
	format_head(head, LEVEL_WARNING);
	snprintf(text, sizeof(text), "cannot rotate this log file: %s; it keeps growing",
		 strerror(-err));
	write_parts(&logger.file, LEVEL_WARNING, head, text);
}

static void write_line(enum log_level level, const struct heads *heads, char *line)
{
	static struct log_file standard_error = LOG_FILE_STDERR;
	const char *head = head_for(heads, &logger.file);

	printable(line); /* what a message quotes must not forge or garble lines */
	make_room(strlen(head) + strlen(line) + 1);
	write_parts(&logger.file, level, head, line);
	if (level == LEVEL_CRITICAL && logger.daemon && logger.file.fd != STDERR_FILENO)
		write_parts(&standard_error, level, heads->standard_error, line);
}

/* Formats into logger.text; text that does not fit ends in dots. */
static void format_text(const char *format, va_list args)
{
	int length = vsnprintf(logger.text, sizeof(logger.text), format, args);

	if (length < 0)
		logger.text[0] = '\0';
	else if ((size_t)length >= sizeof(logger.text))
		strcpy(logger.text + sizeof(logger.text) - 4, "...");
}

void log_message(enum log_level level, const char *format, ...)
{
	int saved_errno = errno;
	struct heads heads;
	char *rest, *line;
	va_list args;

	if (level < log_get_level())
		return;
	format_heads(&heads, level);

	pthread_mutex_lock(&logger.lock);
	errno = saved_errno; /* for %m */
	va_start(args, format);
	format_text(format, args);
	va_end(args);
	rest = logger.text;
	line = strsep(&rest, "\n");
	for (bool first = true; first || (line && (*line || rest)); first = false) {
		write_line(level, &heads,
			   line); /* the loop leaves out an empty last line: only a final newline */
		if (first) {
			strcat(heads.file, FURTHER);
			strcat(heads.standard_error, FURTHER);
		}
		line = strsep(&rest, "\n");
	}
	pthread_mutex_unlock(&logger.lock);
	errno = saved_errno;
}

void log_status(const char *line)
{
	struct log_file standard_error = LOG_FILE_STDERR;
	char text[256];
	struct iovec part = {.iov_base = text};

	snprintf(text, sizeof(text), "%s", line ? line : "");
	printable(text);
	part.iov_len = strlen(text);
	pthread_mutex_lock(&logger.lock);
	clear_status();
	if (part.iov_len)
		log_file_write(&standard_error, &part, 1);
	logger.status = part.iov_len;
	pthread_mutex_unlock(&logger.lock);
}
