/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One reader for each key of init_config whose value is more than a number or a word. */
#include "init_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "number.h"
#include "openmetrics_keys.h"
#include "statsd_server.h"

/* Datadog cuts a metric's name at 200 characters; the longest name behind a prefix has 40, and a
 * line must fit into a datagram with its tags (instance.c). */
#define PREFIX_MAX      64

#define SOCKET_PATH_MAX 107 /* sun_path, but for its final zero: unix(7) */

#define NETWORK_BITS_V6 64 /* the least that a provider gives one site (RFC 6177) */

/* Two keys for one setting: a value that is there already came from the other. */
static int read_exp_ttl(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			void *target)
{
	struct config *config = target;
	unsigned int other = config->exp_ttl_s;

	yaml_read_whole(reader, key, node, target);
	if (other && other != config->exp_ttl_s)
		mistake(reader->mistakes,
			"exp_ttl and expired_ttl are the same setting, but differ: %u and %u; "
			"accepted: one of them",
			other, config->exp_ttl_s);
	return 0;
}

static int keep_text(char **field, const char *text)
{
	*field = strdup(text);
	return *field ? 0 : -ENOMEM;
}

typedef int (*server_parser)(struct statsd_server *server, const char *text,
			     char reason[STATSD_REASON]);

/* Keeps the text of a server that can be parsed. */
static int read_server(struct yaml_reader *reader, const char *text, server_parser parse,
		       char **field)
{
	struct statsd_server server = {0};
	char reason[STATSD_REASON];

	if (!text)
		return 0;
	if (!parse(&server, text, reason))
		return keep_text(field, text);
	mistake(reader->mistakes, "%s", reason);
	return 0;
}

static int parse_host(struct statsd_server *server, const char *text, char reason[STATSD_REASON])
{
	return statsd_server_parse_host(server, text, 0, reason);
}

static int read_statsd_ip(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			  void *target)
{
	struct config *config = target;

	(void)key;
	return read_server(reader, yaml_text(reader, node, "one address or host name"), parse_host,
			   &config->statsd_ip);
}

static int read_statsd_socket(struct yaml_reader *reader, const struct yaml_key *key,
			      yaml_node_t *node, void *target)
{
	struct config *config = target;

	(void)key;
	return read_server(reader, yaml_text(reader, node, "one socket, as unix://PATH"),
			   statsd_server_parse_socket, &config->statsd_socket);
}

/* Looks the node's text up in a list of words that ends with NULL; *choice becomes its index. */
static bool choose(struct yaml_reader *reader, yaml_node_t *node, const char *const *words,
		   const char *what, const char *accepted, unsigned int *choice)
{
	const char *text = yaml_text(reader, node, accepted);
	char quoted[QUOTED_TEXT];

	if (!text)
		return false;
	for (unsigned int i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*choice = i;
			return true;
		}
	}
	mistake(reader->mistakes, "%s is not %s; accepted: %s", mistake_quote(text, quoted), what,
		accepted);
	return false;
}

static int read_control_socket(struct yaml_reader *reader, const struct yaml_key *key,
			       yaml_node_t *node, void *target)
{
	static const char accepted[] = "a path that begins with /, or none";
	const char *text = yaml_text(reader, node, accepted);
	struct config *config = target;
	char quoted[QUOTED_TEXT];

	(void)key;
	if (!text)
		return 0;
	if (!strcmp(text, "none"))
		return keep_text(&config->control_socket, "");
	if (strlen(text) > SOCKET_PATH_MAX)
		mistake(reader->mistakes,
			"%s is too long for a socket; accepted: a path of up to %d bytes",
			mistake_quote(text, quoted), SOCKET_PATH_MAX);
	else if (*text != '/' || text[strlen(text) - 1] == '/')
		mistake(reader->mistakes, "%s is not valid; accepted: %s",
			mistake_quote(text, quoted), accepted);
	else
		return keep_text(&config->control_socket, text);
	return 0;
}

static int read_dialect(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			void *target)
{
	static const char *const words[] = {[DIALECT_DOGSTATSD] = "dogstatsd",
					    [DIALECT_STATSD] = "statsd",
					    [DIALECT_GRAPHITE] = "graphite",
					    [DIALECT_INFLUX] = "influx",
					    NULL};
	struct config *config = target;

	(void)key;
	choose(reader, node, words, "a dialect", "dogstatsd, statsd, graphite, influx",
	       &config->dialect);
	return 0;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Words of letters, digits, _ and -, with dots between: what every server takes as it is. */
static bool prefix_is_valid(const char *text)
{
	char before = '.';

	if (!is_letter(*text))
		return false;
	for (; *text; before = *text++) {
		bool plain = is_letter(*text) || (*text >= '0' && *text <= '9') || *text == '_' ||
			     *text == '-';

		if (!plain && (*text != '.' || before == '.'))
			return false;
	}
	return true;
}

static int read_prefix(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		       void *target)
{
	static const char accepted[] =
		"letters, digits, _ and -, with dots between, a letter first";
	const char *text = yaml_text(reader, node, accepted);
	struct config *config = target;
	char quoted[QUOTED_TEXT], prefix[PREFIX_MAX + 2];
	size_t length = text ? strlen(text) : 0;

	(void)key;
	if (!text)
		return 0;
	if (!prefix_is_valid(text)) {
		mistake(reader->mistakes, "%s is not valid; accepted: %s",
			mistake_quote(text, quoted), accepted);
		return 0;
	}
	if (length > PREFIX_MAX) {
		mistake(reader->mistakes, "%s is too long; accepted: up to %d characters",
			mistake_quote(text, quoted), PREFIX_MAX);
		return 0;
	}
	memcpy(prefix, text, length);
	strcpy(prefix + length, text[length - 1] == '.' ? "" : ".");
	return keep_text(&config->prefix, prefix);
}

static int read_metric(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		       void *target)
{
	static const char *const words[] = {
		[METRIC_AVG] = "avg",
		[METRIC_JITTER] = "jitter",
		[METRIC_LAST] = "rtt",
		[METRIC_MIN] = "min",
		[METRIC_MAX] = "max",
		[METRIC_P50] = "p50",
		[METRIC_P95] = "p95",
		[METRIC_P99] = "p99",
		[METRIC_SAMPLES] = "samples",
		[METRIC_HANDSHAKE] = "handshake",
		[METRIC_RETRANSMISSIONS] = "retransmissions",
		[METRICS] = NULL,
	};
	struct config *config = target;
	unsigned int metric;

	(void)key;
	if (!choose(reader, node, words, "a metric",
		    "rtt, avg, jitter, min, max, p50, p95, p99, samples, handshake, "
		    "retransmissions",
		    &metric))
		return 0;
	if (config->metrics & METRIC_BIT(metric))
		mistake(reader->mistakes, "%s is in the list already; accepted: each once",
			words[metric]);
	config->metrics |= METRIC_BIT(metric);
	return 0;
}

static int read_metrics(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			void *target)
{
	struct config *config = target;

	config->metrics = 0;
	if (node->type == YAML_SEQUENCE_NODE &&
	    node->data.sequence.items.start == node->data.sequence.items.top)
		mistake(reader->mistakes,
			"is empty, so nothing would be reported; accepted: one metric or more, or "
			"no metrics key (then rtt, avg and jitter)");
	return yaml_read_list(reader, key, node, read_metric, target);
}

/* BITS or BITS4,BITS6. */
static bool parse_bits(const char *text, struct aggregate *aggregate)
{
	size_t length = strcspn(text, ",");
	char v4[4];

	if (length >= sizeof(v4))
		return false;
	memcpy(v4, text, length);
	v4[length] = '\0';
	aggregate->bits_v6 = NETWORK_BITS_V6;
	return !number_parse_whole(v4, 0, 32, &aggregate->bits_v4) &&
	       (!text[length] ||
		!number_parse_whole(text + length + 1, 0, 128, &aggregate->bits_v6));
}

static int read_aggregate(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			  void *target)
{
	static const char accepted[] = "address, configured, network/BITS with 0 to 32 bits, or "
				       "network/BITS,BITS with 0 to 128 for IPv6 after the comma";
	const char *text = yaml_text(reader, node, accepted);
	struct config *config = target;
	struct aggregate *aggregate = &config->aggregate;
	char quoted[QUOTED_TEXT];

	(void)key;
	if (!text)
		return 0;
	if (strcmp(text, "address") == 0)
		aggregate->by = AGGREGATE_ADDRESS;
	else if (strcmp(text, "configured") == 0)
		aggregate->by = AGGREGATE_CONFIGURED;
	else if (strncmp(text, "network/", strlen("network/")) == 0 &&
		 parse_bits(text + strlen("network/"), aggregate))
		aggregate->by = AGGREGATE_NETWORK;
	else
		mistake(reader->mistakes, "%s is not valid; accepted: %s",
			mistake_quote(text, quoted), accepted);
	return 0;
}

static int read_log_level(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			  void *target)
{
	static const char accepted[] = "trace, debug, info, warning, error, critical";
	const char *text = yaml_text(reader, node, accepted);
	char quoted[QUOTED_TEXT];

	if (text && log_level_parse(text, (enum log_level *)((char *)target + key->offset)))
		mistake(reader->mistakes, "%s is not a log level; accepted: %s",
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

#define FIELD(name) offsetof(struct config, name)

static const struct yaml_key init_keys[] = {
	{"snaplen", yaml_read_whole, FIELD(snaplen), 104, 262144},
	{"pcap_buffer", yaml_read_whole, FIELD(pcap_buffer), 1, 1024},
	{"idle_ttl", yaml_read_whole, FIELD(idle_ttl_s), 1, 86400},
	{"exp_ttl", read_exp_ttl, FIELD(exp_ttl_s), 1, 86400},
	{"expired_ttl", read_exp_ttl, FIELD(exp_ttl_s), 1, 86400},
	{"statsd_ip", read_statsd_ip, 0, 0, 0},
	{"statsd_port", yaml_read_whole, FIELD(statsd_port), 1, 65535},
	{"log_to_file", yaml_read_bool, FIELD(log_to_file), 0, 0},
	{"log_level", read_log_level, FIELD(log_level), 0, 0},
	{"report_interval", yaml_read_decimal, FIELD(report_interval_s), 0.1, 3600},
	{"max_flows", yaml_read_whole, FIELD(max_flows), 16, 16777216},
	{"marks", read_marks, FIELD(marks), 8, 64},
	{"statsd_socket", read_statsd_socket, 0, 0, 0},
	{"dialect", read_dialect, 0, 0, 0},
	{"prefix", read_prefix, 0, 0, 0},
	{"metrics", read_metrics, 0, 0, 0},
	{"distribution", yaml_read_bool, FIELD(distribution), 0, 0},
	{"telemetry", yaml_read_bool, FIELD(telemetry), 0, 0},
	{"aggregate", read_aggregate, 0, 0, 0},
	{"max_series", yaml_read_whole, FIELD(max_series), 0, 1000000},
	{"resolve_interval", yaml_read_whole, FIELD(resolve_interval_s), 1, 86400},
	{"control_socket", read_control_socket, 0, 0, 0},
	{"reverse_names", yaml_read_bool, FIELD(reverse_names), 0, 0},
	{"openmetrics_listen", read_openmetrics_listen, 0, 0, 0},
	{"openmetrics_buckets", read_openmetrics_buckets, 0, 0.000001, 275},
};

/* What the Datadog Agent knows here, for any check. */
static const struct yaml_foreign_key agent_keys[] = {
	{"loader", ""},
	{"min_collection_interval", "; report_interval is the time between reports"},
	{"service", "; to have it as a tag, put it under an instance's tags"},
	{"tags", "; put them under an instance"},
	{0},
};

static const struct yaml_keys init_known = {
	.keys = init_keys,
	.count = ARRAY_SIZE(init_keys),
	.foreign = agent_keys,
};

/* Reports one mistake about two keys, at the line of the first. */
static void report_pair(struct yaml_reader *reader, yaml_node_t *mapping, const char *name,
			const char *message)
{
	size_t depth = mistakes_enter(reader->mistakes, ".%s", name);

	yaml_at(reader, yaml_lookup(reader, mapping, name));
	mistake(reader->mistakes, "%s", message);
	mistakes_leave(reader->mistakes, depth);
}

static void check_pairs(struct yaml_reader *reader, yaml_node_t *mapping,
			const struct config *config)
{
	bool udp = yaml_lookup(reader, mapping, "statsd_ip") ||
		   yaml_lookup(reader, mapping, "statsd_port");

	if (udp && yaml_lookup(reader, mapping, "statsd_socket"))
		report_pair(reader, mapping, "statsd_socket",
			    "cannot be combined with statsd_ip and statsd_port; accepted: a "
			    "socket, or an address and a port");
	if (config->distribution && config->dialect != DIALECT_DOGSTATSD)
		report_pair(reader, mapping, "distribution",
			    "only Datadog's servers have distributions; accepted: true "
			    "with dialect dogstatsd, or false");
}

int read_init_config(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		     void *target)
{
	int err = yaml_read_mapping(reader, node, &init_known, target);

	(void)key;
	if (!err && node->type == YAML_MAPPING_NODE)
		check_pairs(reader, node, target);
	return err;
}
