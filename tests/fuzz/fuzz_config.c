/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The reader of configurations: any file is either refused, or gives what the rest relies on. */
#include "config.h"
#include "fuzzing.h"
#include "marks.h"
#include "memory_file.h"
#include "peers.h"
#include "../unit/some_links.h"
#include "yaml_bounds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* What configurations find in the environment; the seeds and config.dict name them. */
static void set_variables(void)
{
	static char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	setenv("TEXT", "node-7", 1);
	setenv("EMPTY", "", 1);
	setenv("NUMBER", "20", 1);
	setenv("ADDRESS", "192.0.2.1", 1);
	setenv("YAML", "*a: [&b ${TEXT}, \"$$", 1);
	setenv("BINARY", "\xff\n\x1b[31m", 1);
	setenv("LONG", text + sizeof(text) - 4001, 1);
	setenv("LONGER", text, 1);
	unsetenv("UNSET");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	set_variables();
	log_open("/dev/null");
	return 0;
}

/* What a file costs is in proportion to its size, but for what aliases may repeat. */
static void check_size(const struct config *c, size_t size)
{
	size_t all = c->instances_count;

	for (size_t i = 0; i < c->instances_count; i++)
		all += c->instances[i].ips_count + c->instances[i].hosts_count +
		       c->instances[i].tags_count;
	CHECK(all <= size + YAML_REPEATED_MAX);
}

static void check(const struct config *c)
{
	struct peers *peers;

	CHECK(c->snaplen >= 104 && c->snaplen <= 262144);
	CHECK(c->idle_ttl_s >= 1 && c->idle_ttl_s <= 86400);
	CHECK(c->exp_ttl_s >= 1 && c->exp_ttl_s <= 86400);
	CHECK(c->statsd_port <= 65535);
	CHECK(c->report_interval_s >= 0.1 && c->report_interval_s <= 3600);
	CHECK(c->max_flows >= 16 && c->max_flows <= 16777216);
	CHECK(c->metrics && c->metrics < METRIC_BIT(METRICS));
	CHECK(c->max_series <= 1000000);
	CHECK(c->resolve_interval_s >= 1 && c->resolve_interval_s <= 86400);
	CHECK(c->aggregate.bits_v4 <= 32 && c->aggregate.bits_v6 <= 128);
	CHECK(!c->prefix || c->prefix[strlen(c->prefix) - 1] == '.');
	CHECK(!c->control_socket || !*c->control_socket ||
	      (*c->control_socket == '/' && strlen(c->control_socket) < 108));
	CHECK(!c->statsd_socket || !c->statsd_ip);
	CHECK(!c->distribution || c->dialect == DIALECT_DOGSTATSD);
	CHECK(c->marks >= MARKS_MIN && !(c->marks & (c->marks - 1)));
	for (size_t i = 0; i < c->instances_count; i++) {
		const struct instance *instance = &c->instances[i];

		CHECK(instance->interface);
		CHECK(!instance->pcap == (strcmp(instance->interface, "file") != 0));
		CHECK(!instance->sample ||
		      (instance->sample_duration_s && instance->sample_interval_s));
		for (size_t k = 0; k < instance->ips_count; k++)
			CHECK(instance->ips[k].bits <= 128);
		for (size_t k = 0; k < instance->hosts_count; k++)
			CHECK(instance->hosts[k]);
		for (size_t k = 0; k < instance->tags_count; k++)
			CHECK(instance->tags[k] && !strpbrk(instance->tags[k], "\n\x1b"));
	}
	if (!peers_new(&peers, c, &some_links))
		peers_free(peers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;

	if (config_load(memory_file(data, size), &config))
		return 0;
	check(config);
	check_size(config, size);
	config_free(config);
	return 0;
}
