/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the readers of the two capture formats share, below capture_file.h. */
#ifndef METRO_CAPTURE_FORMAT_H
#define METRO_CAPTURE_FORMAT_H

#include "byte_stream.h"
#include "capture_file.h"

#include <stdarg.h>
#include <string.h>

/* A record of more bytes than this is damage, not data: GSO packets stay below it by far. */
#define CAPTURE_RECORD_MAX (16u * 1024 * 1024)

/* Interfaces of a section. The blocks that describe them compress well: a megabyte can hold fifty
 * million. */
#define CAPTURE_INTERFACES_MAX 65536

struct capture_interface {
	int link_type;
	__u32 snaplen;
	__u64 units_per_s; /* of its time stamps; 0: it has an impossible resolution */
	__u64 unit_ns;     /* the length of one, or 0 if that is no whole number */
	__u8 resolution;   /* as pcapng encodes it */
	__s64 offset_s;    /* added to its time stamps */
};

/* pcapng: the rest of a block that is skipped. */
struct capture_block_rest {
	__u64 at;      /* where it began */
	__u64 bytes;   /* still to be skipped; 0: none */
	__u32 length;  /* of all of it */
	bool is_frame; /* it counts as a frame */
};

struct capture_file {
	const char *name; /* for messages */
	struct byte_stream *stream;
	const struct capture_format *format; /* NULL: not known yet */
	bool swapped;                        /* the other byte order than this machine's */
	__u64 frames;                        /* read so far */
	char *reason;                        /* where to write what is wrong */
	size_t reason_size;

	struct capture_interface *interfaces; /* of the pcapng section; one for pcap */
	size_t interfaces_count;
	size_t interfaces_room;
	bool told_timeless;   /* the warning about an impossible time resolution was given */
	size_t record_header; /* pcap: bytes in front of a packet */
	bool lengths_swapped; /* pcap before version 2.3 */
	size_t consumed;      /* bytes of the last packet, to be skipped */
	struct capture_block_rest rest;
	__u64 pause_at; /* position in the data at which to return without a packet */
};

/* A few compressed megabytes can hold gigabytes of blocks to skip, or of zeros in packets: 4 GB
 * took 20 s. This much takes 0.1 s. */
#define CAPTURE_PAUSE (16u * 1024 * 1024)

/* Is it time to return with -EINTR? True once each time. */
static inline bool capture_pauses(struct capture_file *file)
{
	__u64 at = byte_stream_at(file->stream);

	if (likely(at < file->pause_at))
		return false;
	file->pause_at = at + CAPTURE_PAUSE;
	return true;
}

#define CAPTURE_MAGIC 4 /* bytes by which a format is recognised */

struct capture_format {
	/* Reads the file's header if it is of this format. Returns 1, 0 if not, -EAGAIN if it has
	 * not come yet, another -errno if it is damaged. */
	int (*open)(struct capture_file *file, const __u8 *magic);
	/* As capture_file_next. */
	int (*next)(struct capture_file *file, struct captured *packet);
};

extern const struct capture_format capture_pcap, capture_pcapng;

/* Numbers of the file in this machine's order. */
static inline __u16 capture_u16(const struct capture_file *file, const __u8 *bytes)
{
	__u16 value;

	memcpy(&value, bytes, sizeof(value));
	return file->swapped ? __builtin_bswap16(value) : value;
}

static inline __u32 capture_u32(const struct capture_file *file, const __u8 *bytes)
{
	__u32 value;

	memcpy(&value, bytes, sizeof(value));
	return file->swapped ? __builtin_bswap32(value) : value;
}

/* In ns since 1970. */
__u64 capture_time(const struct capture_interface *interface, __u64 units);

/* Writes the reason, in front of it the number of the packet that could not be read, and returns
 * -EBADMSG. */
int capture_damaged(struct capture_file *file, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What capture_need returns if only n < len bytes are there, or n is a negative errno. */
int capture_short(struct capture_file *file, long n, size_t len, const char *what);

/* As byte_stream_peek, but all or nothing: returns 1, 0 at the very end, -errno with a reason. */
static inline int capture_need(struct capture_file *file, size_t len, const char *what,
			       const __u8 **bytes)
{
	long n = byte_stream_peek(file->stream, len, bytes);

	return likely(n == (long)len) ? 1 : capture_short(file, n, len, what);
}

/* Adds an interface; returns 0 or -errno with a reason. */
int capture_add_interface(struct capture_file *file, const struct capture_interface *interface);

#endif
