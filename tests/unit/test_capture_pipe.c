/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Captures that come through a pipe: a packet is read as soon as it is there, and nothing waits. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cmocka.h>

#include "capture_bytes.h"

static int writer;

/* A FIFO without a writer so far. */
static struct capture_file *open_fifo(void)
{
	struct capture_file *file;

	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	file = open_path(path);
	assert_non_null(file);
	assert_true(capture_file_fd(file) >= 0);
	return file;
}

static void write_on(const void *bytes, size_t size)
{
	assert_int_equal(write(writer, bytes, size), size);
}

static void assert_quiet(struct capture_file *file)
{
	struct pollfd readable = {.fd = capture_file_fd(file), .events = POLLIN};
	struct captured packet;

	assert_int_equal(next(file, &packet), -EAGAIN);
	assert_int_equal(poll(&readable, 1, 0), 0);
}

/* Byte by byte: each packet with its last byte, none before. */
static void feed(struct capture_file *file, const struct bytes *b, const size_t *ends)
{
	struct captured packet;
	__u64 number = 0;

	writer = open(path, O_WRONLY);
	assert_true(writer >= 0);
	for (size_t i = 0; i < b->size; i++) {
		assert_quiet(file);
		write_on(b->at + i, 1);
		if (i + 1 != ends[number])
			continue;
		assert_int_equal(next(file, &packet), 1);
		assert_int_equal(packet.number, ++number);
		assert_int_equal(packet.time_ns, number * 1000);
	}
	assert_int_equal(number, 2);
	assert_quiet(file);
	close(writer);
	assert_end(file);
}

static void test_pcap(void **state)
{
	struct capture_file *file = open_fifo();
	size_t ends[3] = {};

	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		struct bytes b = {.swapped = swapped};

		pcap_header(&b, 0xa1b2c3d4, 4, LINK_TYPE_RAW);
		pcap_packet(&b, 0, 1, 20, 20);
		ends[0] = b.size;
		pcap_packet(&b, 0, 2, 0, 20);
		ends[1] = b.size;
		feed(file, &b, ends);
		file = open_fifo();
	}
	capture_file_close(file);
}

static void test_pcapng(void **state)
{
	struct capture_file *file = open_fifo();
	size_t ends[3] = {};

	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		struct bytes b = {.swapped = swapped};

		ng_section(&b);
		ng_interface(&b, LINK_TYPE_RAW, 0, 0);
		ng_other(&b, 5, 40);
		ng_packet(&b, 0, 1, 20);
		ends[0] = b.size;
		ng_other(&b, 4, 40);
		ng_packet(&b, 0, 2, 24);
		ends[1] = b.size;
		feed(file, &b, ends);
		file = open_fifo();
	}
	capture_file_close(file);
}

/* As a compressor sends it that flushes after each packet. */
static void test_gzip(void **state)
{
	struct capture_file *file = open_fifo();
	z_stream z = {};
	struct bytes b = {};
	__u8 zipped[4096];
	size_t done = 0;

	(void)state;
	writer = open(path, O_WRONLY);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	pcap_header(&b, 0xa1b2c3d4, 4, LINK_TYPE_RAW);
	for (__u32 i = 1; i < 50; i++) {
		assert_quiet(file);
		pcap_packet(&b, 0, i, 40, 40);
		z.next_in = b.at + done;
		z.avail_in = b.size - done;
		z.next_out = zipped;
		z.avail_out = sizeof(zipped);
		assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
		done = b.size;
		write_on(zipped, sizeof(zipped) - z.avail_out);
		assert_packet(file, i, i * 1000, LINK_TYPE_RAW, 40, 40);
	}
	z.next_out = zipped;
	z.avail_out = sizeof(zipped);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	for (const __u8 *at = zipped; at < z.next_out; at++) {
		assert_quiet(file);
		write_on(at, 1);
	}
	deflateEnd(&z);
	close(writer);
	assert_end(file);
}

/* What comes through a pipe can be wrong, too, and there may be nothing at all. */
static void test_mistakes(void **state)
{
	struct capture_file *file = open_fifo();

	(void)state;
	assert_quiet(file);
	writer = open(path, O_WRONLY);
	assert_quiet(file);
	close(writer);
	assert_mistake(file, "the file is empty");

	file = open_fifo();
	writer = open(path, O_WRONLY);
	write_on("hel", 3);
	assert_quiet(file);
	write_on("lo", 2);
	assert_mistake(file, "neither a pcap nor a pcapng capture file");
	close(writer);

	file = open_fifo();
	writer = open(path, O_WRONLY);
	write_on("\x1f\x8b\x08", 3);
	assert_quiet(file);
	close(writer);
	assert_mistake(file, "the gzip data has been cut off at byte 3");
}

static void test_file(void **state)
{
	struct bytes b = {};
	struct capture_file *file;

	(void)state;
	unlink(path);
	pcap_header(&b, 0xa1b2c3d4, 4, LINK_TYPE_RAW);
	file = open_bytes(&b);
	assert_int_equal(capture_file_fd(file), -1);
	assert_end(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap), cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_gzip), cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_file),
	};

	return run_capture_tests("capture_pipe", tests);
}
