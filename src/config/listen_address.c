/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An address must be written out: a name could be another one tomorrow, and an empty one means
 * every address to some programs and none to others. */
#include "listen_address.h"

#include <errno.h>
#include <string.h>

#include "number.h"

#define UNIX "unix:"

static int parse_path(const char *path, struct listen_address *address)
{
	size_t length = strlen(path);

	if (*path != '/' || path[length - 1] == '/' || length >= sizeof(address->path))
		return -EINVAL;
	strcpy(address->path, path);
	return 0;
}

/* The brackets go, which an IPv6 address has and an IPv4 address has not. */
static int parse_host(const char *text, size_t length, struct address *addr)
{
	bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
	char host[ADDRESS_TEXT];

	text += brackets;
	length -= 2 * brackets;
	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (address_parse(host, addr) || !!strchr(host, ':') != brackets)
		return -EINVAL;
	return 0;
}

int listen_address_parse(const char *text, struct listen_address *address)
{
	const char *colon = strrchr(text, ':');

	*address = (struct listen_address){};
	if (!strncmp(text, UNIX, strlen(UNIX)))
		return parse_path(text + strlen(UNIX), address);
	if (!colon || number_parse_whole(colon + 1, 1, 65535, &address->port))
		return -EINVAL;
	return parse_host(text, (size_t)(colon - text), &address->addr);
}

static bool is_loopback(const struct address *addr)
{
	static const struct address loopback = {.bytes = {[15] = 1}};

	return address_is_v4(addr) ? addr->bytes[12] == 127
				   : !memcmp(addr, &loopback, sizeof(loopback));
}

bool listen_address_is_exposed(const struct listen_address *address)
{
	return !*address->path && !is_loopback(&address->addr);
}
