/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where log lines end up: standard error, or a file that makes room for itself, as go-metro's does:
 * at 100,000 bytes FILE becomes FILE.1, what was FILE.1 becomes FILE.2, and FILE.5 is deleted.
 * logrotate may do the same from outside. Pipes and devices are just written to. Not thread-safe.
 */
#ifndef METRO_LOG_FILE_H
#define METRO_LOG_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#define LOG_FILE_MAX 100000 /* bytes; go-metro's seelog configuration has these two */
#define LOG_FILE_OLD 5

struct log_file {
	int fd;
	char path[PATH_MAX]; /* behind symbolic links; "": it is never rotated */
	off_t limit;         /* size at which it is rotated */
};

/* Standard error. */
#define LOG_FILE_STDERR                                                                            \
	{                                                                                          \
		.fd = STDERR_FILENO                                                                \
	}

/* Opens the file for appending; creates it, and its directory but not that directory's parents.
 * Returns 0 or -errno. */
int log_file_open(struct log_file *file, const char *path);

/* Closes it, unless it is standard error. */
void log_file_close(struct log_file *file);

/* Rotates the file if length more bytes would exceed its limit. If that fails, the file keeps
 * growing, and the next attempt comes LOG_FILE_MAX bytes later. If the name no longer leads to our
 * file (logrotate has moved it), the name is opened again; only our own file is ever renamed.
 * Returns 0 or -errno. */
int log_file_make_room(struct log_file *file, size_t length);

/* One writev(2). What cannot be written is lost: a full disk must not stop us. */
void log_file_write(struct log_file *file, const struct iovec *parts, int count);

#endif
