/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pcapng: which blocks count, which contradict themselves, and which could fill the memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <zlib.h>

#include <cmocka.h>

#include "array.h"
#include "capture.h"
#include "capture_bytes.h"

#define INTERFACES_MAX 65536

static void begin(struct bytes *b)
{
	ng_section(b);
	ng_interface(b, LINK_TYPE_RAW, 0, 0);
}

/* Wireshark shows these as frames, though they are no packets. */
static void test_frames(void **state)
{
	static const __u32 counted[] = {9, 0x204, 0x216, 0x221, 0xbad, 0x40000bad};
	static const __u32 others[] = {4,     5,     7,     8,     10,        0x101,
				       0x205, 0x208, 0x217, 0x222, 0x80000001};
	struct capture_file *file;
	struct captured packet;
	struct bytes b = {};
	__u64 number = 1;

	(void)state;
	begin(&b);
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
		ng_other(&b, counted[i], 48);
		ng_packet(&b, 0, 7, 20);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		ng_other(&b, others[i], 48);
		ng_packet(&b, 0, 7, 20);
	}
	file = open_bytes(&b);
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
		assert_int_equal(next(file, &packet), 1);
		assert_int_equal(packet.number, number + 1);
		number += 2;
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_packet(file, number++, 7000, LINK_TYPE_RAW, 20, 1020);
	assert_end(file);
}

/* An enhanced packet of 6 bytes, and options behind it. */
static void put_optioned(struct bytes *b, const __u16 *options, size_t count)
{
	size_t body = block_begin(b, 6);

	put32(b, 0);
	put32(b, 0);
	put32(b, 7);
	put32(b, 6);
	put32(b, 6);
	put(b, "123456\0\0", 8);
	for (size_t i = 0; i < count; i++)
		put16(b, options[i]);
	block_end(b, body);
}

#define OPTIONED(...)                                                                              \
	put_optioned(&b, (const __u16[]){__VA_ARGS__},                                             \
		     sizeof((const __u16[]){__VA_ARGS__}) / sizeof(__u16))

/* epb_flags tell the way; options that do not fit tell nothing. */
static void test_ways(void **state)
{
	static const unsigned int ways[] = {CAPTURED_LEFT,    CAPTURED_ARRIVED, CAPTURED_UNKNOWN,
					    CAPTURED_ARRIVED, CAPTURED_UNKNOWN, CAPTURED_UNKNOWN,
					    CAPTURED_UNKNOWN, CAPTURED_UNKNOWN};

	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		struct bytes b = {.swapped = swapped};
		const __u16 low = swapped == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
		struct capture_file *file;
		struct captured packet;

		begin(&b);
		OPTIONED(2, 4, low ? 2 : 0, low ? 0 : 2);
		OPTIONED(1, 3, 0x6161, 0x6100, 2, 4, low ? 0x61 : 0xf000, low ? 0xf000 : 0x61, 0,
			 0);
		OPTIONED(2, 4, 0, 0);
		OPTIONED(2, 4, low ? 1 : 0, low ? 0 : 1);
		OPTIONED(2, 4, low ? 3 : 0, low ? 0 : 3);
		OPTIONED(2, 2, 0x0101, 0x0101);
		OPTIONED(2, 400, low ? 1 : 0, low ? 0 : 1);
		OPTIONED(0, 0, 2, 4, low ? 1 : 0, low ? 0 : 1);
		file = open_bytes(&b);
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
			assert_int_equal(next(file, &packet), 1);
			assert_int_equal(captured_way(&packet), ways[i]);
		}
		assert_end(file);
	}
}

static unsigned int cooked(int link_type, __u8 packet_type, __u16 hardware, __u32 length)
{
	__u8 bytes[20] = {};
	const struct captured packet = {.link_type = link_type, .length = length, .bytes = bytes};

	bytes[link_type == 113 ? 1 : 10] = packet_type;
	bytes[link_type == 113 ? 2 : 8] = (__u8)(hardware >> 8);
	bytes[link_type == 113 ? 3 : 9] = (__u8)hardware;
	return captured_way(&packet);
}

/* LINUX_SLL and LINUX_SLL2 have a packet type, Ethernet has not. */
static void test_cooked_ways(void **state)
{
	static const int types[] = {113, 276};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		assert_int_equal(cooked(types[i], 0, 1, 20), CAPTURED_ARRIVED);
		assert_int_equal(cooked(types[i], 3, 1, 20), CAPTURED_ARRIVED);
		assert_int_equal(cooked(types[i], 4, 1, 20), CAPTURED_LEFT);
		assert_int_equal(cooked(types[i], 0, 772, 20), CAPTURED_ARRIVED | CAPTURED_LEFT);
		assert_int_equal(cooked(types[i], 4, 1, 10), CAPTURED_UNKNOWN);
	}
	assert_int_equal(cooked(1, 4, 4, 20), CAPTURED_UNKNOWN);
}

/* The length at a block's end is another; what came before is read. */
static void test_trailer(void **state)
{
	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		for (int other = 0; other < 2; other++) {
			struct bytes b = {.swapped = swapped};
			struct capture_file *file;
			char expected[128];
			size_t at;

			begin(&b);
			ng_packet(&b, 0, 1, 20);
			at = b.size;
			if (other)
				ng_other(&b, 0x999, 40);
			else
				ng_packet(&b, 0, 2, 20);
			b.size -= 4;
			put32(&b, 48);
			ng_packet(&b, 0, 3, 20);
			file = open_bytes(&b);
			assert_packet(file, 1, 1000, LINK_TYPE_RAW, 20, 1020);
			snprintf(expected, sizeof(expected),
				 "packet 2: damaged block at byte %zu: its start says 52 bytes, "
				 "its end 48",
				 at);
			assert_mistake(file, expected);
		}
	}
}

static void test_versions(void **state)
{
	static const struct {
		__u16 major, minor;
		bool read;
	} versions[] = {{1, 0, true},  {1, 2, true},  {0, 0, false}, {1, 1, false},
			{1, 3, false}, {2, 0, false}, {2, 2, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct bytes b = {.swapped = i % 2};
		struct capture_file *file;
		char expected[128];
		size_t at;

		begin(&b);
		ng_packet(&b, 0, 1, 20);
		at = b.size;
		ng_section_of(&b, versions[i].major, versions[i].minor);
		ng_interface(&b, LINK_TYPE_RAW, 0, 0);
		ng_packet(&b, 0, 2, 20);
		file = open_bytes(&b);
		assert_packet(file, 1, 1000, LINK_TYPE_RAW, 20, 1020);
		if (versions[i].read) {
			assert_packet(file, 2, 2000, LINK_TYPE_RAW, 20, 1020);
			assert_end(file);
			continue;
		}
		snprintf(expected, sizeof(expected),
			 "packet 2: the section at byte %zu has pcapng version %u.%u; only 1.0 and "
			 "1.2 can be read",
			 at, versions[i].major, versions[i].minor);
		assert_mistake(file, expected);
	}
}

/* An interface with an impossible clock loses its own packets only. */
static void test_impossible_resolution(void **state)
{
	static const __u8 impossible[] = {20, 127, 0x80 | 64, 255};
	struct capture capture;

	(void)state;
	for (size_t i = 0; i < sizeof(impossible); i++) {
		struct bytes b = {};
		struct capture_file *file;

		begin(&b);
		ng_interface(&b, LINK_TYPE_RAW, impossible[i], 0);
		ng_packet(&b, 0, 1, 20);
		file = open_bytes(&b);
		log_capture(&capture);
		assert_packet(file, 1, 1000, LINK_TYPE_RAW, 20, 1020);
		assert_end(file);
		assert_string_equal(capture_read(&capture), "");

		ng_packet(&b, 1, 2, 20);
		ng_packet(&b, 1, 3, 20);
		ng_packet(&b, 0, 4, 20);
		file = open_bytes(&b);
		assert_packet(file, 1, 1000, LINK_TYPE_RAW, 20, 1020);
		assert_packet(file, 4, 4000, LINK_TYPE_RAW, 20, 1020);
		assert_end(file);
		assert_int_equal(count_of(capture_read(&capture), "impossible time resolution"), 1);
		assert_non_null(strstr(capture_read(&capture), "packet 2: interface 1 has an"));
		log_release(&capture);
	}
}

static void zip_bytes(gzFile out, const struct bytes *b)
{
	assert_int_equal(gzwrite(out, b->at, b->size), b->size);
}

/* 20 bytes of each, all the same, and so a thousandth of that in a file. */
static void test_interfaces_without_end(void **state)
{
	struct bytes head = {}, interfaces = {}, packet = {};
	gzFile out = gzopen(path, "wb1");
	struct capture_file *file;

	(void)state;
	ng_section(&head);
	for (int i = 0; i < 1024; i++)
		ng_other(&interfaces, 1, 8);
	ng_packet(&packet, INTERFACES_MAX - 1, 1, 20);
	zip_bytes(out, &head);
	for (int i = 0; i < INTERFACES_MAX / 1024; i++)
		zip_bytes(out, &interfaces);
	zip_bytes(out, &packet);
	zip_bytes(out, &interfaces);
	gzclose(out);
	file = open_path(path);
	assert_packet(file, 1, 1000, 1, 20, 1020);
	assert_mistake(file, "packet 2: the section describes more than 65536 interfaces, the most "
			     "that can be read");
}

static long resident_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* Blocks that are skipped are never in memory as a whole. */
static void test_huge_block(void **state)
{
	static __u8 zeros[1024 * 1024];
	static const __u32 length = 12 + 200 * sizeof(zeros);
	gzFile out = gzopen(path, "wb1");
	struct bytes head = {}, tail = {};
	struct capture_file *file;
	long before;

	(void)state;
	begin(&head);
	put32(&head, 10);
	put32(&head, length);
	put32(&tail, length);
	ng_packet(&tail, 0, 1, 20);
	zip_bytes(out, &head);
	for (int i = 0; i < 200; i++)
		gzwrite(out, zeros, sizeof(zeros));
	zip_bytes(out, &tail);
	gzclose(out);
	before = resident_kb();
	file = open_path(path);
	assert_packet(file, 1, 1000, LINK_TYPE_RAW, 20, 1020);
	assert_end(file);
	assert_in_range(resident_kb() - before, 0, 20 * 1024);
}

/* Cut off anywhere, also between the pieces of a block that is skipped. */
static void test_cut_anywhere(void **state)
{
	struct bytes whole = {}, cut;
	size_t ends[4];

	(void)state;
	begin(&whole);
	ends[0] = whole.size;
	ng_packet(&whole, 0, 1, 20);
	ends[1] = whole.size;
	ng_other(&whole, 4, 40);
	ends[2] = whole.size;
	ng_packet(&whole, 0, 2, 20);
	ends[3] = whole.size;
	for (size_t size = ends[0]; size <= whole.size; size++) {
		struct capture_file *file;
		bool clean = false;
		__u64 packets;
		int status;

		cut = whole;
		cut.size = size;
		for (size_t i = 0; i < 4; i++)
			clean = clean || size == ends[i];
		file = open_bytes(&cut);
		packets = count_packets(file, &status);
		assert_int_equal(packets, (size >= ends[1]) + (size >= ends[3]));
		assert_int_equal(status, clean ? 0 : -EBADMSG);
		if (!clean)
			assert_non_null(strstr(reason, "the file ends in the middle of a block"));
		capture_file_close(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_cooked_ways),
		cmocka_unit_test(test_trailer),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_impossible_resolution),
		cmocka_unit_test(test_interfaces_without_end),
		cmocka_unit_test(test_huge_block),
		cmocka_unit_test(test_cut_anywhere),
	};

	return run_capture_tests("capture_pcapng", tests);
}
