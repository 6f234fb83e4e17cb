/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The configuration file: go-metro's YAML, and what bpf-metro adds to it. */
#ifndef METRO_CONFIG_H
#define METRO_CONFIG_H

#include "interface_number.h"
#include "log.h"
#include "ports.h"
#include "prefix.h"

#define CONFIG_DEFAULT_PATH "/etc/bpf-metro/bpf-metro.yaml"

/* What is reported for each series and interval, in the order it is sent. */
enum metric {
	METRIC_AVG, /* go-metro's three come first, in its order */
	METRIC_JITTER,
	METRIC_LAST,
	METRIC_MIN,
	METRIC_MAX,
	METRIC_P50,
	METRIC_P95,
	METRIC_P99,
	METRIC_SAMPLES,
	METRIC_HANDSHAKE,
	METRIC_RETRANSMISSIONS,
	METRICS,
};

#define METRIC_BIT(metric) (1u << (metric))
#define METRICS_ALL        (METRIC_BIT(METRICS) - 1)
#define METRICS_DEFAULT                                                                            \
	(METRIC_BIT(METRIC_AVG) | METRIC_BIT(METRIC_JITTER) | METRIC_BIT(METRIC_LAST))

/* The last is no StatsD server's: how labels are written for Prometheus. */
enum dialect {
	DIALECT_DOGSTATSD,
	DIALECT_STATSD,
	DIALECT_GRAPHITE,
	DIALECT_INFLUX,
	DIALECT_OPENMETRICS,
};

#define BUCKETS_MAX 64 /* bounds of a histogram; the bucket above the last has none */

/* The longest times that belong into each bucket of a histogram. */
struct bucket_bounds {
	unsigned int count;    /* 1 .. BUCKETS_MAX */
	__u64 ns[BUCKETS_MAX]; /* from the lowest to the highest */
};

/* What the dst tag is made of. */
enum aggregate_by {
	AGGREGATE_ADDRESS,    /* the peer's name where known, or its address */
	AGGREGATE_NETWORK,    /* its network of bits_v4 or bits_v6 bits */
	AGGREGATE_CONFIGURED, /* the entry of ips or hosts that it was measured for */
};

struct aggregate {
	enum aggregate_by by;
	unsigned int bits_v4; /* AGGREGATE_NETWORK: 0 .. 32 */
	unsigned int bits_v6; /* AGGREGATE_NETWORK: 0 .. 128 */
};

/* Which data is measured: what leaves through the interface, what arrives there, or all. */
enum direction_choice { DIRECTION_OUT, DIRECTION_IN, DIRECTION_BOTH };

/* Lists of ports that differ: of those that are equal, one counts. */
#define PORT_LISTS_MAX 64

/* One entry of `instances`: the peers to measure on some interfaces, and the tags for them. */
struct instance {
	char *interface; /* which ones, see selection.h; "file": a capture file, which pcap names */
	char *pcap;      /* path; NULL unless interface is "file" */
	enum direction_choice direction;
	bool sample;                    /* measure only part of the time */
	unsigned int sample_duration_s; /* of measuring: 1 .. 86400 */
	unsigned int sample_interval_s; /* of the pause after that: 1 .. 86400 */
	struct prefix *ips;
	size_t ips_count;
	char **hosts; /* names, to be resolved */
	size_t hosts_count;
	char **tags;
	size_t tags_count;
	struct ports *ports;     /* only connections with an end on one of these; NULL: all */
	unsigned int ports_list; /* which list that is, 0 .. PORT_LISTS_MAX - 1 */
	bool tag_port;           /* the tag port:N, the end that is among ports */
	bool containers; /* tags of the container at the other end of the interface; default false
			  */
};

struct config {
	/* init_config, go-metro's */
	unsigned int snaplen; /* bytes of a packet that libpcap keeps: 104 .. 262144, default 512 */
	unsigned int pcap_buffer; /* MiB of each of libpcap's rings: 1 .. 1024, default 8 */
	unsigned int
		idle_ttl_s; /* a flow without traffic is dropped after: 1 .. 86400, default 300 */
	unsigned int
		exp_ttl_s; /* one that ended, after this at the latest: 1 .. 86400, default 60 */
	char *statsd_ip;   /* address or host name; NULL: not given */
	unsigned int statsd_port; /* 1 .. 65535; 0: not given */
	bool log_to_file; /* default true, as in go-metro; false where standard error is the journal
			   */
	enum log_level log_level; /* default info */

	/* init_config, ours */
	double report_interval_s; /* 0.1 .. 3600, default 10 */
	unsigned int max_flows;   /* 16 .. 16777216, default 32768 */
	unsigned int marks;  /* segments remembered per flow: power of two, 8 .. 64, default 32 */
	char *statsd_socket; /* unix://PATH, unixgram://PATH or unixstream://PATH; NULL: UDP */
	enum dialect dialect;
	char *prefix;      /* before all metric names, with its final dot; NULL: none */
	__u32 metrics;     /* METRIC_BIT of each that is chosen */
	bool distribution; /* every sample, as DogStatsD distributions */
	bool telemetry;    /* our own counters, too */
	bool soften;       /* avg and jitter smoothed as in RFC 6298: the option -st, no key */
	struct aggregate aggregate;
	unsigned int max_series;         /* in an interval; 0: any number */
	unsigned int resolve_interval_s; /* between lookups of a name: 1 .. 86400, default 300 */
	char *control_socket; /* path; "": none; NULL: the default, where there is a place for it */
	char *openmetrics_listen; /* listen_address.h parses it; NULL: nobody is served */
	struct bucket_bounds openmetrics_buckets;
	bool reverse_names; /* look up names for peers given as addresses; default true */

	struct instance *instances;
	size_t instances_count; /* 0: nothing is measured */
};

/* As a set of enum way. */
static inline unsigned int direction_ways(enum direction_choice direction)
{
	static const unsigned int ways[] = {
		[DIRECTION_OUT] = WAY_OUT, [DIRECTION_IN] = WAY_IN, [DIRECTION_BOTH] = WAYS_BOTH};

	return ways[direction];
}

/* Reads the file. Every mistake is reported through log_error as "FILE:LINE: KEY: what is wrong;
 * what is accepted", all of them, before this returns. Returns 0 and a configuration to be freed
 * with config_free; -EINVAL after mistakes in the contents; another -errno if the file could not
 * be read (reported, too). */
int config_load(const char *path, struct config **config);

/* What `bpf-metro -i IFACE PEER...` means: the defaults, log to standard error, and one instance.
 * interface is one term of a selection, peers are addresses, networks or host names. Mistakes are
 * reported as above. */
int config_from_arguments(const char *interface, char *const peers[], size_t count,
			  struct config **config);

void config_free(struct config *config);

#endif
