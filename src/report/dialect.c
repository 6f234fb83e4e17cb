/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts name, value, type and tags in the order that each kind of server reads. */
#include "dialect.h"
#include "tags.h"

#include <stdio.h>
#include <string.h>

#define ORIGIN     "|"
#define TAG_LENGTH 128 /* of a container's */

static void statsd_series(struct line *series, const struct subject *subject)
{
	line_text(series, ".");
	tags_add_name_part(series, subject->src);
	line_text(series, ".");
	tags_add_name_part(series, subject->dst);
	line_text(series, ".");
	tags_add_name_part(series, subject->iface);
	if (subject->in)
		line_text(series, ".in");
}

static void add_tag(struct line *tags, size_t start, enum dialect dialect, const char *key,
		    const char *value)
{
	char tag[TAG_LENGTH];

	if (!*value)
		return;
	snprintf(tag, sizeof(tag), "%s:%s", key, value);
	tags_add_configured(tags, start, dialect, tag);
}

void dialect_add_container(struct line *tags, size_t start, enum dialect dialect,
			   const struct container *container)
{
	add_tag(tags, start, dialect, "container_id", container->id);
	add_tag(tags, start, dialect, "pod_uid", container->pod_uid);
	if (dialect != DIALECT_DOGSTATSD)
		return;
	if (!*container->id)
		add_tag(tags, start, dialect, "dd.internal.entity_id", container->pod_uid);
	line_text(tags, ORIGIN);
	if (*container->id) {
		line_text(tags, "c:");
		line_text(tags, container->id);
	}
}

void dialect_series(struct line *series, enum dialect dialect, const struct subject *subject)
{
	/* Others have none, and in a label's value a bar is a character like any other. */
	const char *origin = dialect == DIALECT_DOGSTATSD
				     ? memchr(subject->tags, *ORIGIN, subject->tags_length)
				     : NULL;
	size_t tags = origin ? (size_t)(origin - subject->tags) : subject->tags_length;

	line_clear(series);
	if (dialect == DIALECT_STATSD) {
		statsd_series(series, subject);
		return;
	}
	tags_add(series, dialect, "src", subject->src);
	tags_add(series, dialect, "dst", subject->dst);
	line_bytes(series, subject->tags, tags);
	tags_add(series, dialect, "iface", subject->iface);
	line_bytes(series, subject->tags + tags, subject->tags_length - tags);
}

void dialect_begin(struct line *line, const struct wire *wire, const char *name, const char *series)
{
	line_clear(line);
	line_text(line, wire->prefix);
	line_text(line, name);
	if (wire->dialect != DIALECT_DOGSTATSD)
		line_text(line, series);
	line_text(line, ":");
}

static void end_dogstatsd(struct line *line, const struct wire *wire, const char *series)
{
	size_t length = strcspn(series, ORIGIN);
	const char *origin = series + length;
	const char *more = *origin ? wire->tags_of_others : wire->tags;

	if (length || *more)
		line_text(line, "|#");
	line_bytes(line, series, length);
	if (length && *more)
		line_text(line, ",");
	line_text(line, more);
	if (*origin && strcmp(origin, ORIGIN)) {
		line_text(line, origin);
	} else if (!*origin && *wire->container) {
		line_text(line, "|c:");
		line_text(line, wire->container);
	}
}

void dialect_end(struct line *line, const struct wire *wire, enum metric_type type,
		 const char *series)
{
	static const char *const types[] = {
		[METRIC_GAUGE] = "|g", [METRIC_COUNT] = "|c", [METRIC_DISTRIBUTION] = "|d"};

	line_text(line, types[type]);
	if (wire->dialect == DIALECT_DOGSTATSD)
		end_dogstatsd(line, wire, series);
}
