/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filter that lets the kernel hand on to libpcap only TCP from and to the peers. */
#ifndef METRO_PCAP_FILTER_H
#define METRO_PCAP_FILTER_H

#include "peers.h"

#include <pcap/pcap.h>

#define PCAP_FILTER_INSTRUCTIONS                                                                   \
	4096 /* BPF_MAXINSNS of <linux/bpf_common.h>: more it does not take */

/*
 * Compiles the filter for a set of peers, in some 0.1 s at most. If the peers are many, it lets
 * networks through that contain them: the peers are told apart in user space anyway. If even so the
 * kernel would not take it (libpcap would then copy every packet), it lets all TCP through. tags:
 * packets may have VLAN tags; libpcap refuses to look for them elsewhere than on Ethernet.
 *
 * Returns 1 with *program to be freed by pcap_freecode, 0 if there are no peers now (nothing is to
 * be captured), or -errno; pcap_geterr tells more after -EINVAL.
 */
int pcap_filter_compile(pcap_t *pcap, const struct peers *peers, __u32 set, bool tags,
			struct bpf_program *program);

/* Puts a program in force on a live handle; again: there is one in force, whose packets are not to
 * be lost. Returns 0, or -EIO; pcap_geterr tells more. */
int pcap_filter_install(pcap_t *pcap, struct bpf_program *program, bool again);

#endif
