/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filter with which the kernel passes only TCP from and to the peers on to libpcap. */
#ifndef METRO_PCAP_FILTER_H
#define METRO_PCAP_FILTER_H

#include "peers.h"

#include <pcap/pcap.h>

#define PCAP_FILTER_INSTRUCTIONS                                                                   \
	4096 /* BPF_MAXINSNS of <linux/bpf_common.h>: more it does not take */

#define PCAP_FILTER_ALL 0 /* in place of a set, which are counted from 1: all peers */

/*
 * Compiles the filter for a set of peers, in some 0.1 s at most. With many peers it lets through
 * networks that contain them, and with many ranges of ports all ports: user space sorts them out
 * anyway. If the kernel would still refuse it
 * (libpcap would then copy every packet), it lets all TCP through. tags: packets may have VLAN
 * tags; libpcap only looks for them on Ethernet.
 *
 * Returns 1 with *program to be freed by pcap_freecode, 0 if there are no peers now (capture
 * nothing), or -errno; pcap_geterr tells more after -EINVAL.
 */
int pcap_filter_compile(pcap_t *pcap, const struct peers *peers, __u32 set, bool tags,
			struct bpf_program *program);

/* Puts a program in force on a live handle, without losing packets that both it and the one before
 * let through. by_libpcap: it had to be left to libpcap once, and so has to be from then on;
 * false at first. Returns 0, or -EIO; pcap_geterr tells more. */
int pcap_filter_install(pcap_t *pcap, struct bpf_program *program, bool *by_libpcap);

/* Lets nothing through a handle that has no filter yet, until it gets one. Returns 0 or -errno. */
int pcap_filter_nothing(pcap_t *pcap);

/* The filters that have been compiled for some peers: many handles have the same. */
struct pcap_filters {
	struct pcap_filter *first;
};

/* Puts the filter for a set of peers in force on a live handle, as pcap_filter_install does;
 * compiles it if no handle like this one had it. Returns 0 or -errno; pcap_geterr tells more. */
int pcap_filters_use(struct pcap_filters *filters, pcap_t *pcap, const struct peers *peers,
		     __u32 set, bool tags, bool *by_libpcap);

/* There are other peers now. */
void pcap_filters_forget(struct pcap_filters *filters);

#endif
