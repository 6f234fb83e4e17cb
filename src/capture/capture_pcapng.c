/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The format of blocks: draft-ietf-opsawg-pcapng. */
#include "capture_format.h"
#include "log.h"

#include <errno.h>
#include <string.h>

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_ENHANCED_PACKET = 6,
	BLOCK_JOURNAL = 9,
	BLOCK_SYSDIG_EVENT = 0x204,
	BLOCK_SYSDIG_EVENT_2 = 0x216,
	BLOCK_SYSDIG_EVENT_2_LARGE = 0x221,
	BLOCK_CUSTOM = 0xbad,
	BLOCK_CUSTOM_NOT_COPIED = 0x40000bad,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define BLOCK_FRAME      12 /* type, length, and length again at the end */
#define BLOCK_BODY       8  /* where the contents begin */
#define BLOCK_TRAILER    4
#define BLOCK_MAX        (CAPTURE_RECORD_MAX + 65536u) /* of those that are read as a whole */
#define PASS_PIECE       65536u

enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };
enum { OPTION_PACKET_FLAGS = 2, FLAGS_WAY = 3 }; /* of a packet: 1 is inbound, 2 outbound */

struct block {
	__u32 type;
	__u32 length; /* of the whole block, as its start says */
	const __u8 *body;
	__u32 size; /* of the body */
};

/* Does Wireshark show blocks of this type as frames, and number them, though they are no packets?
 * Tried on Wireshark 4.0.17 with one block of each type. */
static bool is_other_frame(__u32 type)
{
	switch (type) {
	case BLOCK_JOURNAL:
	case BLOCK_SYSDIG_EVENT:
	case BLOCK_SYSDIG_EVENT_2:
	case BLOCK_SYSDIG_EVENT_2_LARGE:
	case BLOCK_CUSTOM:
	case BLOCK_CUSTOM_NOT_COPIED:
		return true;
	default:
		return false;
	}
}

static bool is_read(__u32 type)
{
	return type == BLOCK_SECTION || type == BLOCK_INTERFACE || type == BLOCK_PACKET ||
	       type == BLOCK_SIMPLE_PACKET || type == BLOCK_ENHANCED_PACKET;
}

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
	return capture_damaged(file, "damaged section header: it has no byte order");
}

/* The type and the length of the next block. */
static int block_begin(struct capture_file *file, struct block *block)
{
	const __u8 *bytes;
	int status = capture_need(file, BLOCK_BODY, "a block's header", &bytes);

	if (status != 1)
		return status;
	block->type = capture_u32(file, bytes);
	if (block->type == BLOCK_SECTION) {
		status = section_order(file);
		if (status != 1)
			return status;
		status = capture_need(file, BLOCK_BODY, "a block's header", &bytes);
	}
	block->length = capture_u32(file, bytes + 4);
	if (block->length < BLOCK_FRAME || (is_read(block->type) && block->length > BLOCK_MAX))
		return capture_damaged(file, "damaged block: it claims to have %u bytes",
				       block->length);
	return status;
}

/* A block repeats its length at its end: if the two differ, it is damaged. */
static int check_trailer(struct capture_file *file, __u64 at, __u32 length, const __u8 *trailer)
{
	__u32 again = capture_u32(file, trailer);

	if (likely(again == length))
		return 1;
	return capture_damaged(file,
			       "damaged block at byte %llu: its start says %u bytes, its end %u",
			       at, length, again);
}

/* Blocks are padded to four bytes. */
static __u64 padded(__u32 length)
{
	return ((__u64)length + 3) & ~3ull;
}

/* The next piece of a block that is skipped. */
static int pass_piece(struct capture_file *file, size_t size, const __u8 **bytes)
{
	int status = capture_need(file, size, "a block", bytes);

	if (status == 0)
		return capture_damaged(file, "the file ends in the middle of a block");
	if (status == 1)
		byte_stream_skip(file->stream, size);
	return status;
}

/* Goes on skipping a block piece by piece, so that little of it is in memory. */
static int block_pass(struct capture_file *file)
{
	struct capture_block_rest *rest = &file->rest;
	const __u8 *bytes;
	int status = 1;

	while (rest->bytes && status == 1) {
		__u64 most =
			rest->bytes > BLOCK_TRAILER ? rest->bytes - BLOCK_TRAILER : BLOCK_TRAILER;
		size_t piece = most < PASS_PIECE ? most : PASS_PIECE;

		if (capture_pauses(file))
			return -EINTR;
		status = pass_piece(file, piece, &bytes);
		if (status == 1)
			rest->bytes -= piece;
	}
	if (status == 1)
		status = check_trailer(file, rest->at, rest->length, bytes);
	if (status == 1)
		file->frames += rest->is_frame;
	return status;
}

static int block_pass_begin(struct capture_file *file, const struct block *block)
{
	file->rest = (struct capture_block_rest){
		.at = byte_stream_at(file->stream),
		.length = block->length,
		.bytes = padded(block->length) - BLOCK_BODY,
		.is_frame = is_other_frame(block->type),
	};
	byte_stream_skip(file->stream, BLOCK_BODY);
	return block_pass(file);
}

/* Makes all of the block available. It is skipped over with the next call of capture_file_next, or
 * by the caller. */
static int block_read(struct capture_file *file, struct block *block)
{
	__u32 length = (__u32)padded(block->length);
	const __u8 *bytes;
	int status = capture_need(file, length, "a block", &bytes);

	if (status != 1)
		return status;
	block->body = bytes + BLOCK_BODY;
	block->size = length - BLOCK_FRAME;
	file->consumed = length;
	return check_trailer(file, byte_stream_at(file->stream), block->length,
			     bytes + length - BLOCK_TRAILER);
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

static void interface_options(const struct capture_file *file, const __u8 *at, const __u8 *end,
			      struct capture_interface *interface)
{
	while (end - at >= 4) {
		__u16 code = capture_u16(file, at), length = capture_u16(file, at + 2);

		at += 4;
		if (code == OPTION_END || length > end - at)
			break;
		if (code == OPTION_TSRESOL && length >= 1) {
			interface->units_per_s = resolution(at[0]);
			interface->resolution = at[0];
		} else if (code == OPTION_TSOFFSET && length == 8) {
			__u64 words[2] = {capture_u32(file, at), capture_u32(file, at + 4)};
			bool low_first = file->swapped == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);

			interface->offset_s = (__s64)(words[low_first] << 32 | words[!low_first]);
		}
		if (((length + 3) & ~3) > end - at)
			break;
		at += (length + 3) & ~3;
	}
}

/* Each section counts its interfaces from 0. Minor version 2 is the same as 0. */
static int section_block(struct capture_file *file, const struct block *block)
{
	__u16 major, minor;

	if (block->size < 16)
		return capture_damaged(file, "damaged section block: it has only %u bytes",
				       block->size);
	major = capture_u16(file, block->body + 4);
	minor = capture_u16(file, block->body + 6);
	if (major != 1 || (minor != 0 && minor != 2))
		return capture_damaged(file,
				       "the section at byte %llu has pcapng version %u.%u; only "
				       "1.0 and 1.2 can be read",
				       byte_stream_at(file->stream), major, minor);
	file->interfaces_count = 0;
	return 0;
}

static int interface_block(struct capture_file *file, const struct block *block)
{
	struct capture_interface interface = {.units_per_s = 1000000};

	if (block->size < 8)
		return capture_damaged(file, "damaged interface block: it has only %u bytes",
				       block->size);
	interface.link_type = capture_u16(file, block->body);
	interface.snaplen = capture_u32(file, block->body + 4);
	interface_options(file, block->body + 8, block->body + block->size, &interface);
	return capture_add_interface(file, &interface);
}

/* What the options behind a packet say of its way. The bytes come from anyone: what does not fit
 * says nothing. */
static enum captured_way packet_way(const struct capture_file *file, const __u8 *at,
				    const __u8 *end)
{
	while (end - at >= 4) {
		__u16 code = capture_u16(file, at), length = capture_u16(file, at + 2);

		at += 4;
		if (code == OPTION_END || padded(length) > (__u64)(end - at))
			break;
		if (code == OPTION_PACKET_FLAGS && length == 4) {
			__u32 way = capture_u32(file, at) & FLAGS_WAY;

			return way == 1   ? CAPTURED_ARRIVED
			       : way == 2 ? CAPTURED_LEFT
					  : CAPTURED_UNKNOWN;
		}
		at += padded(length);
	}
	return CAPTURED_UNKNOWN;
}

static int packet_fill(struct capture_file *file, const struct block *block, __u32 number,
		       __u32 header, struct captured *packet)
{
	const struct capture_interface *interface;
	__u64 options;

	if (number >= file->interfaces_count)
		return capture_damaged(
			file,
			"is damaged: it is of interface %u, and the file describes %zu, from 0 on",
			number, file->interfaces_count);
	interface = &file->interfaces[number];
	if (packet->length > block->size - header)
		return capture_damaged(file, "is damaged: it claims %u bytes in a block of %u",
				       packet->length, block->size);
	packet->timed = block->type != BLOCK_SIMPLE_PACKET;
	packet->link_type = interface->link_type;
	packet->interface = number;
	packet->bytes = block->body + header;
	packet->way = CAPTURED_UNKNOWN;
	options = header + padded(packet->length);
	if (packet->timed && options < block->size)
		packet->way = packet_way(file, block->body + options, block->body + block->size);
	return 1;
}

/* Said once; Wireshark shows such packets with times that mean nothing. */
static void tell_timeless(struct capture_file *file, __u32 number)
{
	if (!file->told_timeless)
		log_warning("%s: packet %llu: interface %u has an impossible time resolution "
			    "(if_tsresol %u); packets of such interfaces are left out",
			    file->name, file->frames + 1, number,
			    file->interfaces[number].resolution);
	file->told_timeless = true;
}

/* Returns 1, 0 if the packet is to be left out, or -EBADMSG. */
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
	if (status != 1)
		return status;
	if (unlikely(!file->interfaces[number].units_per_s)) {
		tell_timeless(file, number);
		file->frames++;
		return 0;
	}
	packet->time_ns =
		capture_time(&file->interfaces[number], (__u64)capture_u32(file, body + 4) << 32 |
								capture_u32(file, body + 8));
	return 1;
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

/* Returns 1 with a packet, 0 if there is none in this block, or -errno. */
static int block_take(struct capture_file *file, const struct block *block, struct captured *packet)
{
	switch (block->type) {
	case BLOCK_PACKET:
	case BLOCK_ENHANCED_PACKET:
		return timed_packet(file, block, packet);
	case BLOCK_SIMPLE_PACKET:
		return simple_packet(file, block, packet);
	case BLOCK_SECTION:
		return section_block(file, block);
	default:
		return interface_block(file, block);
	}
}

static int pcapng_open(struct capture_file *file, const __u8 *magic)
{
	return capture_u32(file, magic) == BLOCK_SECTION;
}

/* As block_take, for the next block, whatever it is; *more becomes false at the end of the file. */
static int next_block(struct capture_file *file, struct captured *packet, bool *more)
{
	struct block block;
	int status = block_begin(file, &block);

	*more = status != 0;
	if (status != 1)
		return status;
	if (!is_read(block.type)) {
		status = block_pass_begin(file, &block);
		return status == 1 ? 0 : status;
	}
	status = block_read(file, &block);
	if (status == 1)
		status = block_take(file, &block, packet);
	if (status == 0) {
		byte_stream_skip(file->stream, file->consumed);
		file->consumed = 0;
	}
	return status;
}

static int pcapng_next(struct capture_file *file, struct captured *packet)
{
	bool more = true;
	int status = 0;

	if (unlikely(file->rest.bytes)) {
		status = block_pass(file);
		status = status == 1 ? 0 : status;
	}
	while (status == 0 && more)
		status = capture_pauses(file) ? -EINTR : next_block(file, packet, &more);
	return status;
}

const struct capture_format capture_pcapng = {.open = pcapng_open, .next = pcapng_next};
