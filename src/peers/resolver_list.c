/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Collects the names and addresses of a configuration, and finds the tasks that exist for them
 * already. */
#include "resolver_list.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(enum resolved a_kind, const char *a_host, const struct address *a_address,
			enum resolved b_kind, const char *b_host, const struct address *b_address)
{
	if (a_kind != b_kind)
		return a_kind < b_kind ? -1 : 1;
	if (a_kind == RESOLVED_ADDRESS)
		return memcmp(a_address, b_address, sizeof(*a_address));
	return strcmp(a_host, b_host);
}

static int compare(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return compare_keys(x->kind, x->host, &x->address, y->kind, y->host, &y->address);
}

static void add_instance(struct wanted_list *list, const struct instance *instance, bool addresses)
{
	for (size_t i = 0; i < instance->hosts_count; i++)
		list->at[list->count++] =
			(struct wanted){.kind = RESOLVED_HOST, .host = instance->hosts[i]};
	for (size_t i = 0; i < instance->ips_count && addresses; i++)
		if (prefix_is_host(&instance->ips[i]))
			list->at[list->count++] = (struct wanted){.kind = RESOLVED_ADDRESS,
								  .address = instance->ips[i].addr};
}

static void sort_once_each(struct wanted_list *list)
{
	list->count = array_make_set(list->at, list->count, sizeof(*list->at), compare);
	for (size_t i = 0; i < list->count; i++)
		list->count_of[list->at[i].kind]++;
}

static void find_tasks(struct wanted_list *list, struct task *const *tasks, size_t count)
{
	size_t j = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct wanted *w = &list->at[i];
		int order = 1;

		for (; j < count; j++) {
			order = compare_keys(tasks[j]->kind, tasks[j]->host, &tasks[j]->address,
					     w->kind, w->host, &w->address);
			if (order >= 0)
				break;
		}
		if (order == 0 && j < count)
			w->task = tasks[j++];
	}
}

int wanted_list_make(struct wanted_list *list, const struct config *config, const char *server,
		     struct task *const *tasks, size_t count)
{
	size_t room = 1; /* the server */

	for (size_t i = 0; i < config->instances_count; i++)
		room += config->instances[i].hosts_count + config->instances[i].ips_count;
	*list = (struct wanted_list){.at = calloc(room, sizeof(*list->at))};
	if (!list->at)
		return -ENOMEM;
	for (size_t i = 0; i < config->instances_count; i++)
		add_instance(list, &config->instances[i], config->reverse_names);
	if (server)
		list->at[list->count++] = (struct wanted){.kind = RESOLVED_SERVER, .host = server};
	sort_once_each(list);
	find_tasks(list, tasks, count);
	return 0;
}
