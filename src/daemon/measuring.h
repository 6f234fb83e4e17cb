/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What measures interfaces: one backend, BPF or, where that is not possible, libpcap. It is chosen
 * and started here, read when it has something, and swept once in an interval, in steps between
 * which the event loop goes on. While there is no backend, the functions below do nothing.
 */
#ifndef METRO_MEASURING_H
#define METRO_MEASURING_H

#include "backend.h"
#include "event_loop.h"

/* What the command line says. */
struct measuring_choice {
	enum backend_choice backend;
	enum hook_choice hook;
	const char *expression; /* what packets must match, which libpcap alone can; NULL: none */
	unsigned int marks;     /* a flow; 0: as the configuration says */
	__u64 delay_ns;         /* how long a sample may wait to be printed */
};

typedef int (*backend_opener)(struct backend **backend, const struct backend_settings *settings,
			      char reason[BACKEND_REASON]);

struct measuring_ops {
	backend_opener open_bpf, open_pcap;

	/* Begins to measure on the interfaces. -errno is explained in reason: this backend cannot
	 * be used here, or, with -ENODEV, none could. Detach ends it, and follows an error, too. */
	int (*attach)(void *arg, struct backend *backend, char reason[BACKEND_REASON]);
	void (*detach)(void *arg, struct backend *backend);

	/* Takes in what was measured, which is gone after the call. */
	void (*deliver)(void *arg, const struct delivery *delivery);

	/* The backend cannot go on, which was reported. */
	void (*failed)(void *arg, int err);
};

struct measuring {
	/* Set by the owner before the start. */
	const struct measuring_choice *choice;
	const struct measuring_ops *ops;
	void *arg;
	struct event_loop *loop;
	unsigned int batch_limit; /* samples that the sink takes at once */

	/* Its own. */
	struct backend *backend; /* NULL: none, as while there are only capture files to measure */
	char fallback[BACKEND_REASON]; /* why it is libpcap in place of BPF; "": it is not */
	bool sweeping;                 /* a walk over all flows is under way, or to begin */
};

/* The settings for a backend, also for one that reads a capture file. */
struct backend_settings measuring_settings(const struct measuring *m, const struct config *config);

/* Chooses and starts the backend. Returns 0 or -errno, reported. */
/* What it takes to start, as privileges.h has it. */
unsigned int measuring_needs(const struct measuring *measuring);

int measuring_start(struct measuring *m, const struct config *config, const struct peers *peers);

/* BPF was chosen before there was an interface, and cannot measure the first, for this reason: goes
 * on with libpcap. Returns 0 or -errno, reported. */
int measuring_fall_back(struct measuring *m, const struct config *config, const struct peers *peers,
			const char *why);

/* Would that be of use? */
bool measuring_may_fall_back(const struct measuring *m);

/* Follows a changed configuration, as far as the backend can. */
void measuring_follow(struct measuring *m, const struct config *config);

/* These are the peers, until the next call. Returns 0, or -errno, reported: then set the old ones
 * again. */
int measuring_set_peers(struct measuring *m, const struct peers *peers);

/* Another set of peers; what flows of the former ones still had is delivered. */
void measuring_change_peers(struct measuring *m, const struct peers *peers);

/* Begins a walk over all flows, or, with false, ends one. measuring_step makes a step if there is
 * one to make, and returns true when that has completed the walk. */
void measuring_sweep(struct measuring *m, bool on);
bool measuring_step(struct measuring *m);

/* A whole walk over the flows, now, after the rest of one that may be under way: all that was
 * measured up to now is delivered. */
void measuring_sweep_all(struct measuring *m);

/* Reads what there is before that; finish, also what the kernel still holds back. */
void measuring_deliver_all(struct measuring *m);
void measuring_finish(struct measuring *m);

/* Reads what there is; counters become the backend's, since its start. There must be one. */
void measuring_counters(struct measuring *m, __u64 counters[COUNTERS]);

/* Delivers nothing more, detaches, and frees the backend. */
void measuring_close(struct measuring *m);

#endif
