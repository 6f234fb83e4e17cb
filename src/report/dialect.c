/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts name, value, type and tags in the order that each kind of server reads. */
#include "dialect.h"
#include "tags.h"

static void statsd_series(struct line *series, const struct subject *subject)
{
	line_text(series, ".");
	tags_add_name_part(series, subject->src);
	line_text(series, ".");
	tags_add_name_part(series, subject->dst);
	line_text(series, ".");
	tags_add_name_part(series, subject->iface);
}

void dialect_series(struct line *series, enum dialect dialect, const struct subject *subject)
{
	line_clear(series);
	if (dialect == DIALECT_STATSD) {
		statsd_series(series, subject);
		return;
	}
	tags_add(series, dialect, "src", subject->src);
	tags_add(series, dialect, "dst", subject->dst);
	line_bytes(series, subject->tags, subject->tags_length);
	tags_add(series, dialect, "iface", subject->iface);
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
	if (*series || *wire->tags)
		line_text(line, "|#");
	line_text(line, series);
	if (*series && *wire->tags)
		line_text(line, ",");
	line_text(line, wire->tags);
	if (*wire->container) {
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
