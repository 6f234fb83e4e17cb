/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filter with which the kernel passes only TCP from and to the peers on to libpcap. */
#ifndef METRO_PCAP_FILTER_H
#define METRO_PCAP_FILTER_H

#include "peers.h"

#include <pcap/pcap.h>

#define PCAP_FILTER_INSTRUCTIONS                                                                   \
	4096 /* BPF_MAXINSNS of <linux/bpf_common.h>: more it does not take */

#define PCAP_FILTER_ALL 0 /* in place of an interface number: the peers of all */

/*
 * Compiles the filter for one interface, in some 0.1 s at most. With many peers it lets through
 * networks that contain them: user space sorts them out anyway. If the kernel would still refuse it
 * (libpcap would then copy every packet), it lets all TCP through. tags: packets may have VLAN
 * tags; libpcap only looks for them on Ethernet.
 *
 * Returns 1 with *program to be freed by pcap_freecode, 0 if there are no peers now (capture
 * nothing), or -errno; pcap_geterr tells more after -EINVAL.
 */
int pcap_filter_compile(pcap_t *pcap, const struct peers *peers, __u32 number, bool tags,
			struct bpf_program *program);

/* Puts a program in force on a live handle; again: one is in force already, whose packets must not
 * be lost. Returns 0, or -EIO; pcap_geterr tells more. */
int pcap_filter_install(pcap_t *pcap, struct bpf_program *program, bool again);

#endif
