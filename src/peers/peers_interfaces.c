/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks up interfaces by name, and gives each capture file a number that stays with it over
 * reloads. */
#include "peers_interfaces.h"

#include <net/if.h>
#include <string.h>

#define FIRST_FILE 0x80000000u /* the kernel counts its interfaces in an int */

static __u32 find_file(const struct config *config, const __u32 *indices, size_t count,
		       const char *path)
{
	for (size_t i = 0; i < count; i++) {
		const char *other = config->instances[i].pcap;

		if (other && strcmp(other, path) == 0)
			return indices[i];
	}
	return 0;
}

__u32 peers_interfaces_file(const struct config *config, const __u32 *indices, const char *path)
{
	return find_file(config, indices, config->instances_count, path);
}

static __u32 first_free(const struct config *config, const __u32 *indices)
{
	__u32 next = FIRST_FILE;

	for (size_t i = 0; config && i < config->instances_count; i++)
		if (indices[i] >= next)
			next = indices[i] + 1;
	return next;
}

void peers_interfaces_number(const struct config *config, __u32 *indices,
			     const struct config *before, const __u32 *before_indices)
{
	__u32 next = first_free(before, before_indices);

	for (size_t i = 0; i < config->instances_count; i++) {
		const char *path = config->instances[i].pcap;

		if (!path)
			continue;
		indices[i] = before ? peers_interfaces_file(before, before_indices, path) : 0;
		if (!indices[i])
			indices[i] = find_file(config, indices, i, path);
		if (!indices[i])
			indices[i] = next++;
	}
}

void peers_interfaces_look_up(const struct config *config, __u32 *indices)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (!config->instances[i].pcap)
			indices[i] = if_nametoindex(config->instances[i].interface);
}
