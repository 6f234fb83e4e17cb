/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The capture reader against files made here byte by byte, in both byte orders. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "capture_file.h"

#define LINK_TYPE_ETHERNET 1
#define LINK_TYPE_RAW      101

struct bytes {
	bool swapped; /* write numbers in the other byte order */
	size_t size;
	__u8 at[65536];
};

static void put(struct bytes *b, const void *data, size_t size)
{
	assert_true(b->size + size <= sizeof(b->at));
	memcpy(b->at + b->size, data, size);
	b->size += size;
}

static void put16(struct bytes *b, __u16 v)
{
	v = b->swapped ? __builtin_bswap16(v) : v;
	put(b, &v, sizeof(v));
}

static void put32(struct bytes *b, __u32 v)
{
	v = b->swapped ? __builtin_bswap32(v) : v;
	put(b, &v, sizeof(v));
}

/* ---- pcap ---- */

static void pcap_header(struct bytes *b, __u32 magic, __u16 minor, __u32 link_type)
{
	put32(b, magic);
	put16(b, 2);
	put16(b, minor);
	put32(b, 0);
	put32(b, 0);
	put32(b, 65535);
	put32(b, link_type);
}

static void pcap_packet(struct bytes *b, __u32 seconds, __u32 units, __u32 length, __u32 wire)
{
	static const __u8 data[64] = {1, 2, 3};

	put32(b, seconds);
	put32(b, units);
	put32(b, length);
	put32(b, wire);
	put(b, data, length < sizeof(data) ? length : sizeof(data));
}

/* ---- pcapng ---- */

static size_t block_begin(struct bytes *b, __u32 type)
{
	put32(b, type);
	put32(b, 0);
	return b->size;
}

static void block_end(struct bytes *b, size_t body)
{
	__u32 length = (__u32)(b->size - body + 12);

	put32(b, length);
	length = b->swapped ? __builtin_bswap32(length) : length;
	memcpy(b->at + body - 4, &length, sizeof(length));
}

static void ng_section(struct bytes *b)
{
	size_t body = block_begin(b, 0x0a0d0d0a);

	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put32(b, 0xffffffff);
	put32(b, 0xffffffff);
	block_end(b, body);
}

/* resolution: if_tsresol; offset_s: if_tsoffset; 0 leaves the option out. */
static void ng_interface(struct bytes *b, __u16 link_type, __u8 resolution, __u32 offset_s)
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

static void ng_packet(struct bytes *b, __u32 interface, __u64 units, __u32 length)
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

static void ng_simple(struct bytes *b, __u32 wire)
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

static struct capture_file *open_bytes(const struct bytes *b)
{
	struct capture_file *file = NULL;
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(b->at, 1, b->size, out), b->size);
	fclose(out);
	reason[0] = '\0';
	return capture_file_open(&file, path, reason, sizeof(reason)) ? NULL : file;
}

static int next(struct capture_file *file, struct captured *packet)
{
	return capture_file_next(file, packet, reason, sizeof(reason));
}

static void assert_packet(struct capture_file *file, __u64 number, __u64 time_ns, int link_type,
			  __u32 length, __u32 wire)
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

static void assert_end(struct capture_file *file)
{
	struct captured packet;

	assert_int_equal(next(file, &packet), 0);
	capture_file_close(file);
}

static void test_pcap_kinds(void **state)
{
	static const struct {
		__u32 magic;
		__u64 unit_ns;
	} kinds[] = {{0xa1b2c3d4, 1000}, {0xa1b23c4d, 1}};

	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		for (int kind = 0; kind < 2; kind++) {
			struct bytes b = {.swapped = swapped};
			struct capture_file *file;

			pcap_header(&b, kinds[kind].magic, 4, 0xf0000000 | LINK_TYPE_RAW);
			pcap_packet(&b, 0, 0, 20, 20); /* a clock that starts in 1970 */
			pcap_packet(&b, 1700000000, 123456, 40, 1500);
			file = open_bytes(&b);
			assert_non_null(file);
			assert_packet(file, 1, 0, LINK_TYPE_RAW, 20, 20);
			assert_packet(file, 2, 1700000000000000000 + 123456 * kinds[kind].unit_ns,
				      LINK_TYPE_RAW, 40, 1500);
			assert_end(file);
		}
	}
}

/* In old files the two lengths stand the other way round. */
static void test_pcap_old_version(void **state)
{
	struct bytes b = {};
	struct capture_file *file;

	(void)state;
	pcap_header(&b, 0xa1b2c3d4, 3, LINK_TYPE_ETHERNET);
	put32(&b, 1);
	put32(&b, 2);
	put32(&b, 1500); /* on the wire */
	put32(&b, 4);
	put(&b, "abcd", 4);
	file = open_bytes(&b);
	assert_packet(file, 1, 1000002000, LINK_TYPE_ETHERNET, 4, 1500);
	assert_end(file);
}

static void test_ng_interfaces_differ(void **state)
{
	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		struct bytes b = {.swapped = swapped};
		struct capture_file *file;

		ng_section(&b);
		ng_interface(&b, LINK_TYPE_ETHERNET, 0, 0);
		ng_interface(&b, LINK_TYPE_RAW, 9, 100);
		ng_interface(&b, LINK_TYPE_RAW, 0x80 | 20, 0); /* 2^-20 s */
		ng_packet(&b, 0, 5000001, 30);
		ng_packet(&b, 1, 7000000003, 31);
		ng_packet(&b, 2, (3ull << 20) + (1 << 19), 32);
		ng_section(&b); /* interfaces are counted anew */
		ng_interface(&b, LINK_TYPE_RAW, 3, 0);
		ng_packet(&b, 0, 2500, 33);
		file = open_bytes(&b);
		assert_non_null(file);
		assert_packet(file, 1, 5000001000, LINK_TYPE_ETHERNET, 30, 1030);
		assert_packet(file, 2, 107000000003, LINK_TYPE_RAW, 31, 1031);
		assert_packet(file, 3, 3500000000, LINK_TYPE_RAW, 32, 1032);
		assert_packet(file, 4, 2500000000, LINK_TYPE_RAW, 33, 1033);
		assert_end(file);
	}
}

/* Simple packets have no time, and no length of their own beyond the interface's snaplen. */
static void test_ng_simple_packets(void **state)
{
	struct bytes b = {};
	struct capture_file *file;
	struct captured packet;

	(void)state;
	ng_section(&b);
	ng_interface(&b, LINK_TYPE_ETHERNET, 0, 0);
	ng_simple(&b, 1500);
	file = open_bytes(&b);
	assert_int_equal(next(file, &packet), 1);
	assert_false(packet.timed);
	assert_int_equal(packet.length, 48);
	assert_int_equal(packet.wire_length, 1500);
	assert_end(file);
}

/* Whatever is cut off, the packets before it are read, and the message names the one that is not.
 */
static void test_cut_anywhere(void **state)
{
	struct bytes whole = {}, cut = {};
	size_t header, each;

	(void)state;
	pcap_header(&whole, 0xa1b2c3d4, 4, LINK_TYPE_RAW);
	header = whole.size;
	for (__u32 i = 0; i < 3; i++)
		pcap_packet(&whole, i, 0, 24, 24);
	each = (whole.size - header) / 3;
	for (size_t size = header; size < whole.size; size++) {
		__u64 complete = (size - header) / each, got = 0;
		struct capture_file *file;
		struct captured packet;
		char expected[32];
		int status;

		cut = whole;
		cut.size = size;
		file = open_bytes(&cut);
		assert_non_null(file);
		while ((status = next(file, &packet)) == 1)
			got++;
		assert_int_equal(got, complete);
		assert_int_equal(status, (size - header) % each ? -EBADMSG : 0);
		snprintf(expected, sizeof(expected), "packet %llu: ", complete + 1);
		if (status)
			assert_int_equal(strncmp(reason, expected, strlen(expected)), 0);
		capture_file_close(file);
	}
}

static void test_damage(void **state)
{
	struct bytes huge = {}, stranger = {}, short_block = {};
	struct capture_file *file;
	struct captured packet;

	(void)state;
	pcap_header(&huge, 0xa1b2c3d4, 4, LINK_TYPE_RAW);
	pcap_packet(&huge, 0, 0, 0x7fffffff, 1);
	file = open_bytes(&huge);
	assert_int_equal(next(file, &packet), -EBADMSG);
	assert_string_equal(reason, "packet 1: claims to have 2147483647 bytes");
	capture_file_close(file);

	ng_section(&stranger);
	ng_packet(&stranger, 3, 0, 8);
	file = open_bytes(&stranger);
	assert_int_equal(next(file, &packet), -EBADMSG);
	assert_string_equal(reason, "packet 1: of interface 3, of which there are 0");
	capture_file_close(file);

	ng_section(&short_block);
	put32(&short_block, 6);
	put32(&short_block, 4);
	file = open_bytes(&short_block);
	assert_int_equal(next(file, &packet), -EBADMSG);
	assert_string_equal(reason, "packet 1: a block claims to have 4 bytes");
	capture_file_close(file);
}

static void test_not_a_capture(void **state)
{
	struct bytes text = {}, empty = {};

	(void)state;
	put(&text, "hello, world", 12);
	assert_null(open_bytes(&text));
	assert_string_equal(reason, "neither a pcap nor a pcapng capture file");
	assert_null(open_bytes(&empty));
	assert_string_equal(reason, "neither a pcap nor a pcapng capture file");
	unlink(path);
	struct capture_file *file;
	assert_int_equal(capture_file_open(&file, path, reason, sizeof(reason)), -ENOENT);
	assert_string_equal(reason, "No such file or directory");
}

/* Compressed, and larger than the pieces that are read at a time. */
static void test_gzip(void **state)
{
	struct bytes header = {}, packet = {};
	struct capture_file *file = NULL;
	struct captured captured;
	gzFile out = gzopen(path, "wb");
	__u64 count = 0;

	(void)state;
	pcap_header(&header, 0xa1b2c3d4, 4, LINK_TYPE_RAW);
	gzwrite(out, header.at, header.size);
	pcap_packet(&packet, 7, 0, 60, 60);
	for (int i = 0; i < 20000; i++)
		gzwrite(out, packet.at, packet.size);
	gzclose(out);
	assert_int_equal(capture_file_open(&file, path, reason, sizeof(reason)), 0);
	while (next(file, &captured) == 1) {
		count++;
		assert_int_equal(captured.bytes[0], 1);
		assert_int_equal(captured.time_ns, 7000000000);
	}
	assert_int_equal(count, 20000);
	capture_file_close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap_kinds),
		cmocka_unit_test(test_pcap_old_version),
		cmocka_unit_test(test_ng_interfaces_differ),
		cmocka_unit_test(test_ng_simple_packets),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_not_a_capture),
		cmocka_unit_test(test_gzip),
	};
	int fd = mkstemp(path), status;

	if (fd < 0)
		return 1;
	close(fd);
	status = cmocka_run_group_tests_name("capture_file", tests, NULL, NULL);
	unlink(path);
	return status;
}
