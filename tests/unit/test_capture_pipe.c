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

#include "backend.h"
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

static void put_ip(struct bytes *b, __u32 seconds, __u8 *ip, __u8 size)
{
	ip[0] = 0x45;
	ip[3] = size;
	ip[9] = PROTOCOL_TCP;
	ip[12] = ip[16] = 10;
	ip[32] = 0x50; /* no options */
	put32(b, seconds);
	put32(b, 0);
	put32(b, size);
	put32(b, size);
	put(b, ip, size);
}

/* A segment of ten bytes from this port. */
static void put_segment(struct bytes *b, __u32 seconds, __u8 port, __u8 flags)
{
	__u8 ip[50] = {[15] = 1, [19] = 2, [21] = port, [23] = 1, [33] = flags};

	put_ip(b, seconds, ip, sizeof(ip));
}

/* And its ACK, of which a flow needs one. */
static void put_ack(struct bytes *b, __u32 seconds, __u8 port)
{
	__u8 ip[40] = {[15] = 2, [19] = 1, [21] = 1, [23] = port, [31] = 10, [33] = TCP_ACK};

	put_ip(b, seconds, ip, sizeof(ip));
}

static void deliver(void *arg, const struct delivery *delivery)
{
	(void)arg;
	(void)delivery;
}

/* Returns the number of flows that were made. */
static __u64 flows_of(struct bytes *parts, size_t count, bool pipe)
{
	struct backend_settings settings = {.max_flows = 100, .batch_limit = 1, .deliver = deliver};
	char text[BACKEND_REASON];
	__u64 counters[COUNTERS];
	struct backend *backend;

	unlink(path);
	assert_int_equal(pipe ? mkfifo(path, 0600) : 0, 0);
	writer = open(path, pipe ? O_RDWR : O_WRONLY | O_CREAT, 0600);
	for (size_t i = 0; i < count && !pipe; i++)
		write_on(parts[i].at, parts[i].size);
	assert_int_equal(backend_file_open(&backend, &settings, path, NULL, 0, text), 0);
	for (size_t i = 0; i < count && pipe; i++) {
		write_on(parts[i].at, parts[i].size);
		assert_int_equal(backend->ops->read(backend), -EAGAIN);
	}
	close(writer);
	while (!backend->ops->read(backend))
		;
	while (!backend->ops->sweep(backend))
		;
	backend->ops->counters(backend, counters);
	backend->ops->close(backend);
	return counters[COUNTER_FLOWS];
}

/* A pipe may go on for weeks, and its flows must not fill the memory: they are dropped a minute
 * after their end, or after an hour without traffic. Those of a file stay. */
static void test_flows_go(void **state)
{
	static struct bytes parts[6];
	enum { ENDS = 1, IDLES = 2, STAYS = 3, OTHER = 4 };

	(void)state;
	memset(parts, 0, sizeof(parts));
	pcap_header(&parts[0], 0xa1b2c3d4, 4, LINK_TYPE_RAW);
	put_segment(&parts[0], 1000, ENDS, TCP_ACK);
	put_segment(&parts[0], 1001, ENDS, TCP_RST);
	put_segment(&parts[0], 1002, IDLES, TCP_ACK);
	put_ack(&parts[0], 1002, IDLES);
	put_segment(&parts[0], 1002, STAYS, TCP_ACK);
	put_ack(&parts[0], 1002, STAYS);
	put_segment(&parts[1], 1050, OTHER, TCP_ACK); /* too early for any to go */
	put_segment(&parts[2], 1100, OTHER, TCP_ACK);
	put_segment(&parts[2], 1101, STAYS, TCP_ACK);
	assert_int_equal(flows_of(parts, 3, true), 4);
	put_segment(&parts[3], 1102, ENDS, TCP_ACK);
	assert_int_equal(flows_of(parts, 4, true), 5);
	put_segment(&parts[4], 4660, OTHER, TCP_ACK);
	put_segment(&parts[5], 4661, IDLES, TCP_ACK);
	put_segment(&parts[5], 4661, STAYS, TCP_ACK);
	assert_int_equal(flows_of(parts, 6, true), 6);
	assert_int_equal(flows_of(parts, 6, false), 4);
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
		cmocka_unit_test(test_pcap),     cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_gzip),     cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_flows_go), cmocka_unit_test(test_file),
	};

	return run_capture_tests("capture_pipe", tests);
}
