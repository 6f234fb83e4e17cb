/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capture files made byte by byte, in both byte orders, and what the reader makes of them. Include
 * after cmocka.h. */
#ifndef METRO_TEST_CAPTURE_BYTES_H
#define METRO_TEST_CAPTURE_BYTES_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture_file.h"

#define LINK_TYPE_ETHERNET 1
#define LINK_TYPE_RAW      101

struct bytes {
	bool swapped; /* write numbers in the other byte order */
	size_t size;
	__u8 at[65536];
};

static inline void put(struct bytes *b, const void *data, size_t size)
{
	assert_true(b->size + size <= sizeof(b->at));
	memcpy(b->at + b->size, data, size);
	b->size += size;
}

static inline void put16(struct bytes *b, __u16 v)
{
	v = b->swapped ? __builtin_bswap16(v) : v;
	put(b, &v, sizeof(v));
}

static inline void put32(struct bytes *b, __u32 v)
{
	v = b->swapped ? __builtin_bswap32(v) : v;
	put(b, &v, sizeof(v));
}

/* ---- pcap ---- */

static inline void pcap_header(struct bytes *b, __u32 magic, __u16 minor, __u32 link_type)
{
	put32(b, magic);
	put16(b, 2);
	put16(b, minor);
	put32(b, 0);
	put32(b, 0);
	put32(b, 65535);
	put32(b, link_type);
}

static inline void pcap_packet(struct bytes *b, __u32 seconds, __u32 units, __u32 length,
			       __u32 wire)
{
	static const __u8 data[64] = {1, 2, 3};

	put32(b, seconds);
	put32(b, units);
	put32(b, length);
	put32(b, wire);
	put(b, data, length < sizeof(data) ? length : sizeof(data));
}

/* ---- pcapng ---- */

static inline size_t block_begin(struct bytes *b, __u32 type)
{
	put32(b, type);
	put32(b, 0);
	return b->size;
}

static inline void block_end(struct bytes *b, size_t body)
{
	__u32 length = (__u32)(b->size - body + 12);

	put32(b, length);
	length = b->swapped ? __builtin_bswap32(length) : length;
	memcpy(b->at + body - 4, &length, sizeof(length));
}

static inline void ng_section_of(struct bytes *b, __u16 major, __u16 minor)
{
	size_t body = block_begin(b, 0x0a0d0d0a);

	put32(b, 0x1a2b3c4d);
	put16(b, major);
	put16(b, minor);
	put32(b, 0xffffffff);
	put32(b, 0xffffffff);
	block_end(b, body);
}

static inline void ng_section(struct bytes *b)
{
	ng_section_of(b, 1, 0);
}

/* A block of any other type, its size a multiple of four. */
static inline void ng_other(struct bytes *b, __u32 type, size_t size)
{
	static const __u8 data[64] = {1};
	size_t body = block_begin(b, type);

	put(b, data, size);
	block_end(b, body);
}

/* resolution: if_tsresol; offset_s: if_tsoffset; 0 leaves the option out. */
static inline void ng_interface(struct bytes *b, __u16 link_type, __u8 resolution, __u32 offset_s)
{
	size_t body = block_begin(b, 1);
	__u8 value[4] = {resolution};

	put16(b, link_type);
	put16(b, 0);
	put32(b, 48); /* snaplen */
	if (resolution) {
		put16(b, 9);
		put16(b, 1);
		put(b, value, sizeof(value));
	}
	if (offset_s) {
		bool big = b->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

		put16(b, 14);
		put16(b, 8);
		put32(b, big ? 0 : offset_s);
		put32(b, big ? offset_s : 0);
	}
	put32(b, 0);
	block_end(b, body);
}

static inline void ng_packet(struct bytes *b, __u32 interface, __u64 units, __u32 length)
{
	static const __u8 data[64] = {9, 8, 7};
	size_t body = block_begin(b, 6);

	put32(b, interface);
	put32(b, (__u32)(units >> 32));
	put32(b, (__u32)units);
	put32(b, length);
	put32(b, length + 1000);
	put(b, data, (length + 3) & ~3u);
	block_end(b, body);
}

static inline void ng_simple(struct bytes *b, __u32 wire)
{
	static const __u8 data[48];
	size_t body = block_begin(b, 3);

	put32(b, wire);
	put(b, data, wire < sizeof(data) ? (wire + 3) & ~3u : sizeof(data));
	block_end(b, body);
}

/* ---- reading ---- */

static char path[] = "/tmp/metro-test-capture-XXXXXX";
static char reason[256];
static bool ahead; /* have files read by two threads */

static inline void write_bytes(const void *bytes, size_t size)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(out);
}

/* NULL, and a reason, if it cannot be opened. */
static inline struct capture_file *open_path(const char *name)
{
	struct capture_file *file = NULL;

	reason[0] = '\0';
	if (!ahead)
		return capture_file_open(&file, name, reason, sizeof(reason)) ? NULL : file;
	if (capture_file_new(&file, name, reason, sizeof(reason)))
		return NULL;
	capture_file_read_ahead(file);
	if (!capture_file_begin(file))
		return file;
	capture_file_close(file);
	return NULL;
}

static inline struct capture_file *open_bytes(const struct bytes *b)
{
	write_bytes(b->at, b->size);
	return open_path(path);
}

static inline int next(struct capture_file *file, struct captured *packet)
{
	int status;

	do
		status = capture_file_next(file, packet, reason, sizeof(reason));
	while (status == -EINTR);
	return status;
}

/* Reads to the end, which status tells. Returns how many packets there were. */
static inline __u64 count_packets(struct capture_file *file, int *status)
{
	struct captured packet;
	__u64 count = 0;

	while ((*status = next(file, &packet)) == 1)
		count++;
	return count;
}

/* There is nothing more than this mistake. */
static inline void assert_mistake(struct capture_file *file, const char *expected)
{
	struct captured packet;

	assert_int_equal(next(file, &packet), -EBADMSG);
	assert_string_equal(reason, expected);
	capture_file_close(file);
}

static inline void assert_packet(struct capture_file *file, __u64 number, __u64 time_ns,
				 int link_type, __u32 length, __u32 wire)
{
	struct captured packet;

	assert_int_equal(next(file, &packet), 1);
	assert_int_equal(packet.number, number);
	assert_true(packet.timed);
	assert_int_equal(packet.time_ns, time_ns);
	assert_int_equal(packet.link_type, link_type);
	assert_int_equal(packet.length, length);
	assert_int_equal(packet.wire_length, wire);
}

static inline void assert_end(struct capture_file *file)
{
	struct captured packet;

	assert_int_equal(next(file, &packet), 0);
	capture_file_close(file);
}

/* With a temporary file at path. */
#define run_capture_tests(name, tests)                                                             \
	({                                                                                         \
		int fd_, status_ = 1;                                                              \
                                                                                                   \
		memset(path + sizeof(path) - 7, 'X', 6); /* again */                               \
		fd_ = mkstemp(path);                                                               \
                                                                                                   \
		if (fd_ >= 0) {                                                                    \
			close(fd_);                                                                \
			status_ = cmocka_run_group_tests_name(name, tests, NULL, NULL);            \
			unlink(path);                                                              \
		}                                                                                  \
		status_;                                                                           \
	})

#endif
