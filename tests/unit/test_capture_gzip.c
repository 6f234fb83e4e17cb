/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compressed captures, and every way in which they come damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include <cmocka.h>

#include "array.h"
#include "capture.h"
#include "capture_bytes.h"

#define PACKETS 300
#define LENGTH  60
#define HEADER  24 /* of the file */
#define EACH    (16 + LENGTH)
#define RAW     (HEADER + PACKETS * EACH)
#define ROOM    (2 * RAW)
#define TRAILER 8 /* CRC and length */

static __u8 raw[RAW], zipped[ROOM], damaged[2 * ROOM];
static size_t zipped_size;

/* Packets whose contents compress a little, so that all of deflate has a part in it. */
static void make_raw(void)
{
	struct bytes b = {};

	pcap_header(&b, 0xa1b2c3d4, 4, LINK_TYPE_RAW);
	for (__u32 i = 0; i < PACKETS; i++)
		pcap_packet(&b, i, 0, LENGTH, LENGTH);
	assert_int_equal(b.size, RAW);
	memcpy(raw, b.at, RAW);
	srand(1);
	for (size_t i = 0; i < PACKETS; i++)
		for (size_t j = 16; j < EACH; j++)
			raw[HEADER + i * EACH + j] = (__u8)(rand() % 20);
}

/* Returns the size. Up to *middle, if that is asked for, is the first half of the data, and from
 * there on nothing depends on it. */
static size_t zip_halves(const void *data, size_t size, int level, __u8 *to, size_t *middle)
{
	z_stream z = {.next_in = (__u8 *)data, .next_out = to, .avail_out = ROOM};

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	if (middle) {
		z.avail_in = size / 2;
		assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
		*middle = z.total_out;
	}
	z.avail_in = size - z.total_in;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t zip(const void *data, size_t size, int level, __u8 *to)
{
	return zip_halves(data, size, level, to, NULL);
}

/* What zlib itself makes of the beginning of a compressed file. */
static size_t inflates_to(const __u8 *data, size_t size)
{
	static __u8 out[ROOM];
	z_stream z = {
		.next_in = (__u8 *)data, .avail_in = size, .next_out = out, .avail_out = ROOM};

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
	return ROOM - z.avail_out;
}

/* Returns how many packets the file has, or 0 if it cannot be opened. */
static __u64 read_file(const void *data, size_t size, int *status)
{
	struct capture_file *file;
	__u64 packets;

	write_bytes(data, size);
	file = open_path(path);
	*status = -EBADMSG;
	if (!file)
		return 0;
	packets = count_packets(file, status);
	capture_file_close(file);
	return packets;
}

static void assert_reason(const char *expected)
{
	if (!strstr(reason, expected))
		fail_msg("\"%s\" is not in \"%s\"", expected, reason);
}

static int make_zipped(void **state)
{
	(void)state;
	make_raw();
	zipped_size = zip(raw, RAW, Z_DEFAULT_COMPRESSION, zipped);
	memcpy(damaged, zipped, zipped_size);
	return 0;
}

static void test_whole(void **state)
{
	int status;

	(void)state;
	for (int level = 0; level <= 9; level++) {
		assert_int_equal(read_file(damaged, zip(raw, RAW, level, damaged), &status),
				 PACKETS);
		assert_int_equal(status, 0);
	}
}

/* More, on both sides of the compression, than is read at a time; and every packet as it was. */
static void test_large(void **state)
{
	enum { TIMES = 60 };
	gzFile out = gzopen(path, "wb1");
	struct capture_file *file;
	struct captured packet;

	(void)state;
	gzwrite(out, raw, HEADER);
	for (int i = 0; i < TIMES; i++)
		gzwrite(out, raw + HEADER, RAW - HEADER);
	gzclose(out);
	file = open_path(path);
	for (size_t i = 0; i < TIMES * PACKETS; i++) {
		assert_int_equal(next(file, &packet), 1);
		assert_memory_equal(packet.bytes, raw + HEADER + i % PACKETS * EACH + 16, LENGTH);
	}
	assert_end(file);
}

/* Members are one file, wherever one ends. */
static void test_members(void **state)
{
	static const size_t places[] = {0, 1, 2, HEADER, HEADER + 8, HEADER + EACH, RAW - 1, RAW};
	int status;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t size = zip(raw, places[i], 6, damaged);

		size += zip("", 0, 6, damaged + size);
		size += zip(raw + places[i], RAW - places[i], 6, damaged + size);
		assert_int_equal(read_file(damaged, size, &status), PACKETS);
		assert_int_equal(status, 0);
	}
}

/* As gzip(1): zeros are padding, anything else is ignored with a warning. */
static void test_behind(void **state)
{
	static const struct {
		const char *bytes;
		size_t size, zeros;
		bool ignored;
	} cases[] = {
		{"", 0, 1, false},
		{"", 0, 1000, false},
		{"hello", 5, 0, true},
		{"hello", 5, 10, true},
		{"\x1f", 1, 3, true},
		{"\x1fhello", 6, 0, true},
		{"\x1f\x8b\x08", 3, 1, true},
	};
	struct capture capture;
	char expected[64];
	int status;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t size = zipped_size + cases[i].zeros;

		memset(damaged + zipped_size, 0, cases[i].zeros);
		memcpy(damaged + size, cases[i].bytes, cases[i].size);
		log_capture(&capture);
		assert_int_equal(read_file(damaged, size + cases[i].size, &status), PACKETS);
		assert_int_equal(status, 0);
		snprintf(expected, sizeof(expected), "from byte %zu on, is ignored", size);
		assert_int_equal(count_of(capture_read(&capture), expected), cases[i].ignored);
		assert_int_equal(count_of(capture_read(&capture), "WARNING"), cases[i].ignored);
		log_release(&capture);
	}
}

/* All that zlib can inflate of it is read, and the message says where it ends. */
static void test_cut(void **state)
{
	char expected[64];
	int status;

	(void)state;
	for (size_t size = 3; size < zipped_size; size += size + 40 < zipped_size ? 37 : 1) {
		size_t inflated = inflates_to(zipped, size);
		__u64 whole = inflated < HEADER ? 0 : (inflated - HEADER) / EACH;

		assert_int_equal(read_file(zipped, size, &status), whole);
		assert_int_equal(status, -EBADMSG);
		snprintf(expected, sizeof(expected), "the gzip data has been cut off at byte %zu",
			 size);
		assert_reason(expected);
	}
	/* In the beginning of another member. */
	for (size_t size = 1; size < 10; size++) {
		memcpy(damaged, zipped, zipped_size);
		memcpy(damaged + zipped_size, zipped, size);
		assert_int_equal(read_file(damaged, zipped_size + size, &status), PACKETS);
		assert_int_equal(status, -EBADMSG);
		assert_reason("cut off");
	}
}

static void test_trailer(void **state)
{
	int status;

	(void)state;
	for (size_t i = 0; i < TRAILER; i++) {
		damaged[zipped_size - TRAILER + i] ^= 0x10;
		assert_int_equal(read_file(damaged, zipped_size, &status), PACKETS);
		assert_int_equal(status, -EBADMSG);
		assert_reason(
			i < 4 ? "packet 301: the gzip data has a wrong checksum (CRC) at byte "
			      : "packet 301: the gzip data has a wrong length at byte ");
		assert_reason("packets before it may be damaged, too");
		damaged[zipped_size - TRAILER + i] ^= 0x10;
	}
}

/* A flipped bit in what was stored without compression is in a packet's contents. */
static void test_flip_in_packet(void **state)
{
	size_t size = zip(raw, RAW, 0, damaged);
	int status;

	(void)state;
	damaged[size / 2] ^= 1;
	assert_int_equal(read_file(damaged, size, &status), PACKETS);
	assert_int_equal(status, -EBADMSG);
	assert_reason("a wrong checksum (CRC)");
}

/* .. or in the length of a packet, and then the file makes no sense long before the checksum; or in
 * the file's own first bytes. */
static void test_flip_in_header(void **state)
{
	size_t size = zip(raw, RAW, 0, damaged), at = 0;
	int status;

	(void)state;
	while (memcmp(damaged + at, raw, HEADER))
		at++;
	damaged[at + HEADER + 100 * EACH + 11] ^= 0x40;
	assert_int_equal(read_file(damaged, size, &status), 100);
	assert_int_equal(status, -EBADMSG);
	assert_reason("packet 101: is damaged: it claims to have ");
	assert_reason("; the gzip data has a wrong checksum (CRC)");
	damaged[at] ^= 0x40;
	assert_int_equal(read_file(damaged, size, &status), 0);
	assert_reason("neither a pcap nor a pcapng capture file; the gzip data has a wrong "
		      "checksum (CRC)");
}

/* Every bit from the deflated data on matters: flip any, and the message mentions the compression.
 * Some bits of the ten bytes before, which hold time and system, do not matter. */
static void test_flip_anywhere(void **state)
{
	int status;

	(void)state;
	for (size_t i = 10; i < zipped_size; i += i + 20 < zipped_size && i > 40 ? 53 : 1) {
		int bit = 1 << (i % 8);

		damaged[i] ^= bit;
		read_file(damaged, zipped_size, &status);
		assert_int_equal(status, -EBADMSG);
		assert_reason("the gzip data has ");
		damaged[i] ^= bit;
	}
}

/* Everything that could be inflated before the damage is read, not just full buffers. */
static void test_before_damage(void **state)
{
	size_t middle, size = zip_halves(raw, RAW, 6, damaged, &middle);
	int status;

	(void)state;
	damaged[middle] = 7; /* the last block, of a type that does not exist */
	assert_int_equal(read_file(damaged, size, &status), (RAW / 2 - HEADER) / EACH);
	assert_int_equal(status, -EBADMSG);
	assert_reason("packet 150: the gzip data has invalid data (invalid block type) at byte ");
}

static void test_not_gzip(void **state)
{
	int status;

	(void)state;
	damaged[2] = 7;
	assert_int_equal(read_file(damaged, zipped_size, &status), 0);
	assert_reason("the gzip data has invalid data (unknown compression method)");
	assert_int_equal(read_file(damaged, zip("hello, world", 12, 6, damaged), &status), 0);
	assert_string_equal(reason, "neither a pcap nor a pcapng capture file");
	assert_int_equal(read_file(damaged, zip("", 0, 6, damaged), &status), 0);
	assert_string_equal(reason, "the file is empty");
}

/* Reads to the end. Returns how often the reader came back without a packet, for other work. */
static unsigned int count_pauses(__u64 packets)
{
	struct capture_file *file = open_path(path);
	struct captured packet;
	unsigned int pauses = 0;
	int status;

	do {
		status = capture_file_next(file, &packet, reason, sizeof(reason));
		pauses += status == -EINTR;
		packets -= status == 1;
	} while (status == 1 || status == -EINTR);
	assert_int_equal(status, 0);
	assert_int_equal(packets, 0);
	capture_file_close(file);
	return pauses;
}

#define MIB (1u << 20)

static void write_zeros(gzFile out, unsigned int mib)
{
	static const __u8 zeros[MIB];

	while (mib--)
		assert_int_equal(gzwrite(out, zeros, MIB), MIB);
}

/* A small compressed file may take seconds to go through: signals must not wait for that. */
static void test_pauses_in_block(void **state)
{
	gzFile out = gzopen(path, "wb1");
	struct bytes b = {};
	__u32 length = 100 * MIB + 12;

	(void)state;
	ng_section(&b);
	ng_interface(&b, LINK_TYPE_RAW, 0, 0);
	put32(&b, 0x555);
	put32(&b, length);
	gzwrite(out, b.at, (unsigned int)b.size);
	write_zeros(out, 100);
	b.size = 0;
	put32(&b, length);
	ng_packet(&b, 0, 1, 40);
	gzwrite(out, b.at, (unsigned int)b.size);
	gzclose(out);
	assert_int_equal(count_pauses(1), 100 / 16);
}

/* .. nor for many large packets, nor for small ones between blocks. */
static void test_pauses_between_packets(void **state)
{
	gzFile out = gzopen(path, "wb1");
	struct bytes b = {};
	size_t header;

	(void)state;
	ng_section(&b);
	ng_interface(&b, LINK_TYPE_RAW, 0, 0);
	gzwrite(out, b.at, (unsigned int)b.size);
	b.size = 0;
	put32(&b, 0x555);
	put32(&b, 10 * MIB + 12);
	header = b.size;
	put32(&b, 10 * MIB + 12);
	ng_packet(&b, 0, 1, 40);
	for (int i = 0; i < 10; i++) {
		gzwrite(out, b.at, (unsigned int)header);
		write_zeros(out, 10);
		gzwrite(out, b.at + header, (unsigned int)(b.size - header));
	}
	gzclose(out);
	assert_in_range(count_pauses(10), 5, 6);

	out = gzopen(path, "wb1");
	b.size = 0;
	pcap_header(&b, 0xa1b2c3d4, 4, LINK_TYPE_RAW);
	gzwrite(out, b.at, (unsigned int)b.size);
	for (__u32 i = 0; i < 10; i++) {
		b.size = 0;
		pcap_packet(&b, i, 0, 10 * MIB, 10 * MIB);
		gzwrite(out, b.at, 16);
		write_zeros(out, 10);
	}
	gzclose(out);
	assert_in_range(count_pauses(10), 5, 6);
}

#define LARGEST 400000

static __u8 pattern(__u32 packet, __u32 at)
{
	return (__u8)(packet + at % 251);
}

/* Packets smaller and larger than what comes from the other thread at a time, and than what is free
 * in front of that. */
static void test_sizes(void **state)
{
	static __u8 content[LARGEST];
	gzFile out = gzopen(path, "wb1");
	struct capture_file *file;
	struct captured packet;
	struct bytes b = {};

	(void)state;
	gzwrite(out, raw, HEADER);
	for (__u32 i = 0; i < 100; i++) {
		__u32 length = (__u32)((__u64)i * i * i * 60007 % LARGEST);

		b.size = 0;
		pcap_packet(&b, i, 0, length, length);
		gzwrite(out, b.at, 16);
		for (__u32 at = 0; at < length; at++)
			content[at] = pattern(i, at);
		gzwrite(out, content, length);
	}
	gzclose(out);
	file = open_path(path);
	assert_non_null(file);
	for (__u32 i = 0; i < 100; i++) {
		assert_int_equal(next(file, &packet), 1);
		assert_int_equal(packet.time_ns, i * 1000000000ull);
		for (__u32 at = 0; at < packet.length; at++)
			assert_true(packet.bytes[at] == pattern(i, at));
	}
	assert_int_equal(next(file, &packet), 0);
	assert_int_equal(next(file, &packet), 0);
	capture_file_close(file);
}

/* Closed while the other thread waits for room, or inflates. */
static void test_closed_early(void **state)
{
	gzFile out = gzopen(path, "wb1");
	struct capture_file *file;
	struct captured packet;

	(void)state;
	gzwrite(out, raw, HEADER);
	for (int i = 0; i < 1000; i++)
		gzwrite(out, raw + HEADER, PACKETS * EACH);
	gzclose(out);
	for (int i = 0; i < 50; i++) {
		file = open_path(path);
		assert_non_null(file);
		for (int j = 0; j < 2000 * i; j++)
			assert_int_equal(next(file, &packet), 1);
		capture_file_close(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_whole, make_zipped),
		cmocka_unit_test_setup(test_sizes, make_zipped),
		cmocka_unit_test_setup(test_closed_early, make_zipped),
		cmocka_unit_test_setup(test_large, make_zipped),
		cmocka_unit_test_setup(test_members, make_zipped),
		cmocka_unit_test_setup(test_behind, make_zipped),
		cmocka_unit_test_setup(test_cut, make_zipped),
		cmocka_unit_test_setup(test_trailer, make_zipped),
		cmocka_unit_test_setup(test_flip_in_packet, make_zipped),
		cmocka_unit_test_setup(test_flip_in_header, make_zipped),
		cmocka_unit_test_setup(test_flip_anywhere, make_zipped),
		cmocka_unit_test_setup(test_before_damage, make_zipped),
		cmocka_unit_test_setup(test_not_gzip, make_zipped),
		cmocka_unit_test(test_pauses_in_block),
		cmocka_unit_test(test_pauses_between_packets),
	};

	int failed = run_capture_tests("capture_gzip", tests);

	ahead = true;
	return failed + run_capture_tests("capture_gzip, by two threads", tests);
}
