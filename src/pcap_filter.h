/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filter that lets the kernel hand on to libpcap only TCP from and to the peers. */
#ifndef METRO_PCAP_FILTER_H
#define METRO_PCAP_FILTER_H

#include "peers.h"

/* Beyond so many prefixes a compiled filter may pass the kernel's 4096 instructions: then all TCP is
 * handed on, and the peers are told apart in user space. */
#define PCAP_FILTER_PREFIXES 64

/* Writes the filter expression for one interface. Returns 1 if there are peers, 0 if there are none
 * now (*text is then NULL: nothing is to be captured), or -ENOMEM. *text is the caller's to free. */
int pcap_filter_text(const struct peers *peers, unsigned int ifindex, char **text);

#endif
