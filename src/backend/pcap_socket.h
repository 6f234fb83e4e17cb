/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One of libpcap's live handles: of one interface, or shared by many. A shared one is libpcap's
 * "any" device in its second cooked mode, where each packet says which interface it passes and
 * which way. It has one ring, however many interfaces there are, and needs libpcap 1.10.
 */
#ifndef METRO_PCAP_SOCKET_H
#define METRO_PCAP_SOCKET_H

#include "backend.h"
#include "breaks.h"
#include "packet.h"

#include <pcap/pcap.h>

/* Packets wait at most this long for a block to fill. Less than FOLLOWING_WAIT_MS: the last block
 * of an interface that goes has been handed over when it is let go of. */
#define PCAP_SOCKET_BLOCK_MS 40
/* Or at least this long: before Linux 6.18 that counts in ticks, of up to 10 ms. */
#define PCAP_SOCKET_BLOCK_LEAST_MS 20

struct pcap_socket {
	pcap_t *pcap; /* NULL: closed */
	enum link_layer link;
	bool by_libpcap; /* its filter (pcap_filter.h) */
	__u64 drops;     /* of handles that are closed by now */
	struct breaks breaks;
};

/* Opens one on an interface, or with NULL a shared one, with a filter that lets nothing through
 * yet. In any thread. Returns 0, -ENETDOWN if the interface is down, -ENODEV if it has gone or has
 * another name, -ENOTSUP for what libpcap or we do not know, or another -errno; each is explained
 * in reason, with no handle. */
int pcap_socket_open(struct pcap_socket *socket, const struct interface *interface,
		     const struct backend_settings *settings, char reason[BACKEND_REASON]);
void pcap_socket_close(struct pcap_socket *socket);

/* Packets that its handles lost, the present one and those before. */
__u64 pcap_socket_drops(const struct pcap_socket *socket);

/* When a packet was captured, by CLOCK_REALTIME. */
__u64 pcap_socket_time(const struct pcap_socket *socket, const struct pcap_pkthdr *header);

#endif
