/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends without being connected: who listens may be started anew, and there is more than one. */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

int notify_address_parse(const char *text, struct notify_address *address)
{
	size_t length = strlen(text);

	*address = (struct notify_address){.name = {.sun_family = AF_UNIX}};
	if ((text[0] != '/' && text[0] != '@') || !text[1] ||
	    length >= sizeof(address->name.sun_path))
		return -EINVAL;
	memcpy(address->name.sun_path, text, length);
	if (text[0] == '@')
		address->name.sun_path[0] = '\0';
	else
		length++; /* a path has its final zero, an abstract name must not */
	address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return 0;
}

int notify_socket(void)
{
	const struct timeval patience = {.tv_sec = 1};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int notify_send(int fd, const struct notify_address *address, const char *text, bool wait)
{
	int flags = MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT);
	ssize_t n;

	do
		n = sendto(fd, text, strlen(text), flags, (const struct sockaddr *)&address->name,
			   address->length);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}
