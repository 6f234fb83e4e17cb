/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How much memory measuring takes at most, by part, told before anything is allocated. What was
 * measured beside it is in docs/memory.md.
 */
#ifndef METRO_MEMORY_NEED_H
#define METRO_MEMORY_NEED_H

#include "types.h"

/* Bytes that the kernel takes for a moment to verify the programs of one way; charged since Linux
 * 6.17. */
#define MEMORY_VERIFYING (14900 * 1024)

#define MEMORY_FILTERED  64 /* libpcap: networks in a filter, in place of more peers */

/* What it depends on. */
struct memory_terms {
	bool bpf; /* or libpcap */
	unsigned int max_flows;
	unsigned int marks;       /* a flow */
	unsigned int interfaces;  /* that are measured; twice where they are both ways */
	unsigned int pcap_buffer; /* bytes of each of libpcap's rings */
	__u64 addresses; /* peers, one for each host name; once where interfaces share them */
	__u64 networks;
	__u64 pairs;             /* addresses of each interface, of all interfaces */
	__u64 filtered;          /* peers of each, at most MEMORY_FILTERED of it */
	bool reverse_names;      /* of addresses are looked up */
	unsigned int max_series; /* 0: any number */
	bool quantiles;          /* each series keeps a histogram */
	bool distribution;       /* .. the samples themselves for a while */
	unsigned int cpus;
	bool verifier_is_charged; /* for what it takes: Linux 6.17 and later */
	bool arriving;            /* data that arrives is measured, by programs that come later */
};

/* Bytes. */
struct memory_need {
	/* What is charged to the container, when all of it is in use. */
	__u64 flows;      /* with BPF from the start, with libpcap as connections come */
	__u64 buckets;    /* where they are found */
	__u64 peers;      /* in the kernel and in our own tables */
	__u64 series;     /* what is reported, of as many pairs of hosts as there can be */
	__u64 interfaces; /* what each takes beside its ring */
	__u64 ring;       /* BPF: samples on their way to us */
	__u64 tables;     /* handshakes, ended connections, the filter of peers, programs */
	__u64 process;

	/* For a moment: while programs are verified; and while peers change, or programs come late.
	 */
	__u64 verifying;
	__u64 changing;

	__u64 start; /* at most until measuring has begun .. */
	__u64 most;  /* .. and ever */

	__u64 loading; /* of start, what the kernel is asked for: maps, programs, peers */

	/* libpcap's rings: the host's memory, and not charged to the container. */
	__u64 rings;
};

struct memory_need memory_need_of(const struct memory_terms *terms);

#endif
