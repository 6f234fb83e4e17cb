/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Gives each capture file a number that stays with it over reloads. */
#include "peers_files.h"

#include <string.h>

#define FIRST_FILE 0x80000000u /* the kernel counts its interfaces in an int */

static __u32 find_file(const struct config *config, const __u32 *numbers, size_t count,
		       const char *path)
{
	for (size_t i = 0; i < count; i++) {
		const char *other = config->instances[i].pcap;

		if (other && strcmp(other, path) == 0)
			return numbers[i];
	}
	return 0;
}

__u32 peers_files_find(const struct config *config, const __u32 *numbers, const char *path)
{
	return find_file(config, numbers, config->instances_count, path);
}

static __u32 first_free(const struct config *config, const __u32 *numbers)
{
	__u32 next = FIRST_FILE;

	for (size_t i = 0; config && i < config->instances_count; i++)
		if (numbers[i] >= next)
			next = numbers[i] + 1;
	return next;
}

void peers_files_number(const struct config *config, __u32 *numbers, const struct config *before,
			const __u32 *before_numbers)
{
	__u32 next = first_free(before, before_numbers);

	for (size_t i = 0; i < config->instances_count; i++) {
		const char *path = config->instances[i].pcap;

		if (!path)
			continue;
		numbers[i] = before ? peers_files_find(before, before_numbers, path) : 0;
		if (!numbers[i])
			numbers[i] = find_file(config, numbers, i, path);
		if (!numbers[i])
			numbers[i] = next++;
	}
}
