/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The configuration file: go-metro's YAML, and what bpf-metro adds to it. */
#ifndef METRO_CONFIG_H
#define METRO_CONFIG_H

#include "log.h"
#include "prefix.h"

#define CONFIG_DEFAULT_PATH "/etc/bpf-metro/bpf-metro.yaml"

/* One entry of `instances`: the peers to measure on one interface, and the tags for them. */
struct instance {
	char *interface;
	struct prefix *ips;
	size_t ips_count;
	char **hosts; /* names, to be resolved */
	size_t hosts_count;
	char **tags;
	size_t tags_count;
};

struct config {
	/* init_config, go-metro's */
	unsigned int snaplen; /* bytes of a packet that libpcap keeps: 104 .. 262144, default 512 */
	unsigned int
		idle_ttl_s; /* a flow without traffic is dropped after: 1 .. 86400, default 300 */
	unsigned int exp_ttl_s;   /* .. one that ended, at the latest: 1 .. 86400, default 60 */
	char *statsd_ip;          /* numeric address or localhost, default 127.0.0.1 */
	unsigned int statsd_port; /* 1 .. 65535, default 8125 */
	bool log_to_file;         /* default true, as in go-metro */
	enum log_level log_level; /* default info */

	/* init_config, ours */
	double report_interval_s; /* 0.1 .. 3600, default 10 */
	unsigned int max_flows;   /* 16 .. 16777216, default 32768 */
	unsigned int marks; /* segments remembered a flow: power of two, 8 .. 64, default 32 */

	struct instance *instances;
	size_t instances_count;
};

/* Reads the file. Every mistake is reported through log_error as "FILE:LINE: KEY: what is wrong;
 * what is accepted", all of them, before this returns. Returns 0 and a configuration to be freed
 * with config_free; -EINVAL after mistakes in the contents; another -errno if the file could not
 * be read (reported, too). */
int config_load(const char *path, struct config **config);

/* What `bpf-metro -i IFACE PEER...` means: the defaults, log to standard error, and one instance.
 * peers are addresses, networks or host names. Mistakes are reported as above. */
int config_from_arguments(const char *interface, char *const peers[], size_t count,
			  struct config **config);

void config_free(struct config *config);

#endif
