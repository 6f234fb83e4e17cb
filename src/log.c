/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LOG_FILE_MODE      0640
#define LOG_DIRECTORY_MODE 0750

static struct {
	pthread_mutex_t lock; /* guards fd and text */
	int fd;
	char text[16384]; /* no allocation: "out of memory" must come through, too */
	atomic_int level;
} logger = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.fd = STDERR_FILENO,
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

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(name, names[i].name) == 0) {
			*level = names[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

/* Creates the directory that the file is to lie in, but not that directory's parents. */
static int make_directory_of(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (length == 0 || length >= sizeof(directory))
		return -ENOENT;
	memcpy(directory, path, length);
	directory[length] = '\0';
	return mkdir(directory, LOG_DIRECTORY_MODE) ? -errno : 0;
}

/* O_NONBLOCK: a pipe that nobody reads must lose messages rather than stop the daemon. */
static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      LOG_FILE_MODE);

	return fd < 0 ? -errno : fd;
}

static void write_to(int fd)
{
	int old;

	pthread_mutex_lock(&logger.lock);
	old = logger.fd;
	logger.fd = fd;
	pthread_mutex_unlock(&logger.lock);
	if (old != STDERR_FILENO)
		close(old);
}

int log_open(const char *path)
{
	int fd;

	if (!path) {
		log_close();
		return 0;
	}
	fd = open_file(path);
	if (fd == -ENOENT && make_directory_of(path) == 0)
		fd = open_file(path);
	if (fd < 0)
		return fd;
	write_to(fd);
	return 0;
}

void log_close(void)
{
	write_to(STDERR_FILENO);
}

/* "2026-11-23T10:00:00.123Z LEVEL " */
static size_t format_head(char head[64], enum log_level level)
{
	struct timespec now;
	struct tm utc;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(head, 64, "%Y-%m-%dT%H:%M:%S", &utc);
	return length + (size_t)snprintf(head + length, 64 - length, ".%03ldZ %s ",
					 now.tv_nsec / 1000000, level_names[level]);
}

/* A control character in a message (from a file's contents, say) must not forge or garble lines. */
static void clean_line(char *line)
{
	for (; *line; line++)
		if (((unsigned char)*line < ' ' && *line != '\t') || *line == 0x7f)
			*line = '?';
}

static void write_line(const char *head, size_t head_length, char *line)
{
	struct iovec parts[3] = {
		{(char *)head, head_length},
		{line, strlen(line)},
		{(char *)"\n", 1},
	};
	ssize_t n;

	clean_line(line);
	do
		n = writev(logger.fd, parts, 3);
	while (n < 0 && errno == EINTR);
}

/* Formats into logger.text; what does not fit gives way to dots. */
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
	char head[64], *rest, *line;
	size_t head_length;
	va_list args;

	if (level < log_get_level())
		return;
	head_length = format_head(head, level);

	pthread_mutex_lock(&logger.lock);
	errno = saved_errno; /* for %m */
	va_start(args, format);
	format_text(format, args);
	va_end(args);
	rest = logger.text;
	line = strsep(&rest, "\n");
	do {
		write_line(head, head_length, line);
		line = strsep(&rest, "\n");
	} while (line && (*line || rest)); /* an empty last line is only the newline before it */
	pthread_mutex_unlock(&logger.lock);
	errno = saved_errno;
}
