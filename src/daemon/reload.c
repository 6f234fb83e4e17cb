/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads a configuration, tries it, and puts it in the place of the one in force. */
#include "reload.h"

#include "log.h"
#include "statsd_choice.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

static bool reads(const struct config *config, const char *path)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (config->instances[i].pcap && !strcmp(config->instances[i].pcap, path))
			return true;
	return false;
}

static bool has_more_captures(const struct config *old, const struct config *config)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (config->instances[i].pcap && !reads(old, config->instances[i].pcap))
			return true;
	return false;
}

static void say_what_stays(const struct config *old, const struct config *config)
{
	if (old->marks != config->marks || old->max_flows != config->max_flows ||
	    old->snaplen != config->snaplen || old->pcap_buffer != config->pcap_buffer)
		log_warning("marks, max_flows, snaplen and pcap_buffer only take effect when "
			    "bpf-metro is "
			    "restarted");
	if (has_more_captures(old, config))
		log_warning("new capture files are only read when bpf-metro is restarted");
}

/* A file that leaves the server to the environment may find mistakes there. Every mistake is
 * reported. */
static int load(const struct reload_terms *terms, struct config **config)
{
	struct statsd_server server;
	int err = config_load(terms->path, config);

	if (err || !terms->chooses_server)
		return err;
	err = statsd_server_choose(&server, *config);
	if (err)
		config_free(*config);
	return err;
}

/* Makes a plan out of the configuration, and has it measured. */
static int try_next(const struct plan *plan, struct plan *next, struct config *config,
		    const struct reload_terms *terms)
{
	int err = plan_make(next, config, &terms->overrides);

	if (err) {
		config_free(config);
		return err;
	}
	err = peers_inherit(next->peers, plan->peers);
	if (!err) {
		err = terms->measure(terms->arg, next);
		if (err)
			terms->measure(terms->arg, plan);
	}
	if (err)
		plan_free(next);
	return err;
}

/* With 100,000 peers, what was freed in between what stays would add up to 64 MB over three
 * reloads, before the C library finds a use for it. */
static void give_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

int reload(struct plan *plan, const struct reload_terms *terms)
{
	struct config *config;
	struct plan next;
	int err = load(terms, &config);

	if (err) {
		log_error("%s was not reloaded: keeping the old configuration", terms->path);
		return err;
	}
	err = try_next(plan, &next, config, terms);
	if (err) {
		log_error("%s was not reloaded: %s; keeping the old configuration", terms->path,
			  strerror(-err));
		return err;
	}
	terms->leave(terms->arg, &next);
	say_what_stays(plan->config, next.config);
	plan_free(plan);
	give_back();
	*plan = next;
	return 0;
}
