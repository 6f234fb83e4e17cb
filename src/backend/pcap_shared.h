/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the shared handle of many interfaces (pcap_socket.h) needs beyond that of one: a filter that
 * lets only these interfaces through, and what a packet's cooked header says.
 */
#ifndef METRO_PCAP_SHARED_H
#define METRO_PCAP_SHARED_H

#include "interface_number.h"
#include "peers.h"

#include <pcap/pcap.h>

/* What is let through of packets that pass the interfaces. */
struct pcap_shared_peers {
	struct bpf_program program; /* for bare IP packets */
	bool any;                   /* false: there are no peers, and nothing is */
	unsigned int snaplen;       /* bytes of a packet that are kept */
};

/* Compiles the filter for all peers that there are, in some 0.1 s at most; user space sorts out
 * whose they are. Returns 0 or -errno; either way pcap_shared_peers_free ends it. */
int pcap_shared_peers_compile(struct pcap_shared_peers *compiled, const struct peers *peers,
			      unsigned int snaplen);
void pcap_shared_peers_free(struct pcap_shared_peers *compiled);

/* Joins that filter with the interfaces' indices, which it sorts, and puts it in force. Packets
 * that wait to be read stay. Returns 0 or -errno. */
int pcap_shared_filter(pcap_t *pcap, __u32 *indices, size_t count,
		       const struct pcap_shared_peers *compiled);

/* The same as a program of instructions, for which there is room. Returns their number. */
#define PCAP_SHARED_INSTRUCTIONS 4096
size_t pcap_shared_program(struct bpf_insn program[PCAP_SHARED_INSTRUCTIONS], __u32 *indices,
			   size_t count, const struct pcap_shared_peers *compiled);

struct shared_packet {
	__u32 ifindex;
	bool leaves;    /* the interface; else it arrives there */
	const __u8 *ip; /* behind what the kernel told of without having it, or NULL */
	__u32 captured;
	__u32 wire_length;
};

/* Reads the cooked header. Returns false if it is cut short. */
bool pcap_shared_packet(const __u8 *bytes, const struct pcap_pkthdr *header,
			struct shared_packet *packet);

#endif
