/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tags as each kind of server takes them: cleaned, and in its own form. */
#ifndef METRO_TAGS_H
#define METRO_TAGS_H

#include "config.h"
#include "line.h"

/*
 * Appends a tag to a list of them.
 *
 *   dogstatsd  ,key:value   by Datadog's rules: letters, digits and _-:./ in lower case, beginning
 *                           with a letter; anything else becomes _, several of which become one;
 *                           not ending in _ or :, and at most 200 characters
 *   graphite   ;key=value   letters and digits of ASCII and _-. ; anything else becomes _
 *   influx     ,key=value   the same, and / and letters of other alphabets, too
 *   statsd                  has no tags
 *   openmetrics             labels.h has the rules
 *
 * The separator is left out at the beginning of a DogStatsD list.
 */
void tags_add(struct line *tags, enum dialect dialect, const char *key, const char *value);

/*
 * Appends a tag as it was configured, KEY:VALUE or KEY alone; a comma in it makes two of it, as in
 * go-metro. Graphite and InfluxDB know no tag without a value and none twice: there, KEY alone
 * becomes KEY=true, and of tags with the same key, or with one of ours (src, dst, iface), the first
 * counts. So is KEY alone with OpenMetrics. From the byte at start on, tags must contain only the
 * instance's tags.
 */
void tags_add_configured(struct line *tags, size_t start, enum dialect dialect, const char *tag);

/* Appends a part of a metric's name: letters and digits of ASCII, _ and -; anything else becomes
 * _, dots above all, which separate the parts. */
void tags_add_name_part(struct line *name, const char *text);

#endif
