/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The format of blocks: draft-ietf-opsawg-pcapng. */
#include "capture_format.h"

#include <errno.h>
#include <string.h>

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_ENHANCED_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define BLOCK_FRAME      12 /* type, length, and length again at the end */
#define BLOCK_BODY       8  /* where the contents begin */
#define BLOCK_MAX        (CAPTURE_RECORD_MAX + 65536u)

enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

struct block {
	__u32 type;
	const __u8 *body;
	__u32 size; /* of the body */
};

/* A section may change the byte order, which has to be known to read the block's own length. */
static int section_order(struct capture_file *file)
{
	const __u8 *bytes;
	int status = capture_need(file, BLOCK_BODY + 4, "a section header", &bytes);

	if (status != 1)
		return status;
	file->swapped = false;
	if (capture_u32(file, bytes + BLOCK_BODY) == BYTE_ORDER_MAGIC)
		return 1;
	file->swapped = true;
	if (capture_u32(file, bytes + BLOCK_BODY) == BYTE_ORDER_MAGIC)
		return 1;
	return capture_damaged(file, "a section header without a byte order");
}

/* Reads a block. It is skipped over with the next call of capture_file_next, or by the caller. */
static int block_read(struct capture_file *file, struct block *block)
{
	const __u8 *bytes;
	__u32 length;
	int status = capture_need(file, BLOCK_BODY, "a block's header", &bytes);

	if (status != 1)
		return status;
	block->type = capture_u32(file, bytes);
	if (block->type == BLOCK_SECTION) {
		status = section_order(file);
		if (status != 1)
			return status;
	}
	status = capture_need(file, BLOCK_BODY, "a block's header", &bytes);
	if (status != 1)
		return status;
	length = capture_u32(file, bytes + 4);
	if (length < BLOCK_FRAME || length > BLOCK_MAX)
		return capture_damaged(file, "a block claims to have %u bytes", length);
	length = (length + 3) & ~3u;
	status = capture_need(file, length, "a block", &bytes);
	if (status != 1)
		return status;
	block->body = bytes + BLOCK_BODY;
	block->size = length - BLOCK_FRAME;
	file->consumed = length;
	return 1;
}

/* if_tsresol: the negative exponent of ten, or of two if its upper bit is set. 0 if out of range.
 */
static __u64 resolution(__u8 value)
{
	__u64 units = 1;

	if (value & 0x80)
		return (value & 0x7f) < 64 ? 1ull << (value & 0x7f) : 0;
	if (value > 19)
		return 0;
	while (value--)
		units *= 10;
	return units;
}

static int interface_options(struct capture_file *file, const __u8 *at, const __u8 *end,
			     struct capture_interface *interface)
{
	while (end - at >= 4) {
		__u16 code = capture_u16(file, at), length = capture_u16(file, at + 2);

		at += 4;
		if (code == OPTION_END || length > end - at)
			break;
		if (code == OPTION_TSRESOL && length >= 1) {
			interface->units_per_s = resolution(at[0]);
			if (!interface->units_per_s)
				return capture_damaged(file,
						       "an interface counts time in units of "
						       "an impossible size (%u)",
						       at[0]);
		} else if (code == OPTION_TSOFFSET && length == 8) {
			__u64 words[2] = {capture_u32(file, at), capture_u32(file, at + 4)};
			bool low_first = file->swapped == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);

			interface->offset_s = (__s64)(words[low_first] << 32 | words[!low_first]);
		}
		if (((length + 3) & ~3) > end - at)
			break;
		at += (length + 3) & ~3;
	}
	return 0;
}

static int interface_block(struct capture_file *file, const struct block *block)
{
	struct capture_interface interface = {.units_per_s = 1000000};
	int err;

	if (block->size < 8)
		return capture_damaged(file, "an interface's block has %u bytes", block->size);
	interface.link_type = capture_u16(file, block->body);
	interface.snaplen = capture_u32(file, block->body + 4);
	err = interface_options(file, block->body + 8, block->body + block->size, &interface);
	return err ? err : capture_add_interface(file, &interface);
}

static int packet_fill(struct capture_file *file, const struct block *block, __u32 number,
		       __u32 header, struct captured *packet)
{
	const struct capture_interface *interface;

	if (number >= file->interfaces_count)
		return capture_damaged(file, "of interface %u, of which there are %zu", number,
				       file->interfaces_count);
	interface = &file->interfaces[number];
	if (packet->length > block->size - header)
		return capture_damaged(file, "claims %u bytes in a block of %u", packet->length,
				       block->size);
	packet->timed = block->type != BLOCK_SIMPLE_PACKET;
	packet->link_type = interface->link_type;
	packet->interface = number;
	packet->bytes = block->body + header;
	return 1;
}

static int timed_packet(struct capture_file *file, const struct block *block,
			struct captured *packet)
{
	const __u8 *body = block->body;
	__u32 number, header = 20;
	int status;

	if (block->size < header)
		return capture_damaged(file, "a packet's block has %u bytes", block->size);
	number = block->type == BLOCK_PACKET ? capture_u16(file, body) : capture_u32(file, body);
	packet->length = capture_u32(file, body + 12);
	packet->wire_length = capture_u32(file, body + 16);
	status = packet_fill(file, block, number, header, packet);
	if (status == 1)
		packet->time_ns = capture_time(&file->interfaces[number],
					       (__u64)capture_u32(file, body + 4) << 32 |
						       capture_u32(file, body + 8));
	return status;
}

static int simple_packet(struct capture_file *file, const struct block *block,
			 struct captured *packet)
{
	__u32 snaplen, header = 4;

	if (block->size < header)
		return capture_damaged(file, "a packet's block has %u bytes", block->size);
	packet->wire_length = capture_u32(file, block->body);
	packet->length = packet->wire_length;
	snaplen = file->interfaces_count ? file->interfaces[0].snaplen : 0;
	if (snaplen && packet->length > snaplen)
		packet->length = snaplen;
	return packet_fill(file, block, 0, header, packet);
}

static int pcapng_open(struct capture_file *file)
{
	const __u8 *bytes;

	if (byte_stream_peek(file->stream, 4, &bytes) < 4)
		return 0;
	return capture_u32(file, bytes) == BLOCK_SECTION;
}

static int pcapng_next(struct capture_file *file, struct captured *packet)
{
	struct block block;
	int status;

	while ((status = block_read(file, &block)) == 1) {
		switch (block.type) {
		case BLOCK_PACKET:
		case BLOCK_ENHANCED_PACKET:
			return timed_packet(file, &block, packet);
		case BLOCK_SIMPLE_PACKET:
			return simple_packet(file, &block, packet);
		case BLOCK_SECTION:
			file->interfaces_count = 0;
			break;
		case BLOCK_INTERFACE:
			status = interface_block(file, &block);
			if (status)
				return status;
			break;
		}
		byte_stream_skip(file->stream, file->consumed);
		file->consumed = 0;
	}
	return status;
}

const struct capture_format capture_pcapng = {.open = pcapng_open, .next = pcapng_next};
