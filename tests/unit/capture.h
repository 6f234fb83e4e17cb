/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the code under test says: its log, its standard output, and its datagrams. */
#ifndef METRO_TEST_CAPTURE_H
#define METRO_TEST_CAPTURE_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

/* A StatsD server on loopback. Port 0: any. */
static inline int server_open(const char *host, unsigned int port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval patience = {.tv_sec = 2};
	int is_v6 = inet_pton(AF_INET6, host, &v6.sin6_addr) == 1;
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -1;
	inet_pton(AF_INET, host, &v4.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	error = is_v6 ? bind(fd, (struct sockaddr *)&v6, sizeof(v6))
		      : bind(fd, (struct sockaddr *)&v4, sizeof(v4));
	if (!error)
		return fd;
	close(fd);
	return -1;
}

static inline unsigned int server_port(int fd)
{
	struct sockaddr_storage addr;
	socklen_t length = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &length))
		return 0;
	return ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
						: ((struct sockaddr_in *)&addr)->sin_port);
}

/* The next datagram as a string: its length, or -1 if none came. */
static inline int server_receive(int fd, char *text, size_t size)
{
	ssize_t length = recv(fd, text, size - 1, 0);

	text[length < 0 ? 0 : length] = '\0';
	return length;
}

/* All of them up to now, joined by "\n--\n" where one ends and the next begins. */
static inline int server_receive_all(int fd, char *text, size_t size)
{
	int datagrams = 0;
	size_t at = 0;
	ssize_t length;

	text[0] = '\0';
	while (at + 5 < size) {
		size_t gap = datagrams ? 4 : 0;

		length = recv(fd, text + at + gap, size - at - gap - 1, MSG_DONTWAIT);
		if (length < 0)
			break;
		memcpy(text + at, "\n--\n", gap);
		at += gap + length;
		text[at] = '\0';
		datagrams++;
	}
	return datagrams;
}

/* A temporary file that the text comes from. */
struct capture {
	char path[32];
	char *text;
	int saved_fd;
};

static inline int capture_file(struct capture *capture)
{
	strcpy(capture->path, "/tmp/metro-test-XXXXXX");
	capture->text = NULL;
	return mkstemp(capture->path);
}

static inline const char *capture_read(struct capture *capture)
{
	FILE *file = fopen(capture->path, "r");
	size_t size = 0;

	free(capture->text);
	capture->text = NULL;
	if (!file || getdelim(&capture->text, &size, '\0', file) < 0) {
		free(capture->text);
		capture->text = strdup("");
	}
	if (file)
		fclose(file);
	return capture->text;
}

static inline void capture_free(struct capture *capture)
{
	unlink(capture->path);
	free(capture->text);
}

static inline void log_capture(struct capture *capture)
{
	close(capture_file(capture));
	log_open(capture->path);
}

static inline void log_release(struct capture *capture)
{
	log_open(NULL);
	capture_free(capture);
}

static inline void stdout_to(struct capture *capture, int fd)
{
	fflush(stdout);
	capture->saved_fd = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	close(fd);
}

static inline void stdout_capture(struct capture *capture)
{
	stdout_to(capture, capture_file(capture));
}

static inline void stdout_restore(struct capture *capture)
{
	fflush(stdout);
	dup2(capture->saved_fd, STDOUT_FILENO);
	close(capture->saved_fd);
}

static inline int count_of(const char *text, const char *what)
{
	int count = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		count++;
	return count;
}

#endif
