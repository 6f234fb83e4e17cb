/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The capture reader against files made here byte by byte, in both byte orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "capture_bytes.h"

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

	(void)state;
	pcap_header(&huge, 0xa1b2c3d4, 4, LINK_TYPE_RAW);
	pcap_packet(&huge, 0, 0, 0x7fffffff, 1);
	assert_mistake(open_bytes(&huge),
		       "packet 1: is damaged: it claims to have 2147483647 bytes");

	ng_section(&stranger);
	ng_packet(&stranger, 3, 0, 8);
	assert_mistake(
		open_bytes(&stranger),
		"packet 1: is damaged: it is of interface 3, and the file describes 0, from 0 on");

	ng_section(&short_block);
	put32(&short_block, 6);
	put32(&short_block, 4);
	assert_mistake(open_bytes(&short_block),
		       "packet 1: damaged block: it claims to have 4 bytes");
}

static void test_not_a_capture(void **state)
{
	struct bytes text = {}, empty = {};

	(void)state;
	put(&text, "hello, world", 12);
	assert_null(open_bytes(&text));
	assert_string_equal(reason, "neither a pcap nor a pcapng capture file");
	text.size = 3;
	assert_null(open_bytes(&text));
	assert_string_equal(reason, "neither a pcap nor a pcapng capture file");
	assert_null(open_bytes(&empty));
	assert_string_equal(reason, "the file is empty");
}

/* What cannot be read says why, rather than what it is not. */
static void test_unreadable(void **state)
{
	(void)state;
	unlink(path);
	assert_null(open_path(path));
	assert_string_equal(reason, "No such file or directory");
	assert_null(open_path("/tmp"));
	assert_string_equal(reason, "Is a directory");
	assert_null(open_path("/proc/self/mem")); /* nothing is mapped at 0 */
	assert_string_equal(reason, "Input/output error");
}

/* Read by tshark, but not by us: what to do about it. */
static void test_compressed_otherwise(void **state)
{
	static const __u8 xz[] = "\xfd\x37zXZ\0\0\4", zstd[] = "\x28\xb5\x2f\xfd\4";

	(void)state;
	write_bytes(xz, sizeof(xz));
	assert_null(open_path(path));
	assert_string_equal(reason,
			    "compressed with xz, which bpf-metro cannot read; try `xz -dc FILE | "
			    "bpf-metro -r -`");
	write_bytes(zstd, sizeof(zstd));
	assert_null(open_path(path));
	assert_string_equal(
		reason, "compressed with zstd, which bpf-metro cannot read; try `zstd -dc FILE | "
			"bpf-metro -r -`");
	write_bytes(zstd, 3);
	assert_null(open_path(path));
	assert_string_equal(reason, "neither a pcap nor a pcapng capture file");
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
		cmocka_unit_test(test_compressed_otherwise),
		cmocka_unit_test(test_unreadable),
	};

	return run_capture_tests("capture_file", tests);
}
