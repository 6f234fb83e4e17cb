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
#include "pcap_shared.h"
#include "pcap_socket.h"

/* Interfaces that have a handle of their own, at most: each has a ring of packets in the kernel. */
#define TAPS_OWN_MAX 4

/* An interface whose packets we get a copy of. */
struct tap {
	struct backend_pcap *backend;
	struct interface interface;
	__u32 index; /* of the interface, the key */
	unsigned int ways;
	bool shares;            /* the shared handle; else it has its own */
	struct pcap_socket own; /* closed while the interface is down */
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
	struct tap *taps;
	struct pcap_socket shared;
	struct pcap_shared_peers shared_peers;
	struct clock_watch clock;
	__u32 epochs; /* of all handles (breaks.h) */
	__u64 drops;  /* of taps that are closed by now */
};

/* ---- pcap_taps.c ---- */

/* Has the interface's packets captured, by a handle of its own or by the shared one; the tap must
 * be in the hash. Returns 0 or -errno, explained in reason; with -ENETDOWN, tap_follow_up tries
 * again.
 */
int tap_open(struct tap *tap, char reason[BACKEND_REASON]);
void tap_close(struct tap *tap);

/* Capturing by its own handle ended. */
void tap_fail(struct tap *tap);

/* There may be a change in the interface: it may be up again, or have become a port. */
void tap_follow_up(struct tap *tap);
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
