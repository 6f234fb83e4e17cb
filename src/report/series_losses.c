/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lost samples are said in each interval; what a setting would help against, when it begins. */
#include "series_losses.h"

#include "log.h"

bool series_fits(struct series *series, const struct line *text)
{
	bool fits = text->length <= LINE_MAX_BYTES;

	series->overlong += !fits;
	return fits;
}

static void say_folding(struct series *series, const char *who)
{
	bool folding = series->folded > 0;

	if (folding && !series->told_folding)
		log_warning("%smore series than max_series (%u): %llu of this interval were added "
			    "up as dst other; raise max_series, or use aggregate",
			    who, series->settings.max_series, series->folded);
	if (!folding && series->told_folding)
		log_info("%sall series fit into max_series (%u) again; none were added up as dst "
			 "other",
			 who, series->settings.max_series);
	series->told_folding = folding;
}

static void say_overlong(struct series *series, const char *who)
{
	bool overlong = series->overlong > 0;

	if (overlong && !series->told_overlong)
		log_warning("%sseries whose tags have more than %d bytes together are left out, "
			    "%llu of this interval; use fewer or shorter tags",
			    who, LINE_MAX_BYTES, series->overlong);
	if (!overlong && series->told_overlong)
		log_info("%sno series was left out for the length of its tags", who);
	series->told_overlong = overlong;
}

void series_say_losses(struct series *series, const char *who)
{
	say_folding(series, who);
	say_overlong(series, who);
	if (series->lost)
		log_error("%sout of memory: %llu samples of this interval are lost", who,
			  series->lost);
}
