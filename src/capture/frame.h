/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Captured bytes as the parser wants them, for the link types of libpcap that we know. */
#ifndef METRO_FRAME_H
#define METRO_FRAME_H

#include "decapsulate.h"

/* The link layer of one of libpcap's DLT_ values, or LINKTYPE_ of a file, for frame_parse. Returns
 * 0, or -ENOTSUP. */
int frame_link_layer(int type, enum link_layer *link);

/* Parses a packet that had wire_length bytes, of which captured are there. Where the kernel's
 * parser finds no TCP, this looks into tunnels; *inside, always filled in, tells which. */
enum packet_kind frame_parse(enum link_layer link, const __u8 *bytes, __u32 captured,
			     __u32 wire_length, struct packet *packet, struct inside *inside);

/* A hash of where a frame was captured: the interface's number in the file, what a cooked capture's
 * header says, and whether in front of a tunnel or inside of it. Two frames of one place have the
 * same, of two places mostly not. */
__u32 frame_place(enum link_layer link, const __u8 *bytes, __u32 captured, __u32 interface,
		  const struct inside *inside);

#endif
