/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where samples go: a table of functions for each of StatsD, text, JSON lines, HTML, summaries and
 * the live view. */
#ifndef METRO_SINK_H
#define METRO_SINK_H

#include "container_table.h"
#include "counters.h"
#include "delivery.h"
#include "peers.h"
#include "seen.h"
#include "statsd_outage.h"

enum output_choice {
	OUTPUT_DEFAULT,
	OUTPUT_STATSD,
	OUTPUT_TEXT,
	OUTPUT_JSON,
	OUTPUT_HTML,
	OUTPUT_SUMMARY,
	OUTPUT_TOP
};

struct statsd_counters; /* statsd_client.h */

struct sink {
	const struct sink_ops *ops;
	const struct peers *peers; /* borrowed; the owner replaces it when it changes, and keeps it
				      until close; may be NULL (a capture file): then no names
				      and no tags */
	const struct container_table *containers; /* likewise; NULL: none are looked for */
	bool over;                                /* the user has seen enough; stop */
	int error; /* 0, or -errno: output is lost (standard output closed or full) and this was
		      reported; stop */
};

/* A capture file that was read. */
struct sink_capture {
	const char *name;      /* as messages call it; outlives the sink */
	const __u64 *counters; /* the backend's, COUNTERS of them */
	const struct seen *seen;
	bool whole; /* to its end */
};

struct sink_ops {
	const char *name;
	/* How many samples a batch may hold: 1 for sinks that print each as it comes. */
	unsigned int batch_limit;
	/* Does it want to know how long handshakes took? Of capture files; the daemon's
	 * configuration says so itself. */
	bool handshakes;
	/* Takes in a delivery, which is only valid during the call. */
	void (*take)(struct sink *sink, const struct delivery *delivery);
	/* The container at the other end of this interface (0: any of them) has become another, or
	 * tags have: what was taken in stays what it was. May be NULL. */
	void (*relabel)(struct sink *sink, __u32 ifindex);
	/* The end of a report interval; counters are the backend's, since the start; NULL: not
	 * known. May be NULL. */
	void (*report)(struct sink *sink, const __u64 counters[COUNTERS]);
	/* Writes out what has been taken in so far, since the next samples may take long to come.
	 * NULL for sinks that only report. */
	void (*flush)(struct sink *sink);
	/* All of a capture file has been taken in, and this is about it. May be NULL. */
	void (*finish)(struct sink *sink, const struct sink_capture *capture);
	/* Follows a changed configuration (the server's address); what was taken in stays. Returns
	 * 0, or -errno, reported, and nothing has changed. May be NULL. */
	int (*reconfigure)(struct sink *sink, const struct config *config);
	/* Reports what is left and frees the sink. Returns 0, or -errno if output was lost that
	 * should not be (standard output closed or full). */
	int (*close)(struct sink *sink);

	/* A descriptor that is readable when resume should be called, to send what had to wait; the
	 * sink's, and the same as long as it lives. Both may be NULL. */
	int (*fd)(struct sink *sink);
	void (*resume)(struct sink *sink);

	/* Samples that were not printed, since their reader is too slow. May be NULL. */
	__u64 (*lost)(struct sink *sink);

	/* What is measured with what, in words, and why that is libpcap in place of BPF, or "". May
	 * be NULL. */
	void (*state)(struct sink *sink, const char *text, const char *fallback);

	/* A signal about the terminal: another size, Ctrl-Z, and that we go on. May be NULL. */
	void (*terminal)(struct sink *sink, int signal);

	/* How the server that it sends to fares. May be NULL: there is none. */
	struct statsd_state (*server_state)(struct sink *sink);
	/* What became of all lines so far; as above. */
	const struct statsd_counters *(*server_counters)(struct sink *sink);

	/* The host name to look up for set_server, or NULL: none. Both may be NULL. */
	const char *(*server_name)(struct sink *sink);
	void (*set_server)(struct sink *sink, const struct address *addrs, size_t count);
};

/* Each makes a sink, to be ended with its close. Returns 0 or -errno, reported. */
int sink_statsd_open(struct sink **sink, const struct config *config, const struct peers *peers);
int sink_text_open(struct sink **sink, const struct peers *peers);
int sink_json_open(struct sink **sink, const struct peers *peers);
/* config: NULL for a capture file by itself, of which there is one report. */
int sink_summary_open(struct sink **sink, const struct config *config, const struct peers *peers);
int sink_html_open(struct sink **sink); /* for a capture file alone */

#endif
