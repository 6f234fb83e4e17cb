/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The classic format: draft-ietf-opsawg-pcap, and its ancestors' peculiarities. */
#include "capture_format.h"

#include <errno.h>
#include <string.h>

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO  0xa1b23c4du
#define MAGIC_MODIFIED                                                                             \
	0xa1b2cd34u /* Kuznetzov's, with eight more bytes in front of each packet                  \
		     */

#define FILE_HEADER     24
#define RECORD_HEADER   16
#define RECORD_MODIFIED 24

static bool magic_known(__u32 magic)
{
	return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

static int pcap_open(struct capture_file *file, const __u8 *bytes)
{
	struct capture_interface interface = {};
	const __u8 *header;
	__u32 magic, version;
	int status;

	file->swapped = false;
	magic = capture_u32(file, bytes);
	if (!magic_known(magic)) {
		file->swapped = magic_known(__builtin_bswap32(magic));
		if (!file->swapped)
			return 0;
		magic = __builtin_bswap32(magic);
	}
	status = capture_need(file, FILE_HEADER, "the file's header", &header);
	if (status != 1)
		return status;
	interface.units_per_s = magic == MAGIC_NANO ? 1000000000 : 1000000;
	interface.link_type = capture_u32(file, header + 20) & 0x03ffffff; /* above: FCS length */
	file->record_header = magic == MAGIC_MODIFIED ? RECORD_MODIFIED : RECORD_HEADER;
	version = (__u32)capture_u16(file, header + 4) << 16 | capture_u16(file, header + 6);
	file->lengths_swapped = version <= (2 << 16 | 3);
	status = capture_add_interface(file, &interface);
	byte_stream_skip(file->stream, FILE_HEADER);
	return status ? status : 1;
}

/* Before version 2.3 the two lengths were swapped, in 2.3 they may be: the larger is the wire's. */
static void order_lengths(const struct capture_file *file, struct captured *packet)
{
	__u32 other = packet->length;

	if (!file->lengths_swapped || packet->length <= packet->wire_length)
		return;
	packet->length = packet->wire_length;
	packet->wire_length = other;
}

static int pcap_next(struct capture_file *file, struct captured *packet)
{
	const struct capture_interface *interface = &file->interfaces[0];
	const __u8 *header;
	__u32 seconds, units;
	int status;

	status = capture_need(file, file->record_header, "a packet's header", &header);
	if (status != 1)
		return status;
	seconds = capture_u32(file, header);
	units = capture_u32(file, header + 4);
	packet->length = capture_u32(file, header + 8);
	packet->wire_length = capture_u32(file, header + 12);
	order_lengths(file, packet);
	if (packet->length > CAPTURE_RECORD_MAX)
		return capture_damaged(file, "is damaged: it claims to have %u bytes",
				       packet->length);
	status = capture_need(file, file->record_header + packet->length, "a packet", &header);
	if (status != 1)
		return status;
	packet->time_ns = capture_time(interface, seconds * interface->units_per_s + units);
	packet->timed = true;
	packet->link_type = interface->link_type;
	packet->interface = 0;
	packet->way = CAPTURED_UNKNOWN;
	packet->bytes = header + file->record_header;
	file->consumed = file->record_header + packet->length;
	return 1;
}

const struct capture_format capture_pcap = {.open = pcap_open, .next = pcap_next};
