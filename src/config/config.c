/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The root of the file: which sections it may have, the defaults, and what remains to be checked at
 * the end. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "init_config.h"
#include "instance.h"
#include "instance_config.h"
#include "instance_interfaces.h"
#include "mistakes.h"
#include "openmetrics_keys.h"
#include "yaml_reader.h"

#define DEFAULT_EXP_TTL_S 60

static int read_instances(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			  void *target)
{
	struct config *config = target;

	if (node->type == YAML_SEQUENCE_NODE) {
		size_t count =
			(size_t)(node->data.sequence.items.top - node->data.sequence.items.start);

		config->instances = calloc(count ? count : 1, sizeof(*config->instances));
		if (!config->instances)
			return -ENOMEM;
	}
	return yaml_read_list(reader, key, node, read_instance, target);
}

static const struct yaml_key root_keys[] = {
	{"init_config", read_init_config, 0, 0, 0},
	{"instances", read_instances, 0, 0, 0},
};

/* What a check's file in the Datadog Agent's conf.d may have beside them. */
static const struct yaml_foreign_key agent_keys[] = {
	{"ad_identifiers", ""},
	{"advanced_ad_identifiers", ""},
	{"check_tag_cardinality", ""},
	{"cluster_check", ""},
	{"docker_images", ""},
	{"ignore_autodiscovery_tags", ""},
	{"jmx_metrics", ""},
	{"logs", ""},
	{0},
};

static const struct yaml_keys root_known = {
	.keys = root_keys,
	.count = ARRAY_SIZE(root_keys),
	.foreign = agent_keys,
	.anchors = true,
};

static int read_root(struct yaml_reader *reader, struct config *config)
{
	yaml_node_t *root = yaml_root(reader);

	if (!root)
		return 0;
	yaml_at(reader, root);
	return yaml_read_mapping(reader, root, &root_known, config);
}

static struct config *config_new(void)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	/* add_defaults sets exp_ttl_s, once it is known whether the file does. */
	config->snaplen = 512;
	config->pcap_buffer = 8;
	config->idle_ttl_s = 300;
	config->log_to_file = !log_is_journal();
	config->log_level = LEVEL_INFO;
	config->report_interval_s = 10;
	config->max_flows = 32768;
	config->marks = 32;
	config->metrics = METRICS_DEFAULT;
	config->resolve_interval_s = 300;
	config->reverse_names = true;
	openmetrics_default_buckets(&config->openmetrics_buckets);
	return config;
}

static void add_defaults(struct config *config)
{
	if (!config->exp_ttl_s)
		config->exp_ttl_s = DEFAULT_EXP_TTL_S;
}

/* Ends a reading: hands the configuration to the caller, or frees it. */
static int finish(struct config *config, const struct mistakes *mistakes, int err,
		  struct config **result)
{
	if (!err)
		err = config ? 0 : -ENOMEM;
	if (err == -ENOMEM)
		log_error("%s: out of memory", mistakes->file ? mistakes->file : "arguments");
	mistakes_end(mistakes);
	if (!err && mistakes->count)
		err = -EINVAL;
	if (err) {
		config_free(config);
		return err;
	}
	add_defaults(config);
	*result = config;
	return 0;
}

int config_load(const char *path, struct config **config)
{
	struct mistakes mistakes = {.file = path};
	struct config *new_config;
	struct yaml_reader reader;
	int err = yaml_reader_open(&reader, &mistakes);

	if (err)
		return err;
	new_config = config_new();
	err = new_config ? read_root(&reader, new_config) : -ENOMEM;
	yaml_reader_close(&reader);
	return finish(new_config, &mistakes, err, config);
}

static int read_arguments(struct config *config, struct mistakes *mistakes, const char *interface,
			  char *const peers[], size_t count)
{
	size_t depth;
	int err;

	config->log_to_file = false;
	config->control_socket = strdup(""); /* beside a daemon, any number of people may look */
	config->instances = calloc(1, sizeof(*config->instances));
	if (!config->instances || !config->control_socket)
		return -ENOMEM;
	config->instances_count = 1;

	depth = mistakes_enter(mistakes, "interface");
	if (strcmp(interface, "file") == 0)
		mistake(mistakes, "\"file\" means a capture file in a configuration; accepted: a "
				  "network interface; for a capture file, run bpf-metro -r FILE");
	err = instance_add_interface(config->instances, mistakes, interface);
	instance_check_interfaces(config->instances, mistakes);
	mistakes_leave(mistakes, depth);

	depth = mistakes_enter(mistakes, "peer");
	for (size_t i = 0; i < count && !err; i++)
		err = instance_add_peer(config->instances, mistakes, peers[i]);
	if (!count)
		mistake(mistakes, "none is given; list what to measure (0.0.0.0/0: every IPv4 "
				  "address, ::/0: every IPv6 address)");
	mistakes_leave(mistakes, depth);
	return err;
}

int config_from_arguments(const char *interface, char *const peers[], size_t count,
			  struct config **config)
{
	struct mistakes mistakes = {.file = NULL};
	struct config *new_config = config_new();
	int err = new_config ? read_arguments(new_config, &mistakes, interface, peers, count)
			     : -ENOMEM;

	return finish(new_config, &mistakes, err, config);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->instances_count; i++)
		instance_clear(&config->instances[i]);
	free(config->instances);
	free(config->statsd_ip);
	free(config->statsd_socket);
	free(config->prefix);
	free(config->control_socket);
	free(config->openmetrics_listen);
	free(config);
}
