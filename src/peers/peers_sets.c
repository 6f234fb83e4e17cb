/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Groups interfaces by the instances that measure them. */
#include "peers_sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "selection.h"

static int compare(const void *a, const void *b)
{
	const struct peers_interface *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void sort(struct peers_sets *sets)
{
	if (sets->interfaces_count)
		qsort(sets->interfaces, sets->interfaces_count, sizeof(*sets->interfaces), compare);
}

static struct peers_set *find_set(const struct peers_sets *sets, const __u32 *instances,
				  size_t count)
{
	for (size_t i = 0; i < sets->count; i++)
		if (sets->at[i].count == count &&
		    !memcmp(sets->at[i].instances, instances, count * sizeof(*instances)))
			return &sets->at[i];
	return NULL;
}

/* Returns the set's place, NULL without memory. */
static struct peers_set *add_set(struct peers_sets *sets, const __u32 *instances, size_t count,
				 __u32 number)
{
	struct peers_set *grown = array_grow(sets->at, sets->count, sizeof(*grown));
	__u32 *copy = malloc(count * sizeof(*copy));

	if (grown)
		sets->at = grown;
	if (!grown || !copy) {
		free(copy);
		return NULL;
	}
	memcpy(copy, instances, count * sizeof(*copy));
	grown[sets->count] =
		(struct peers_set){.number = number, .count = count, .instances = copy};
	return &grown[sets->count++];
}

/* Returns 1 if that takes a new set, 0 if not, or -ENOMEM. */
static int add_interface(struct peers_sets *sets, __u32 number, const __u32 *instances,
			 size_t count)
{
	struct peers_set *set = find_set(sets, instances, count);
	struct peers_interface *grown;
	int fresh = !set;

	if (!set)
		set = add_set(sets, instances, count, sets->last + 1);
	grown = set ? array_grow(sets->interfaces, sets->interfaces_count, sizeof(*grown)) : NULL;
	if (!grown)
		return -ENOMEM;
	sets->last += fresh;
	sets->interfaces = grown;
	grown[sets->interfaces_count++] = (struct peers_interface){number, set->number};
	return fresh;
}

/* Those that measure a link, in room for all. Returns how many. */
static size_t find_instances(const struct config *config, const struct link *link, __u32 *instances)
{
	size_t count = 0;

	for (size_t i = 0; i < config->instances_count; i++)
		if (!config->instances[i].pcap &&
		    selection_has(config->instances[i].interface, link))
			instances[count++] = (__u32)i;
	return count;
}

static size_t find_readers(const struct config *config, const __u32 *files, __u32 number,
			   __u32 *instances)
{
	size_t count = 0;

	for (size_t i = 0; i < config->instances_count; i++)
		if (files[i] == number)
			instances[count++] = (__u32)i;
	return count;
}

static int add_files(struct peers_sets *sets, const struct config *config, const __u32 *files,
		     __u32 *instances)
{
	int fresh = 0, status;

	for (size_t i = 0; i < config->instances_count; i++) {
		size_t count = files[i] ? find_readers(config, files, files[i], instances) : 0;

		if (!count || instances[0] != i) /* the file's first alone adds it */
			continue;
		status = add_interface(sets, files[i], instances, count);
		if (status < 0)
			return status;
		fresh |= status;
	}
	return fresh;
}

/* Those that have stayed, if any did, are there already. */
static int add_links(struct peers_sets *sets, const struct config *config,
		     const struct links *links, const struct peers_sets *stayed, __u32 *instances)
{
	int fresh = 0, status;

	for (size_t i = 0; links && i < links->count; i++) {
		__u32 number = links->at[i].interface.ifindex;
		size_t count = find_instances(config, &links->at[i], instances);

		if (!count || (stayed && peers_sets_of(stayed, number)))
			continue;
		status = add_interface(sets, number, instances, count);
		if (status < 0)
			return status;
		fresh |= status;
	}
	return fresh;
}

static int copy_sets(struct peers_sets *sets, const struct peers_sets *from)
{
	for (size_t i = 0; from && i < from->count; i++)
		if (!add_set(sets, from->at[i].instances, from->at[i].count, from->at[i].number))
			return -ENOMEM;
	sets->last = from ? from->last : 0;
	return 0;
}

static int copy_interfaces(struct peers_sets *sets, const struct peers_sets *from)
{
	for (size_t i = 0; i < from->interfaces_count; i++) {
		struct peers_interface *grown =
			array_grow(sets->interfaces, i, sizeof(*sets->interfaces));

		if (!grown)
			return -ENOMEM;
		sets->interfaces = grown;
		grown[i] = from->interfaces[i];
		sets->interfaces_count++;
	}
	return 0;
}

/* Returns 1 if that takes a new set, 0 if not, or -ENOMEM. */
static int add_all(struct peers_sets *sets, const struct config *config, const __u32 *files,
		   const struct links *links, const struct peers_sets *before, __u32 *instances)
{
	bool torn = before && links && !links->whole;
	int err = copy_sets(sets, before), fresh, status;

	if (!err && torn)
		err = copy_interfaces(sets, before);
	if (err)
		return err;
	fresh = add_links(sets, config, links, torn ? before : NULL, instances);
	if (fresh < 0 || torn)
		return fresh;
	status = add_files(sets, config, files, instances);
	return status < 0 ? status : fresh | status;
}

int peers_sets_make(struct peers_sets *sets, const struct config *config, const __u32 *files,
		    const struct links *links, const struct peers_sets *before)
{
	__u32 *instances = calloc(config->instances_count + 1, sizeof(*instances));
	int status;

	*sets = (struct peers_sets){};
	status = instances ? add_all(sets, config, files, links, before, instances) : -ENOMEM;
	free(instances);
	if (status < 0)
		peers_sets_clear(sets);
	else
		sort(sets);
	return status;
}

void peers_sets_clear(struct peers_sets *sets)
{
	for (size_t i = 0; i < sets->count; i++)
		free(sets->at[i].instances);
	free(sets->at);
	free(sets->interfaces);
	*sets = (struct peers_sets){};
}

static bool is_used(const struct peers_sets *sets, __u32 set)
{
	for (size_t i = 0; i < sets->interfaces_count; i++)
		if (sets->interfaces[i].set == set)
			return true;
	return false;
}

void peers_sets_prune(struct peers_sets *sets)
{
	size_t kept = 0;

	for (size_t i = 0; i < sets->count; i++) {
		if (is_used(sets, sets->at[i].number))
			sets->at[kept++] = sets->at[i];
		else
			free(sets->at[i].instances);
	}
	sets->count = kept;
}

/* ---- numbers that stay ---- */

static bool is_among(const __u32 *numbers, size_t count, __u32 number)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* What one of the set's interfaces was in, unless a set before this one has that by now. */
static __u32 inherited(const struct peers_sets *sets, const struct peers_sets *from, size_t at,
		       const __u32 *numbers)
{
	for (size_t i = 0; i < sets->interfaces_count; i++) {
		const struct peers_interface *interface = &sets->interfaces[i];
		__u32 old;

		if (interface->set != sets->at[at].number)
			continue;
		old = peers_sets_of(from, interface->number);
		if (old && !is_among(numbers, at, old))
			return old;
	}
	return 0;
}

int peers_sets_inherit(struct peers_sets *sets, const struct peers_sets *from)
{
	__u32 *numbers = calloc(sets->count + 1, sizeof(*numbers)), last = from->last;

	if (!numbers)
		return -ENOMEM;
	for (size_t i = 0; i < sets->count; i++) {
		numbers[i] = inherited(sets, from, i, numbers);
		if (!numbers[i])
			numbers[i] = ++last;
	}
	for (size_t i = 0; i < sets->interfaces_count; i++) {
		size_t at = 0;

		while (sets->at[at].number != sets->interfaces[i].set)
			at++;
		sets->interfaces[i].set = numbers[at];
	}
	for (size_t i = 0; i < sets->count; i++)
		sets->at[i].number = numbers[i];
	sets->last = last;
	free(numbers);
	return 0;
}

void peers_sets_renumber(struct peers_sets *sets, const __u32 *from, const __u32 *to, size_t count)
{
	for (size_t i = 0; i < sets->interfaces_count; i++)
		for (size_t k = 0; k < count; k++)
			if (from[k] && sets->interfaces[i].number == from[k]) {
				sets->interfaces[i].number = to[k];
				break;
			}
	sort(sets);
}

/* ---- questions ---- */

__u32 peers_sets_of(const struct peers_sets *sets, __u32 number)
{
	const struct peers_interface key = {.number = number}, *found = NULL;

	if (sets->interfaces_count)
		found = bsearch(&key, sets->interfaces, sets->interfaces_count, sizeof(key),
				compare);
	return found ? found->set : 0;
}

bool peers_set_has(const struct peers_set *set, size_t instance)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->instances[i] == instance)
			return true;
	return false;
}
