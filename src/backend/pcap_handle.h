/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A live libpcap handle, as all taps have it. */
#ifndef METRO_PCAP_HANDLE_H
#define METRO_PCAP_HANDLE_H

#include "backend.h"
#include "frame.h"

#include <pcap/pcap.h>

#define PCAP_BLOCK_MS 50 /* packets wait at most so long for a block to fill */

/* Opens one on an interface, with a filter that lets nothing through yet. In any thread. Returns 0,
 * -ENETDOWN if it is down, -ENODEV if it has gone or has another name, or another -errno; each is
 * explained in reason, with no handle. */
int pcap_handle_open(pcap_t **pcap, enum link_layer *link, const struct interface *interface,
		     const struct backend_settings *settings, char reason[BACKEND_REASON]);

#endif
