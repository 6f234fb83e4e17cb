/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Remembers the addresses of each host, those it had lately and may still be in use, and reverse
 * names. */
#include "peer_names.h"

#include "addresses.h"
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

/* Copies addresses, sorted and each once; *count is what remains. NULL: out of memory. */
static struct address *sorted_copy(const struct address *addrs, size_t *count)
{
	struct address *copy = calloc(*count + 1, sizeof(*copy));

	if (copy && *count)
		memcpy(copy, addrs, *count * sizeof(*copy));
	if (copy)
		*count = addresses_make_set(copy, *count);
	return copy;
}

bool peer_names_is_over(__u64 until_ns)
{
	return until_ns && monotonic_ns() > until_ns;
}

static bool is_over(const struct former_address *one)
{
	return !one->kept && peer_names_is_over(one->until_ns);
}

/* Adds an address that is not among the new ones, unless it is listed already. */
static void add_former(struct former_address *former, size_t *former_count,
		       const struct former_address *one, const struct address *addrs, size_t count)
{
	if (is_over(one) || addresses_have(addrs, count, &one->addr))
		return;
	for (size_t i = 0; i < *former_count; i++)
		if (address_compare(&former[i].addr, &one->addr) == 0)
			return;
	former[(*former_count)++] = *one;
}

/* The former addresses once the host has new ones. *count is how many. NULL: out of memory. */
static struct former_address *make_former(const struct host *host, const struct address *addrs,
					  size_t addrs_count, size_t *count)
{
	struct former_address *former =
		calloc(host->count + host->former_count + 1, sizeof(*former));
	struct former_address left = {.kept = true, .alive_ns = monotonic_ns()};

	*count = 0;
	for (size_t i = 0; former && i < host->count; i++) {
		left.addr = host->addrs[i];
		add_former(former, count, &left, addrs, addrs_count);
	}
	for (size_t i = 0; former && i < host->former_count; i++)
		add_former(former, count, &host->former[i], addrs, addrs_count);
	return former;
}

static int compare_numbers(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

/* Kept addresses first, and among them those alive last: just now in the answer, or with flows in
 * the last walk; then those without flows. */
static int compare_former(const void *a, const void *b)
{
	const struct former_address *x = a, *y = b;

	if (x->kept != y->kept)
		return x->kept ? -1 : 1;
	if (!x->kept)
		return compare_numbers(y->until_ns, x->until_ns);
	return compare_numbers(y->alive_ns, x->alive_ns);
}

static void keep_no_longer(struct former_address *one, __u64 named_ns)
{
	one->kept = false;
	one->until_ns = monotonic_ns() + named_ns;
}

/* Moves those that may stay to the front. */
static void limit_former(struct host *host, __u64 named_ns)
{
	qsort(host->former, host->former_count, sizeof(*host->former), compare_former);
	for (size_t i = KEPT_MAX; i < host->former_count && host->former[i].kept; i++) {
		host->crowded |= host->former[i].had_flows;
		keep_no_longer(&host->former[i], named_ns);
	}
	if (host->former_count > FORMER_MAX)
		host->former_count = FORMER_MAX;
}

/* Takes over the copy, which is sorted. Returns 0 or -ENOMEM. */
static int replace_addresses(struct host *host, struct address *copy, size_t count, __u64 named_ns)
{
	size_t former_count;
	struct former_address *former = make_former(host, copy, count, &former_count);

	if (!former)
		return -ENOMEM;
	free(host->addrs);
	free(host->former);
	host->addrs = copy;
	host->count = count;
	host->former = former;
	host->former_count = former_count;
	limit_former(host, named_ns);
	return 0;
}

int peer_names_set_host(struct host *host, const struct address *addrs, size_t count,
			__u64 named_ns)
{
	struct address *copy = sorted_copy(addrs, &count);
	int err;

	if (!copy)
		return -ENOMEM;
	if (count == host->count &&
	    (!count || memcmp(copy, host->addrs, count * sizeof(*copy)) == 0)) {
		free(copy);
		return 0;
	}
	err = replace_addresses(host, copy, count, named_ns);
	if (err)
		free(copy);
	return err ? err : 1;
}

int peer_names_copy_host(struct host *host, const struct host *from)
{
	size_t count = from->count;
	struct former_address *former = calloc(from->former_count + 1, sizeof(*former));
	struct address *addrs = sorted_copy(from->addrs, &count);

	if (!former || !addrs) {
		free(former);
		free(addrs);
		return -ENOMEM;
	}
	if (from->former_count)
		memcpy(former, from->former, from->former_count * sizeof(*former));
	free(host->addrs);
	free(host->former);
	host->addrs = addrs;
	host->count = count;
	host->former = former;
	host->former_count = from->former_count;
	return 0;
}

void peer_names_see_flow(struct former_address *kept)
{
	kept->had_flows = true;
	kept->alive_ns = monotonic_ns();
}

bool peer_names_forget_idle(struct host *host, __u64 idle_ns, __u64 named_ns)
{
	__u64 now = monotonic_ns();
	bool any = false;

	for (size_t i = 0; i < host->former_count && host->former[i].kept; i++) {
		if (now - host->former[i].alive_ns <= idle_ns)
			continue;
		keep_no_longer(&host->former[i], named_ns);
		any = true;
	}
	if (any)
		limit_former(host, named_ns);
	return any;
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
