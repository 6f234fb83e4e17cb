/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens, rotates and writes the file that log lines go to. */
#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE      0640
#define DIRECTORY_MODE 0750

/* The path of an old file: a dot and one digit more. */
typedef char old_path[PATH_MAX + 2];

/* Creates the file's directory, but not that directory's parents. */
static int make_directory_of(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (length == 0 || length >= sizeof(directory))
		return -ENOENT;
	memcpy(directory, path, length);
	directory[length] = '\0';
	return mkdir(directory, DIRECTORY_MODE) ? -errno : 0;
}

/* O_NONBLOCK: a pipe that nobody reads must lose messages rather than stop the daemon. */
static int open_path(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      FILE_MODE);

	return fd < 0 ? -errno : fd;
}

/* The name to rotate under. /dev/stderr and the like may lead to a file, too, but its name is not
 * ours to change. */
static void find_name(struct log_file *file, const char *path)
{
	struct stat stat;

	file->path[0] = '\0';
	if (fstat(file->fd, &stat) || !S_ISREG(stat.st_mode))
		return;
	if (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0)
		return;
	if (!realpath(path, file->path))
		file->path[0] = '\0';
}

int log_file_open(struct log_file *file, const char *path)
{
	int fd = open_path(path);

	if (fd == -ENOENT && make_directory_of(path) == 0)
		fd = open_path(path);
	if (fd < 0)
		return fd;
	file->fd = fd;
	file->limit = LOG_FILE_MAX;
	find_name(file, path);
	return 0;
}

void log_file_close(struct log_file *file)
{
	if (file->fd != STDERR_FILENO)
		close(file->fd);
}

/* 0 is the file that is written to. */
static const char *name_old(const struct log_file *file, int number, old_path text)
{
	size_t length = strlen(file->path);
	const char end[] = {'.', (char)('0' + number), '\0'};

	memcpy(text, file->path, length + 1);
	if (number)
		memcpy(text + length, end, sizeof(end));
	return text;
}

/* From the oldest on, so that each new name is free. Stops at the first that cannot be moved: going
 * on would overwrite it. */
static int rename_all(const struct log_file *file)
{
	old_path from, to;

	for (int i = LOG_FILE_OLD; i > 0; i--)
		if (rename(name_old(file, i - 1, from), name_old(file, i, to)) && errno != ENOENT)
			return -errno;
	return 0;
}

static int reopen(struct log_file *file)
{
	int fd = open_path(file->path);

	if (fd < 0)
		return fd;
	log_file_close(file);
	file->fd = fd;
	file->limit = LOG_FILE_MAX;
	return 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int log_file_make_room(struct log_file *file, size_t length)
{
	struct stat ours, named;
	int err = 0;

	if (!file->path[0] || fstat(file->fd, &ours) || !ours.st_size ||
	    ours.st_size + (off_t)length <= file->limit)
		return 0;
	if (stat(file->path, &named) == 0 && is_same(&ours, &named))
		err = rename_all(file);
	if (!err)
		err = reopen(file);
	if (err)
		file->limit = ours.st_size + LOG_FILE_MAX;
	return err;
}

void log_file_write(struct log_file *file, const struct iovec *parts, int count)
{
	ssize_t n;

	do
		n = writev(file->fd, parts, count);
	while (n < 0 && errno == EINTR);
}
