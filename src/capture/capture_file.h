/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Capture files: pcap and pcapng, either byte order, any resolution of time, also compressed with
 * gzip, from a file or a pipe. Our own reader because libpcap's gives up on a pcapng file whose
 * interfaces differ in link type or resolution, which files from several interfaces do.
 */
#ifndef METRO_CAPTURE_FILE_H
#define METRO_CAPTURE_FILE_H

#include "packet.h"

struct capture_file;

/* Which way a packet went at the interface, a set; on the loopback interface all go both ways. */
enum captured_way { CAPTURED_UNKNOWN, CAPTURED_ARRIVED = 1, CAPTURED_LEFT = 2 };

struct captured {
	__u64 number;    /* from 1, as Wireshark counts: whatever it shows as a frame */
	__u64 time_ns;   /* since 1970 */
	bool timed;      /* false: the file does not say when */
	int link_type;   /* LINKTYPE_* of the file */
	__u32 interface; /* its number in the section of a pcapng file, or 0 */
	__u32 length;    /* bytes captured */
	__u32 wire_length;
	unsigned int way; /* as its pcapng block says; captured_way reads cooked headers, too */
	const __u8 *bytes;
};

/* Which way a packet went, by its file or its cooked header: a set of enum captured_way. */
unsigned int captured_way(const struct captured *packet);

/* What messages call it: the path, or "standard input" for "-". */
const char *capture_file_name(const char *path);

/* Opens a path, or standard input for "-", and reads nothing; the path is borrowed. Returns 0, or
 * -errno after writing a sentence about it to reason, which is borrowed until the next call. */
int capture_file_new(struct capture_file **file, const char *path, char *reason,
		     size_t reason_size);

/* Between the two: has a thread inflate ahead, if it is a file, compressed, and there is a
 * processor for that. Without one it is read all the same. */
void capture_file_read_ahead(struct capture_file *file);

/* Reads enough to know what kind of file it is. Returns as capture_file_new. */
int capture_file_begin(struct capture_file *file);

/* Both of them. */
int capture_file_open(struct capture_file **file, const char *path, char *reason,
		      size_t reason_size);

/* The next packet; its bytes are valid until the next call. Returns 1, 0 at the end, -EAGAIN if it
 * has not come yet (it is a pipe: ask again), -EINTR every 16 MiB of data (ask again after looking
 * for other work: a few compressed kilobytes may take seconds), or another -errno after writing a
 * sentence about the damage to reason: then there is nothing more to be read. What can be left out
 * is left out with a warning. */
int capture_file_next(struct capture_file *file, struct captured *packet, char *reason,
		      size_t reason_size);

/* For a pipe and the like, a descriptor that is readable when there is more; -1 for a file. */
int capture_file_fd(const struct capture_file *file);

/* How much of a file has been read, compressed or not, from 0 to 1; negative: nobody knows. */
double capture_file_share(const struct capture_file *file);

void capture_file_close(struct capture_file *file);

#endif
