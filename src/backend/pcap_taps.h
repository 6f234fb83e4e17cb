/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parts of the libpcap backend share: backend_pcap.c (what a backend does), pcap_taps.c
 * (interfaces, and which handle gets whose packets), pcap_packets.c (packets on their way to the
 * flows).
 */
#ifndef METRO_PCAP_TAPS_H
#define METRO_PCAP_TAPS_H

#include "backend.h"
#include "directions.h"
#include "expression.h"
#include "hash.h"
#include "pcap_filter.h"
#include "pcap_shared.h"
#include "pcap_socket.h"

/* Interfaces that have a handle of their own, at most: each has a ring of packets in the kernel. */
#define TAPS_OWN_MAX 4

/* An interface whose packets we get a copy of. */
struct tap {
	struct hold hold;
	struct backend_pcap *backend;
	__u32 index;            /* of the interface, the key */
	__u32 set;              /* of peers, for which its own handle has a filter */
	bool counted;           /* among those with a handle of their own */
	bool shares;            /* the shared handle */
	bool ended;             /* its own handle, since the interface went down, but for a block */
	struct pcap_socket own; /* or closed */
	__u32 epoch;            /* that began when it came to the shared handle */
	UT_hash_handle hh;
};

struct backend_pcap {
	struct backend backend;
	struct backend_settings settings;
	int epoll;
	struct flow_table *table;
	struct directions directions;
	int local_error; /* of the last attempt to read addresses, so that it is logged once */
	struct expression *expression; /* NULL: none */
	struct pcap_filters filters;   /* for the present peers */
	struct tap *taps;
	unsigned int own; /* handles of single interfaces; counted in any thread */
	struct pcap_socket shared;
	struct pcap_shared_peers shared_peers;
	struct clock_watch clock;
	__u32 epochs; /* of all handles (breaks.h) */
	__u64 drops;  /* of taps that are closed by now */
};

/* ---- pcap_taps.c ---- */

/* Opens the interface's own handle, if it gets one. In any thread. Returns 0 or -errno, explained
 * in reason. */
int tap_open(struct tap *tap, char reason[BACKEND_REASON]);

/* Closes it. In any thread, once the tap is out of the hash. */
void tap_close(struct tap *tap);

/* The tap, which is in the hash, gets its packets from now on, from its own handle or the shared
 * one; and no longer. Returns 0 or -errno, explained in reason. */
int tap_join(struct tap *tap, char reason[BACKEND_REASON]);
void tap_leave(struct tap *tap);

/* It may have become a port of a bridge. */
void tap_follow_port(struct tap *tap);

/* The peers of backend->directions are in force. Return 0 or -errno, explained in reason. */
int tap_set_peers(struct tap *tap, char reason[BACKEND_REASON]);
int taps_set_shared_peers(struct backend_pcap *b, char reason[BACKEND_REASON]);

/* ---- pcap_packets.c ---- */

/* The tap of an interface, or NULL. */
struct tap *tap_find(struct backend_pcap *b, __u32 ifindex);

/* Measures what has been captured. Returns 0, more if there may be more, or an error of libpcap's.
 */
int pcap_packets_own(struct tap *tap);
int pcap_packets_shared(struct backend_pcap *b);

/* To be called where the clock may have been set: begins another epoch for all. */
void pcap_packets_follow_clock(struct backend_pcap *b);

/* Turns the expression to packets of this handle, which is name in messages. Returns 0 or -errno,
 * explained in reason. */
int pcap_packets_turn(struct backend_pcap *b, const struct pcap_socket *socket, const char *name,
		      char reason[BACKEND_REASON]);

#endif
