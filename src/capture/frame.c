/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hands a captured frame to the packet parser, whole, or from the place where its connection
 * begins. */
#include "frame.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#define LINKTYPE_RAW    101 /* what files say for DLT_RAW, whose own value depends on the system */
#define DLT_RAW_OPENBSD 14

struct frame {
	const __u8 *bytes;
	__u32 captured;
};

int frame_link_layer(int type, enum link_layer *link)
{
	switch (type) {
	case DLT_EN10MB:
		*link = LINK_ETHERNET;
		return 0;
	case DLT_RAW:
	case LINKTYPE_RAW:
	case DLT_RAW_OPENBSD:
	case DLT_IPV4:
	case DLT_IPV6:
		*link = LINK_IP;
		return 0;
	case DLT_LINUX_SLL:
		*link = LINK_SLL;
		return 0;
	case DLT_LINUX_SLL2:
		*link = LINK_SLL2;
		return 0;
	case DLT_NULL:
	case DLT_LOOP:
		*link = LINK_NULL;
		return 0;
	default:
		return decapsulate_link(type, link);
	}
}

static long frame_load(void *ctx, __u32 offset, void *to, __u32 len)
{
	const struct frame *frame = ctx;

	if (offset > frame->captured || len > frame->captured - offset)
		return -ENODATA;
	memcpy(to, frame->bytes + offset, len);
	return 0;
}

/* Parses what is left of a packet after the headers that were walked through. */
static enum packet_kind parse_inside(const struct frame *frame, __u32 offset, __u32 wire_length,
				     struct packet *packet)
{
	struct frame inner = {frame->bytes + offset, frame->captured - offset};

	return packet_parse(&inner, frame_load, LINK_IP,
			    wire_length > offset ? wire_length - offset : 0, packet);
}

enum packet_kind frame_parse(enum link_layer link, const __u8 *bytes, __u32 captured,
			     __u32 wire_length, struct packet *packet, struct inside *inside)
{
	struct frame frame = {.bytes = bytes, .captured = captured};
	enum packet_kind kind = PACKET_OTHER;

	*inside = (struct inside){};
	if (link < LINK_OTHERS)
		kind = packet_read(&frame, frame_load, link, bytes, bytes + captured, wire_length,
				   packet);
	if (likely(kind != PACKET_OTHER))
		return kind;
	kind = decapsulate(link, bytes, captured, inside);
	if (kind == PACKET_TCP)
		kind = parse_inside(&frame, inside->offset, wire_length, packet);
	return kind;
}

/* In a cooked capture, all of the header but the protocol's number tells the interface, and whether
 * the packet came or left there. */
__u32 frame_place(enum link_layer link, const __u8 *bytes, __u32 captured, __u32 interface,
		  const struct inside *inside)
{
	__u32 hash = 2 * interface + !!inside->passed, unused, length = 0;

	if (link == LINK_SLL || link == LINK_SLL2)
		length = link_header_size(link, &unused);
	for (__u32 i = 0; i < length && i < captured; i++)
		hash = (hash ^ bytes[i]) * 16777619; /* FNV-1a */
	return hash;
}
