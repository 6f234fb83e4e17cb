/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* getaddrinfo(3) and getnameinfo(3), with the answers sorted and the errors told apart. */
#include "lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "addresses.h"
#include "host_name.h"

static unsigned int family_of(const struct address *addr)
{
	return address_is_v4(addr) ? FAMILY_V4 : FAMILY_V6;
}

int outcome_add(struct outcome *outcome, const struct address *addrs, size_t count,
		unsigned int families)
{
	struct address *grown =
		reallocarray(outcome->addrs, outcome->count + count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	outcome->addrs = grown;
	for (size_t i = 0; i < count; i++) {
		if (!(family_of(&addrs[i]) & families))
			continue;
		outcome->families |= family_of(&addrs[i]);
		grown[outcome->count++] = addrs[i];
	}
	/* Name servers rotate their answers: as sets, the same addresses are the same. */
	outcome->count = addresses_make_set(grown, outcome->count);
	return 0;
}

static void collect(struct outcome *outcome, const struct addrinfo *list)
{
	struct address addr;

	for (; list; list = list->ai_next)
		if (address_from_socket(&addr, list->ai_addr) &&
		    outcome_add(outcome, &addr, 1, FAMILY_V4 | FAMILY_V6))
			outcome->error = EAI_MEMORY;
}

static void ask(struct outcome *outcome, const char *host, int family)
{
	const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;

	outcome->error = getaddrinfo(host, NULL, &hints, &list);
	outcome->system_error = outcome->error == EAI_SYSTEM ? errno : 0;
	if (outcome->error)
		return;
	collect(outcome, list);
	freeaddrinfo(list);
}

bool outcome_is_final(const struct outcome *outcome)
{
	switch (outcome->error) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return true;
	default:
		return false;
	}
}

/* Only now, one by one: a name in /etc/hosts with one family must not wait for name servers to
 * answer about the other. */
static void ask_again(struct outcome *outcome, const char *host, unsigned int family)
{
	struct outcome other = {0};

	ask(&other, host, family == FAMILY_V4 ? AF_INET : AF_INET6);
	if ((other.error && !outcome_is_final(&other)) ||
	    outcome_add(outcome, other.addrs, other.count, family))
		outcome->unknown |= family;
	outcome_clear(&other);
}

struct outcome lookup_host(const char *host, unsigned int families_before)
{
	struct outcome outcome = {0};

	ask(&outcome, host, AF_UNSPEC);
	if (!outcome.error && !outcome.count)
		outcome.error = EAI_NODATA;
	for (unsigned int family = FAMILY_V4; family <= FAMILY_V6 && !outcome.error; family <<= 1)
		if (families_before & ~outcome.families & family)
			ask_again(&outcome, host, family);
	return outcome;
}

struct outcome lookup_address(const struct address *addr)
{
	struct outcome outcome = {0};
	struct sockaddr_storage sa;
	socklen_t size = address_to_socket(addr, &sa);
	char name[NI_MAXHOST];
	size_t length;

	outcome.error =
		getnameinfo((struct sockaddr *)&sa, size, name, sizeof(name), NULL, 0, NI_NAMEREQD);
	outcome.system_error = outcome.error == EAI_SYSTEM ? errno : 0;
	if (outcome.error)
		return outcome;
	length = strlen(name);
	if (length && name[length - 1] == '.')
		name[length - 1] = '\0';
	if (!host_name_is_valid(name)) {
		outcome.error = EAI_NONAME;
		return outcome;
	}
	outcome.name = strdup(name);
	if (!outcome.name)
		outcome.error = EAI_MEMORY;
	return outcome;
}

const char *outcome_error(const struct outcome *outcome)
{
	return outcome->error == EAI_SYSTEM ? strerror(outcome->system_error)
					    : gai_strerror(outcome->error);
}

void outcome_clear(struct outcome *outcome)
{
	free(outcome->addrs);
	free(outcome->name);
	*outcome = (struct outcome){0};
}
