/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two blocks of memory however many series there are: the loop makes them in each interval. */
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

struct snapshot *snapshot_new(const struct bucket_bounds *bounds, unsigned int series,
			      size_t labels_bytes)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->bounds = *bounds;
	s->room = series;
	s->stride = sizeof(struct snapshot_series) + (bounds->count + 1) * sizeof(__u64);
	s->series_bytes = malloc(series * s->stride + 1);
	s->text = malloc(labels_bytes + 1);
	if (s->series_bytes && s->text)
		return s;
	snapshot_free(s);
	return NULL;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	free(s->series_bytes);
	free(s->text);
	free(s->facts.interfaces);
	free(s);
}

void snapshot_add_interface(struct snapshot *s, const char *name, bool measured)
{
	struct snapshot_facts *facts = &s->facts;
	struct snapshot_interface *interfaces =
		array_grow(facts->interfaces, facts->interfaces_count, sizeof(*interfaces));

	if (!interfaces)
		return;
	facts->interfaces = interfaces;
	interfaces += facts->interfaces_count++;
	snprintf(interfaces->name, sizeof(interfaces->name), "%s", name);
	interfaces->measured = measured;
}

static struct snapshot_series *at(const struct snapshot *s, unsigned int index)
{
	return (struct snapshot_series *)(s->series_bytes + index * s->stride);
}

struct snapshot_series *snapshot_add(struct snapshot *s, const char *labels, unsigned int length)
{
	struct snapshot_series *series = at(s, s->series++);

	memset(series, 0, s->stride);
	series->labels = memcpy(s->text + s->text_length, labels, length);
	series->labels_length = length;
	s->text_length += length;
	return series;
}

const struct snapshot_series *snapshot_at(const struct snapshot *s, unsigned int index)
{
	return at(s, index);
}
