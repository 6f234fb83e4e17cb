/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A table from the keys of an instance to the functions that take their values. */
#include "instance_config.h"

#include <string.h>

#include "array.h"
#include "instance.h"
#include "instance_interfaces.h"
#include "instance_ports.h"

#define SECONDS_MAX 86400

/* What begins with a ! and has no quotes is a tag to YAML, with no text behind it. */
static bool is_tag(const yaml_node_t *node)
{
	const char *tag = (const char *)node->tag;

	return node->type == YAML_SCALAR_NODE && !node->data.scalar.length && tag && *tag == '!';
}

static int read_interface_term(struct yaml_reader *reader, const struct yaml_key *key,
			       yaml_node_t *node, void *target)
{
	char quoted[QUOTED_TEXT];
	const char *text;

	(void)key;
	if (is_tag(node)) {
		mistake(reader->mistakes, "a ! in front needs quotes in YAML; accepted: %s",
			mistake_quote((const char *)node->tag, quoted));
		return 0;
	}
	text = yaml_text(
		reader, node,
		"the name of a network interface, a pattern such as veth*, or \"default\"");
	return text ? instance_add_interface(target, reader->mistakes, text) : 0;
}

static int read_interface(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			  void *target)
{
	bool list = node->type == YAML_SEQUENCE_NODE;
	int err = list ? yaml_read_list(reader, key, node, read_interface_term, target)
		       : read_interface_term(reader, key, node, target);

	yaml_at(reader, node);
	if (list && node->data.sequence.items.top == node->data.sequence.items.start)
		mistake(reader->mistakes, "is an empty list; accepted: names or patterns in it");
	instance_check_interfaces(target, reader->mistakes);
	return err;
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
	return yaml_read_list(reader, key, node, read_tag, target);
}

static int read_port(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		     void *target)
{
	const char *text = yaml_text(reader, node, ACCEPTED_PORT);

	(void)key;
	return text ? instance_add_port(target, reader->mistakes, text) : 0;
}

static int read_ports(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		      void *target)
{
	int err = yaml_read_list(reader, key, node, read_port, target);

	yaml_at(reader, node);
	if (node->type == YAML_SEQUENCE_NODE &&
	    node->data.sequence.items.top == node->data.sequence.items.start)
		mistake(reader->mistakes,
			"is an empty list; accepted: ports in it, or no ports: for all of them");
	return err;
}

static int read_pcap(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		     void *target)
{
	const char *text = yaml_text(reader, node, "the path of a capture file");

	(void)key;
	return text ? instance_set_pcap(target, reader->mistakes, text) : 0;
}

#define FIELD(name) offsetof(struct instance, name)

static const struct yaml_key instance_keys[] = {
	{"interface", read_interface, 0, 0, 0},
	{"ips", read_ips, 0, 0, 0},
	{"hosts", read_hosts, 0, 0, 0},
	{"tags", read_tags, 0, 0, 0},
	{"ports", read_ports, 0, 0, 0},
	{"tag_port", yaml_read_bool, FIELD(tag_port), 0, 0},
	{"sample", yaml_read_bool, FIELD(sample), 0, 0},
	{"sample_duration", yaml_read_whole, FIELD(sample_duration_s), 1, SECONDS_MAX},
	{"sample_interval", yaml_read_whole, FIELD(sample_interval_s), 1, SECONDS_MAX},
	{"pcap", read_pcap, 0, 0, 0},
	{"containers", yaml_read_bool, FIELD(containers), 0, 0},
};

/* What the Datadog Agent knows here, for any check. */
static const struct yaml_foreign_key agent_keys[] = {
	{"disable_generic_tags", ""},
	{"empty_default_hostname", ""},
	{"enable_legacy_tags_normalization", ""},
	{"loader", ""},
	{"metric_patterns", "; init_config.metrics says what is reported"},
	{"min_collection_interval", "; init_config.report_interval is the time between reports"},
	{"name", ""},
	{"namespace", ""},
	{"no_index", ""},
	{"service", "; to have it as a tag, put it under tags"},
	{0},
};

static const struct yaml_keys instance_known = {
	.keys = instance_keys,
	.count = ARRAY_SIZE(instance_keys),
	.foreign = agent_keys,
};

/* Is there a value for the key, even a wrong one, which was reported already? */
static bool given(struct yaml_reader *reader, yaml_node_t *mapping, const char *name)
{
	return yaml_lookup(reader, mapping, name) != NULL;
}

static bool reads_file(const struct instance *instance)
{
	return instance->interface && strcmp(instance->interface, "file") == 0;
}

static void check_sample(struct yaml_reader *reader, yaml_node_t *node, struct instance *instance)
{
	if (!instance->sample)
		return;             /* go-metro ignores the two others then */
	if (reads_file(instance)) { /* go-metro ignores sample itself, if it reads a file */
		mistakes_warn(reader->mistakes,
			      "sample: true is ignored: a capture file is always read whole");
		instance->sample = false;
		return;
	}
	if (!given(reader, node, "sample_duration") || !given(reader, node, "sample_interval"))
		mistake(reader->mistakes,
			"sample: true needs sample_duration and sample_interval; accepted: both, "
			"whole numbers of seconds from 1 to %d",
			SECONDS_MAX);
}

static void check_ports(struct yaml_reader *reader, yaml_node_t *node, const struct config *config,
			const struct instance *instance)
{
	yaml_node_t *ports = yaml_lookup(reader, node, "ports");
	size_t depth;

	if (instance->tag_port && !ports)
		mistake(reader->mistakes, "tag_port: true needs ports; accepted: a list of ports "
					  "beside it");
	if (!ports)
		return;
	depth = mistakes_enter(reader->mistakes, ".ports");
	yaml_at(reader, ports);
	instance_number_ports(config, reader->mistakes);
	mistakes_leave(reader->mistakes, depth);
	yaml_at(reader, node);
}

/* When all is read: it depends on containers how long they may be. */
static void check_tags(struct yaml_reader *reader, yaml_node_t *node,
		       const struct instance *instance)
{
	yaml_node_t *tags = yaml_lookup(reader, node, "tags");
	size_t depth;

	if (!tags)
		return;
	depth = mistakes_enter(reader->mistakes, ".tags");
	yaml_at(reader, tags);
	instance_check_tags(instance, reader->mistakes);
	mistakes_leave(reader->mistakes, depth);
	yaml_at(reader, node);
}

static void check_containers(struct yaml_reader *reader, struct instance *instance)
{
	if (!instance->containers || !reads_file(instance))
		return;
	mistakes_warn(reader->mistakes, "containers: true is ignored: behind a capture file there "
					"are none");
	instance->containers = false;
}

static void check_interface(struct yaml_reader *reader, yaml_node_t *node,
			    const struct instance *instance)
{
	bool file = reads_file(instance);

	if (!given(reader, node, "interface"))
		mistake(reader->mistakes, "interface is missing; accepted: interface: NAME, with a "
					  "name that `ip link` shows");
	if (file && !given(reader, node, "pcap"))
		mistake(reader->mistakes, "interface: file needs a capture file; accepted: pcap: "
					  "PATH beside it");
	if (instance->interface && !file && given(reader, node, "pcap"))
		mistake(reader->mistakes, "pcap only goes with interface: file; accepted: "
					  "interface: file, or no pcap");
}

int read_instance(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		  void *target)
{
	struct config *config = target;
	struct instance *instance = &config->instances[config->instances_count++];
	int err = yaml_read_mapping(reader, node, &instance_known, instance);

	(void)key;
	if (err || node->type != YAML_MAPPING_NODE)
		return err;
	yaml_at(reader, node);
	check_interface(reader, node, instance);
	if (!yaml_has_items(reader, node, "ips") && !yaml_has_items(reader, node, "hosts"))
		mistake(reader->mistakes,
			"neither ips nor hosts are given; list what to measure (0.0.0.0/0: every "
			"IPv4 address, ::/0: every IPv6 address)");
	check_sample(reader, node, instance);
	check_ports(reader, node, config, instance);
	check_containers(reader, instance);
	check_tags(reader, node, instance);
	return 0;
}
