/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where samples come from: a table of functions for BPF, live libpcap and capture files. */
#ifndef METRO_BACKEND_H
#define METRO_BACKEND_H

#include "clock.h"
#include "counters.h"
#include "delivery.h"
#include "flow_table.h"
#include "interface.h"
#include "peers.h"
#include "seen.h"

enum backend_choice { BACKEND_AUTO, BACKEND_BPF, BACKEND_PCAP };
enum hook_choice { HOOK_AUTO, HOOK_TC, HOOK_CLSACT, HOOK_XDP };

#define BACKEND_REASON 320 /* room for one sentence about what went wrong */

struct capture_file;

struct backend_settings {
	unsigned int marks;      /* a flow; power of two */
	unsigned int marks_most; /* how many they may grow to, as needed; 0: they do not grow */
	unsigned int file_marks; /* instead of both in a capture file; 0: as many as it needs */
	unsigned int max_flows;
	unsigned int snaplen;        /* libpcap: bytes of each packet */
	unsigned int capture_buffer; /* libpcap: bytes of each ring of packets in the kernel */
	unsigned int batch_limit;    /* samples in a batch, 1 .. BATCH_MAX */
	unsigned int batch_age;      /* and how long they may wait for more, in ticks (record.h) */
	__u64 delay_ns;  /* how long a record may wait before it is delivered; 0: batches until the
			    next walk, and where a batch is one sample, not at all */
	__u64 idle_ns;   /* flows without traffic for this long are dropped */
	__u64 ended_ns;  /* flows that ended are dropped after this long */
	bool handshakes; /* tell how long they took */
	enum hook_choice hook;  /* BPF */
	const char *expression; /* libpcap, files: packets must match it (expression.h); or NULL */
	unsigned int ways;      /* of a capture file, that are measured; 0: it need not tell */
	const struct ports *ports; /* a capture file by itself: only connections with an end on one
				      of these; NULL: all. Instances have theirs (peers.h) */
	__u32 file_index;          /* of a capture file: stands for the interface index (peers.h) */

	/* NULL, or: a capture file is open, and nothing has been read of it. Returns 0, or -errno,
	 * reported: it is not to be read. */
	int (*opened)(void *arg, struct capture_file *file);
	void (*deliver)(void *arg, const struct delivery *delivery);
	void *arg;
};

/* Makes the table for a backend that measures in user space; tells_seen: it also tells what it saw.
 * Returns 0 or -ENOMEM. */
static inline int backend_flow_table(struct flow_table **table, const struct backend_settings *s,
				     bool tells_seen,
				     void (*emit)(void *arg, const struct flow_record *record),
				     void *arg)
{
	struct flow_table_settings settings = {
		.engine = {.mark_mask = s->marks - 1,
			   .batch_limit = s->batch_limit,
			   .batch_age = s->batch_age},
		.marks_most = s->marks_most,
		.handshakes = s->handshakes,
		.tells_seen = tells_seen,
		.max_flows = s->max_flows,
		.emit = emit,
		.arg = arg,
	};

	return flow_table_new(table, &settings);
}

struct backend {
	const struct backend_ops *ops;
};

/* What measures on one interface; each backend has more behind it. */
struct hold {
	struct interface interface;
	unsigned int ways;    /* that data goes which is measured: a set of enum way */
	const char *hook;     /* "tcx" and others, static; NULL: there is none */
	char how[48];         /* "BPF at tcx", "libpcap, both ways" */
	unsigned int removed; /* filters that a killed bpf-metro had left there */
};

static inline const char *ways_text(unsigned int ways)
{
	return ways == WAY_OUT ? "" : ways == WAY_IN ? ", data that arrives" : ", both ways";
}

struct backend_ops {
	const char *name;

	/* Takes hold of an interface, for data that goes any of these ways, which may take the
	 * kernel 20 ms; nothing is measured yet. May be called in any thread: it uses nothing of
	 * the backend that changes. Returns 0, -ENODEV if the interface has just gone, -ENETDOWN if
	 * it is down, which is in the way, or another -errno; each is explained in reason. */
	int (*open)(struct backend *backend, const struct interface *interface, unsigned int ways,
		    struct hold **hold, char reason[BACKEND_REASON]);

	/* Measures with it from now on. Returns 0, or -errno explained in reason: then it is still
	 * the caller's. */
	int (*adopt)(struct backend *backend, struct hold *hold, char reason[BACKEND_REASON]);

	/* No longer does, and hands it back; NULL: there is none for the interface. */
	struct hold *(*release)(struct backend *backend, unsigned int ifindex);

	/* Does it still hold the interface? In any thread, one hold in one thread at a time.
	 * Returns 0, or -errno explained in reason. May be NULL: it ends by itself. */
	int (*check)(struct hold *hold, const struct interface *interface,
		     char reason[BACKEND_REASON]);

	/* Lets go of the interface, and frees the hold, which is not adopted. In any thread. */
	void (*shut)(struct hold *hold);

	/* The index of an interface, or 0, whose hold has ended by itself since it was adopted: it
	 * went down, or is gone. It is to be released. May be NULL. */
	unsigned int (*ended)(struct backend *backend);

	/* The interface that has this index goes by this name now. */
	void (*rename)(struct backend *backend, const struct interface *interface);

	/* Sets the peers, until the next call. Flows of former peers are dropped. Returns 0 or
	 * -errno, reported: then some of the new peers may be in force, until it is called again
	 * with the old ones. */
	int (*set_peers)(struct backend *backend, const struct peers *peers);

	/* .. and only interfaces have come or gone since, or have another set of peers. */
	int (*set_interfaces)(struct backend *backend, const struct peers *peers);

	/* Readable when there is something to read; owned by the backend. -1: never wait. */
	int (*fd)(struct backend *backend);

	/* That is readable: is it time to read, or can what there is wait for more? Then it becomes
	 * readable again in time. May be NULL: it is time. */
	bool (*due)(struct backend *backend);

	/* Delivers what is there, but for what may not be in order yet. Returns 0, or 1 at the end
	 * of a capture file, or -errno, reported. One call reads a bounded number of packets of a
	 * capture file; -EAGAIN, not reported, means that no more have come through its pipe yet.
	 */
	int (*read)(struct backend *backend);

	/* One step of a walk over all flows, which delivers samples that wait for their batch to
	 * fill and drops flows that are over. Returns true when the walk is complete. */
	bool (*sweep)(struct backend *backend);

	/* Delivers what read keeps to bring it into order. May be NULL: it keeps nothing. */
	void (*settle)(struct backend *backend);

	/* This host's addresses may have changed. May be NULL. */
	void (*refresh)(struct backend *backend);

	/* Waits a fraction of a second for packets that the kernel still holds back, and delivers
	 * them. May be NULL. */
	void (*drain)(struct backend *backend);

	/* Takes over the settings that may change while running: idle_ns, ended_ns, handshakes. */
	void (*follow)(struct backend *backend, const struct backend_settings *settings);

	/* What there is on an interface that is measured, one way: by interface number. */
	struct census_figures (*figures)(struct backend *backend, __u32 number);

	/* Starts or stops counting sightings there, which begins with adopt and is not needed
	 * while samples come. May be NULL: the backend always counts. */
	void (*look_out)(struct backend *backend, __u32 number, bool on);

	/* All counters since the start. */
	void (*counters)(struct backend *backend, __u64 values[COUNTERS]);

	/* What was seen since the start, besides the counters. May be NULL. */
	void (*seen)(struct backend *backend, struct seen *seen);

	/* Detaches and frees everything, without delivering anything more. */
	void (*close)(struct backend *backend);
};

/* Each makes a backend that measures nothing yet. Returns 0, or -errno explained in reason. */
int backend_bpf_open(struct backend **backend, const struct backend_settings *settings,
		     char reason[BACKEND_REASON]);
int backend_pcap_open(struct backend **backend, const struct backend_settings *settings,
		      char reason[BACKEND_REASON]);

#define BACKEND_FILE_FLOWS                                                                         \
	(1u << 24) /* for max_flows: flows never time out, and memory is taken as they appear */

/* Logs a warning if there were more flows than that. */
void backend_file_tell_refused(const char *path, const __u64 counters[COUNTERS]);

/* A capture file, or standard input for "-". Measures the data that the local addresses send, or,
 * if there are none, both directions. */
int backend_file_open(struct backend **backend, const struct backend_settings *settings,
		      const char *path, const struct address *local, size_t local_count,
		      char reason[BACKEND_REASON]);

struct backend_file_progress {
	double share; /* of the file, 0 to 1 */
	__u64 packets;
};

/* How far that one has come. False for a pipe: nobody knows how long it is. */
bool backend_file_tell_progress(struct backend *backend, struct backend_file_progress *progress);

#endif
