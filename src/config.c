/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "instance.h"
#include "mistakes.h"
#include "yaml_reader.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define DEFAULT_EXP_TTL_S 60

/* Two keys for one setting: a value that is there already came from the other. */
static int read_exp_ttl(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			void *target)
{
	struct config *config = target;
	unsigned int other = config->exp_ttl_s;

	yaml_read_whole(reader, key, node, target);
	if (other && other != config->exp_ttl_s)
		mistake(reader->mistakes,
			"exp_ttl and expired_ttl are one setting, but differ: %u and %u; "
			"accepted: one of them",
			other, config->exp_ttl_s);
	return 0;
}

static int read_statsd_ip(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			  void *target)
{
	static const char accepted[] = "an IPv4 or IPv6 address, or localhost";
	const char *text = yaml_text(reader, node, accepted);
	struct config *config = target;
	char quoted[QUOTED_TEXT];
	struct address addr;

	(void)key;
	if (!text)
		return 0;
	if (address_parse(text, &addr) && strcasecmp(text, "localhost") != 0) {
		mistake(reader->mistakes, "%s is not an address%s; accepted: %s",
			mistake_quote(text, quoted),
			host_name_is_valid(text) ? ", and names are not looked up by this version"
						 : "",
			accepted);
		return 0;
	}
	config->statsd_ip = strdup(text);
	return config->statsd_ip ? 0 : -ENOMEM;
}

static int read_log_level(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			  void *target)
{
	static const char accepted[] = "trace, debug, info, warning, error, critical";
	const char *text = yaml_text(reader, node, accepted);
	char quoted[QUOTED_TEXT];

	if (text && log_level_parse(text, (enum log_level *)((char *)target + key->offset)))
		mistake(reader->mistakes, "%s is not a level; accepted: %s",
			mistake_quote(text, quoted), accepted);
	return 0;
}

static int read_marks(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		      void *target)
{
	struct config *config = target;

	yaml_read_whole(reader, key, node, target);
	if (config->marks & (config->marks - 1))
		mistake(reader->mistakes, "%u is not a power of two; accepted: 8, 16, 32, 64",
			config->marks);
	return 0;
}

static const struct yaml_key init_keys[] = {
	{"snaplen", yaml_read_whole, offsetof(struct config, snaplen), 104, 262144},
	{"idle_ttl", yaml_read_whole, offsetof(struct config, idle_ttl_s), 1, 86400},
	{"exp_ttl", read_exp_ttl, offsetof(struct config, exp_ttl_s), 1, 86400},
	{"expired_ttl", read_exp_ttl, offsetof(struct config, exp_ttl_s), 1, 86400},
	{"statsd_ip", read_statsd_ip, 0, 0, 0},
	{"statsd_port", yaml_read_whole, offsetof(struct config, statsd_port), 1, 65535},
	{"log_to_file", yaml_read_bool, offsetof(struct config, log_to_file), 0, 0},
	{"log_level", read_log_level, offsetof(struct config, log_level), 0, 0},
	{"report_interval", yaml_read_decimal, offsetof(struct config, report_interval_s), 0.1,
	 3600},
	{"max_flows", yaml_read_whole, offsetof(struct config, max_flows), 16, 16777216},
	{"marks", read_marks, offsetof(struct config, marks), 8, 64},
	{"resolve_interval", yaml_read_whole, offsetof(struct config, resolve_interval_s), 1,
	 86400},
	{"reverse_names", yaml_read_bool, offsetof(struct config, reverse_names), 0, 0},
};

static int read_interface(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			  void *target)
{
	const char *text = yaml_text(reader, node, "the name of one network interface");

	(void)key;
	if (!text)
		return 0;
	if (strcmp(text, "file") == 0) {
		mistake(reader->mistakes,
			"\"file\" (go-metro's way to read a capture) is not supported by this "
			"version; accepted: an interface; for a capture run bpf-metro -r FILE");
		return 0;
	}
	return instance_set_interface(target, reader->mistakes, text);
}

static int read_ip(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		   void *target)
{
	const char *text = yaml_text(reader, node, "an address, or a network such as 10.0.0.0/8");

	(void)key;
	return text ? instance_add_ip(target, reader->mistakes, text) : 0;
}

static int read_host(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		     void *target)
{
	const char *text = yaml_text(reader, node, "a host name or an address");

	(void)key;
	return text ? instance_add_host(target, reader->mistakes, text) : 0;
}

static int read_tag(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		    void *target)
{
	const char *text;

	(void)key;
	if (node->type == YAML_MAPPING_NODE) {
		mistake(reader->mistakes, "is a mapping, since a space follows the colon; "
					  "accepted: foo:bar without the space, or in quotes");
		return 0;
	}
	text = yaml_text(reader, node, "a tag such as foo:bar");
	return text ? instance_add_tag(target, reader->mistakes, text) : 0;
}

static int read_ips(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		    void *target)
{
	return yaml_read_list(reader, key, node, read_ip, target);
}

static int read_hosts(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		      void *target)
{
	return yaml_read_list(reader, key, node, read_host, target);
}

static int read_tags(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		     void *target)
{
	int err = yaml_read_list(reader, key, node, read_tag, target);

	yaml_at(reader, node);
	instance_check_tags(target, reader->mistakes);
	return err;
}

static int refuse_key(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		      void *target)
{
	(void)key, (void)node, (void)target;
	mistake(reader->mistakes, "is not supported by this version; remove the line");
	return 0;
}

static int read_sample(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		       void *target)
{
	static const struct yaml_key plain = {"sample", yaml_read_bool, 0, 0, 0};
	bool sample = false;

	(void)key, (void)target;
	yaml_read_bool(reader, &plain, node, &sample);
	if (sample)
		mistake(reader->mistakes, "sampling a part of the time is not supported by this "
					  "version; accepted: false, or remove the line");
	return 0;
}

static const struct yaml_key instance_keys[] = {
	{"interface", read_interface, 0, 0, 0},   {"ips", read_ips, 0, 0, 0},
	{"hosts", read_hosts, 0, 0, 0},           {"tags", read_tags, 0, 0, 0},
	{"sample", read_sample, 0, 0, 0},         {"sample_duration", refuse_key, 0, 0, 0},
	{"sample_interval", refuse_key, 0, 0, 0}, {"pcap", refuse_key, 0, 0, 0},
};

static bool has_items(struct yaml_reader *reader, yaml_node_t *mapping, const char *name)
{
	yaml_node_t *node = yaml_lookup(reader, mapping, name);

	return node && !(node->type == YAML_SEQUENCE_NODE &&
			 node->data.sequence.items.start == node->data.sequence.items.top);
}

static int read_instance(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			 void *target)
{
	struct config *config = target;
	struct instance *instance = &config->instances[config->instances_count++];
	int err =
		yaml_read_mapping(reader, node, instance_keys, ARRAY_SIZE(instance_keys), instance);

	(void)key;
	if (err || node->type != YAML_MAPPING_NODE)
		return err;
	yaml_at(reader, node);
	if (!yaml_lookup(reader, node, "interface"))
		mistake(reader->mistakes, "interface is missing; accepted: interface: NAME, with a "
					  "name that `ip link` shows");
	if (!has_items(reader, node, "ips") && !has_items(reader, node, "hosts"))
		mistake(reader->mistakes, "neither ips nor hosts are given: list what to measure; "
					  "0.0.0.0/0 means everything");
	return 0;
}

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

static int read_init_config(struct yaml_reader *reader, const struct yaml_key *key,
			    yaml_node_t *node, void *target)
{
	(void)key;
	return yaml_read_mapping(reader, node, init_keys, ARRAY_SIZE(init_keys), target);
}

static const struct yaml_key root_keys[] = {
	{"init_config", read_init_config, 0, 0, 0},
	{"instances", read_instances, 0, 0, 0},
};

static int read_root(struct yaml_reader *reader, struct config *config)
{
	yaml_node_t *root = yaml_root(reader);
	int err;

	yaml_at(reader, root);
	err = yaml_read_mapping(reader, root, root_keys, ARRAY_SIZE(root_keys), config);
	if (err || root->type != YAML_MAPPING_NODE)
		return err;
	yaml_at(reader, root);
	if (!has_items(reader, root, "instances"))
		mistake(reader->mistakes,
			"there are no instances, so nothing would be measured; "
			"accepted: at least one, with interface and ips or hosts");
	return 0;
}

static struct config *config_new(void)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	/* exp_ttl_s waits for add_defaults. */
	config->snaplen = 512;
	config->idle_ttl_s = 300;
	config->log_to_file = true;
	config->log_level = LEVEL_INFO;
	config->report_interval_s = 10;
	config->max_flows = 32768;
	config->marks = 32;
	config->metrics = METRICS_DEFAULT;
	config->resolve_interval_s = 300;
	config->reverse_names = true;
	return config;
}

static void add_defaults(struct config *config)
{
	if (!config->exp_ttl_s)
		config->exp_ttl_s = DEFAULT_EXP_TTL_S;
}

/* What a reading ends with: the configuration goes to the caller, or away. */
static int finish(struct config *config, const struct mistakes *mistakes, int err,
		  struct config **result)
{
	if (!err)
		err = config ? 0 : -ENOMEM;
	if (err == -ENOMEM)
		log_error("%s: out of memory", mistakes->file ? mistakes->file : "arguments");
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
	config->instances = calloc(1, sizeof(*config->instances));
	if (!config->instances)
		return -ENOMEM;
	config->instances_count = 1;

	depth = mistakes_enter(mistakes, "interface");
	err = instance_set_interface(config->instances, mistakes, interface);
	mistakes_leave(mistakes, depth);

	depth = mistakes_enter(mistakes, "peer");
	for (size_t i = 0; i < count && !err; i++)
		err = instance_add_peer(config->instances, mistakes, peers[i]);
	if (!count)
		mistake(mistakes,
			"none is given: list what to measure; 0.0.0.0/0 means everything");
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
	free(config);
}
