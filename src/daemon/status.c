/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names a few interfaces and counts the others; a terminal's line is short. */
#include "status.h"

#include "append.h"
#include "monitor_state.h"
#include "printable.h"

#include <utlist.h>

void status_count(struct status *status, __u64 samples)
{
	__u64 now = monotonic_ns(), before = status->samples;

	if (samples < before) /* another backend */
		before = 0;
	status->rate =
		status->at_ns && now > status->at_ns
			? (double)(samples - before) * NS_PER_S / (double)(now - status->at_ns)
			: -1;
	status->samples = samples;
	status->at_ns = now;
}

static void add_measured(const struct monitor *monitor, char text[STATUS_SIZE])
{
	const char *how = NULL, *separator = "";
	const struct monitored *m;
	unsigned int named = 0;

	append(text, STATUS_SIZE, "measuring ");
	if (monitor->measured > BURST_NAMES)
		append(text, STATUS_SIZE, "%u interfaces (", monitor->measured);
	LL_FOREACH (monitor->first, m) {
		if (!m->hold || named == BURST_NAMES)
			continue;
		append(text, STATUS_SIZE, "%s%s", separator, m->now.name);
		separator = ", ";
		how = how ? how : m->hold->how;
		named++;
	}
	if (monitor->measured > BURST_NAMES)
		append(text, STATUS_SIZE, ", ..)");
	append(text, STATUS_SIZE, " with %s", how ? how : "");
}

static void add_waited_for(const struct config *config, char text[STATUS_SIZE])
{
	const char *separator = "";

	append(text, STATUS_SIZE, "waiting for ");
	for (size_t i = 0; i < config->instances_count && i < BURST_NAMES; i++) {
		append(text, STATUS_SIZE, "%s%s", separator, config->instances[i].interface);
		separator = "; ";
	}
	if (config->instances_count > BURST_NAMES)
		append(text, STATUS_SIZE, "; ..");
}

static bool has_interfaces(const struct config *config)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (!config->instances[i].pcap)
			return true;
	return false;
}

void status_write(const struct status *status, const struct config *config,
		  const struct monitor *monitor, char text[STATUS_SIZE])
{
	text[0] = '\0';
	if (!config->instances_count) {
		append(text, STATUS_SIZE, "measuring nothing: the configuration has no instances");
		return;
	}
	if (!has_interfaces(config))
		append(text, STATUS_SIZE, "reading capture files");
	else if (monitor->measured)
		add_measured(monitor, text);
	else
		add_waited_for(config, text);
	if (status->rate >= 0)
		append(text, STATUS_SIZE, "; %.*f samples a second", status->rate < 10,
		       status->rate);
	printable(text); /* systemd throws away what is not UTF-8 */
}
