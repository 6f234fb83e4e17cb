/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes and frees the pair of a configuration and its peers. */
#include "plan.h"

#include "selection.h"

int plan_make(struct plan *plan, struct config *config, const struct plan_overrides *overrides)
{
	struct peers *peers;
	struct links links;
	int err;

	config->soften = overrides->soften;
	config->metrics |= overrides->metrics;
	if (overrides->interval_s > 0)
		config->report_interval_s = overrides->interval_s;
	err = links_read(&links, selection_config_asks_routes(config));
	if (!err)
		err = peers_new(&peers, config, &links);
	links_free(&links);
	if (!err)
		*plan = (struct plan){.config = config, .peers = peers};
	return err;
}

bool plan_has_interfaces(const struct plan *plan)
{
	const struct config *config = plan->config;

	for (size_t i = 0; i < config->instances_count; i++)
		if (!config->instances[i].pcap)
			return true;
	return false;
}

void plan_free(struct plan *plan)
{
	peers_free(plan->peers);
	config_free(plan->config);
	*plan = (struct plan){};
}
