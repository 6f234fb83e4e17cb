/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Out of memory is the caller's to handle: uthash would call exit(). hh.tbl is NULL then. */
#define HASH_NONFATAL_OOM 1

#include "peer_names.h"

#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void free_host(struct host *host)
{
	free(host->shown);
	free(host->addrs);
	free(host->former);
	free(host);
}

void peer_names_clear(struct peer_names *names)
{
	struct reverse_name *reverse, *next_reverse;
	struct host *host, *next;

	HASH_ITER (hh, names->hosts, host, next) {
		HASH_DEL(names->hosts, host);
		free_host(host);
	}
	HASH_ITER (hh, names->reverse, reverse, next_reverse) {
		HASH_DEL(names->reverse, reverse);
		free(reverse->name);
		free(reverse);
	}
}

struct host *peer_names_host(const struct peer_names *names, const char *name)
{
	struct host *host;

	HASH_FIND_STR(names->hosts, name, host);
	return host;
}

int peer_names_add_host(struct peer_names *names, const char *name)
{
	struct host *host;
	size_t length = strlen(name);

	if (peer_names_host(names, name))
		return 0;
	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	host->name = name;
	host->shown = strndup(name, name[length - 1] == '.' ? length - 1 : length);
	if (host->shown) {
		HASH_ADD_KEYPTR(hh, names->hosts, host->name, length, host);
		if (host->hh.tbl)
			return 0;
	}
	free_host(host);
	return -ENOMEM;
}

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

/* Copies addresses, sorted and each once; *count is what remains. NULL: out of memory. */
static struct address *sorted_copy(const struct address *addrs, size_t *count)
{
	struct address *copy = calloc(*count + 1, sizeof(*copy));
	size_t kept = 0;

	if (!copy)
		return NULL;
	if (*count) {
		memcpy(copy, addrs, *count * sizeof(*copy));
		qsort(copy, *count, sizeof(*copy), compare_addresses);
	}
	for (size_t i = 0; i < *count; i++)
		if (i == 0 || compare_addresses(&copy[kept - 1], &copy[i]) != 0)
			copy[kept++] = copy[i];
	*count = kept;
	return copy;
}

bool peer_names_is_over(__u64 until_ns)
{
	return until_ns && monotonic_ns() > until_ns;
}

/* Adds an address that is not among the new ones, unless it is there. */
static void add_former(struct former_address *former, size_t *former_count,
		       const struct former_address *one, const struct address *addrs, size_t count)
{
	if (peer_names_is_over(one->until_ns) ||
	    (count && bsearch(&one->addr, addrs, count, sizeof(*addrs), compare_addresses)))
		return;
	for (size_t i = 0; i < *former_count; i++)
		if (compare_addresses(&former[i].addr, &one->addr) == 0)
			return;
	former[(*former_count)++] = *one;
}

/* What is former once the host has new addresses. *count is how many. NULL: out of memory. */
static struct former_address *make_former(const struct host *host, const struct address *addrs,
					  size_t addrs_count, __u64 until_ns, size_t *count)
{
	struct former_address *former =
		calloc(host->count + host->former_count + 1, sizeof(*former));

	*count = 0;
	for (size_t i = 0; former && i < host->count; i++)
		add_former(former, count, &(struct former_address){host->addrs[i], until_ns}, addrs,
			   addrs_count);
	for (size_t i = 0; former && i < host->former_count; i++)
		add_former(former, count, &host->former[i], addrs, addrs_count);
	return former;
}

int peer_names_set_host(struct host *host, const struct address *addrs, size_t count, __u64 keep_ns)
{
	struct address *copy = sorted_copy(addrs, &count);
	struct former_address *former;
	size_t former_count;

	if (!copy)
		return -ENOMEM;
	if (count == host->count &&
	    (!count || memcmp(copy, host->addrs, count * sizeof(*copy)) == 0)) {
		free(copy);
		return 0;
	}
	former = make_former(host, copy, count, monotonic_ns() + keep_ns, &former_count);
	if (!former) {
		free(copy);
		return -ENOMEM;
	}
	free(host->addrs);
	free(host->former);
	host->addrs = copy;
	host->count = count;
	host->former = former;
	host->former_count = former_count;
	return 1;
}

static struct reverse_name *find_reverse(const struct peer_names *names, const struct address *addr)
{
	struct reverse_name *reverse;

	HASH_FIND(hh, names->reverse, addr, sizeof(*addr), reverse);
	return reverse;
}

const char *peer_names_reverse(const struct peer_names *names, const struct address *addr)
{
	const struct reverse_name *reverse = find_reverse(names, addr);

	return reverse ? reverse->name : NULL;
}

/* Takes the name when it succeeds. */
static int add_reverse(struct peer_names *names, const struct address *addr, char *name)
{
	struct reverse_name *reverse = calloc(1, sizeof(*reverse));

	if (!reverse)
		return -ENOMEM;
	reverse->addr = *addr;
	reverse->name = name;
	HASH_ADD(hh, names->reverse, addr, sizeof(reverse->addr), reverse);
	if (reverse->hh.tbl)
		return 1;
	free(reverse);
	return -ENOMEM;
}

int peer_names_set_reverse(struct peer_names *names, const struct address *addr, const char *name)
{
	struct reverse_name *reverse = find_reverse(names, addr);
	char *copy;
	int status = 1;

	if (reverse && strcmp(reverse->name, name) == 0)
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	if (reverse) {
		free(reverse->name);
		reverse->name = copy;
	} else {
		status = add_reverse(names, addr, copy);
		if (status < 0)
			free(copy);
	}
	return status;
}
