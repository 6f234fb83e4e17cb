/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether the daemon does what it is there for, and if not, why: a few facts, and a verdict on
 * them. */
#ifndef METRO_HEALTH_H
#define METRO_HEALTH_H

#include "json.h"
#include "statsd_outage.h"

#define HEALTH_TEXT      1024 /* room for one sentence, or a few */
#define HEALTH_NAMES     64   /* of interfaces, in the JSON, at most; the others are only counted */
#define HEALTH_NAME      40   /* an interface's, or a pattern */
#define HEALTH_INTERVALS 3    /* for which a server may be out of reach */

struct health_names {
	unsigned int count; /* of all */
	unsigned int known; /* those in at: all for which there was memory */
	char (*at)[HEALTH_NAME];
};

/* Times are ms by CLOCK_MONOTONIC. Texts are borrowed. To be ended with health_clear. */
struct health {
	bool reading;         /* capture files are: reports wait until that is done */
	const char *backend;  /* "bpf" or "pcap"; NULL: none */
	const char *hook;     /* "tcx" and others, of the first interface; NULL */
	const char *fallback; /* why it is libpcap in place of BPF; NULL */
	struct health_names measured;
	struct health_names awaited; /* not there, or down */

	const char *sink; /* "statsd", "text", "json" */
	bool has_server;  /* server is filled in */
	struct statsd_state server;

	double interval_s; /* between reports */
	__u64 now_ms, started_ms, reported_ms;
};

void health_add_name(struct health_names *names, const char *name);
void health_clear(struct health *health);

bool health_is_measuring(const struct health *health);

/* Is it well? Says in text, of HEALTH_TEXT bytes, what it does, or all that is wrong. */
bool health_verdict(const struct health *health, char text[HEALTH_TEXT]);

/* All of it, the verdict first: {"healthy":true,"summary":"..", which clients rely on. */
void health_write(const struct health *health, struct json *json);

#endif
