/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A snapshot as text, byte by byte, in both formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "exposition.h"

#define LABELS "src=\"10.0.0.1\",dst=\"db\",iface=\"eth0\""

static const struct bucket_bounds bounds = {.count = 3, .ns = {25000, 1000000000, 2500000000}};

static struct snapshot *example(void)
{
	struct snapshot *s = snapshot_new(&bounds, 1, strlen(LABELS));
	struct snapshot_series *series;

	assert_non_null(s);
	series = snapshot_add(s, LABELS, strlen(LABELS));
	series->buckets[0] = 1;
	series->buckets[2] = 2;
	series->buckets[3] = 4;
	series->sum = 15625000001; /* ticks of 64 ns */
	series->handshakes = 3;
	series->handshake_sum = 15625;
	series->retransmissions = 18446744073709551615u;
	s->facts = (struct snapshot_facts){
		.backend = "pcap",
		.fallback = "it said \"no\"",
		.healthy = true,
		.measured = 1,
		.awaited = 2,
		.interval_s = 0.5,
		.reported_s = 1795723455.25,
		.started_s = 1795723400,
		.counters = {{"samples", "Round-trip times measured.", 7}},
		.counters_count = 1,
	};
	snapshot_add_interface(s, "eth0", true);
	snapshot_add_interface(s, "veth\xff", false);
	return s;
}

static char *text_of(enum exposition_format format)
{
	struct snapshot *s = example();
	size_t length;
	char *text = exposition_write(s, format, &length), *whole;

	snapshot_free(s);
	assert_non_null(text);
	whole = strndup(text, length);
	assert_int_equal(strlen(whole), length);
	free(text);
	return whole;
}

static const char peers[] = "bpf_metro_tcp_rtt_seconds_bucket{" LABELS ",le=\"0.000025\"} 1\n"
			    "bpf_metro_tcp_rtt_seconds_bucket{" LABELS ",le=\"1.0\"} 1\n"
			    "bpf_metro_tcp_rtt_seconds_bucket{" LABELS ",le=\"2.5\"} 3\n"
			    "bpf_metro_tcp_rtt_seconds_bucket{" LABELS ",le=\"+Inf\"} 7\n"
			    "bpf_metro_tcp_rtt_seconds_sum{" LABELS "} 1000.000000064\n"
			    "bpf_metro_tcp_rtt_seconds_count{" LABELS "} 7\n";

static void test_text(void **state)
{
	char *text = text_of(EXPOSITION_TEXT);

	(void)state;
	assert_non_null(strstr(text, peers));
	assert_non_null(strstr(text, "# TYPE bpf_metro_tcp_rtt_seconds histogram\n"));
	assert_non_null(strstr(text, "# TYPE bpf_metro_samples_total counter\n"
				     "bpf_metro_samples_total 7\n"));
	assert_non_null(strstr(text, "bpf_metro_backend_info{backend=\"pcap\",hook=\"\","
				     "fallback=\"it said \\\"no\\\"\"} 1\n"));
	assert_non_null(strstr(text, "bpf_metro_interface_measured{iface=\"eth0\"} 1\n"
				     "bpf_metro_interface_measured{iface=\"veth_\"} 0\n"));
	assert_non_null(strstr(text, "bpf_metro_interfaces{state=\"awaited\"} 2\n"));
	assert_non_null(strstr(text, "\nbpf_metro_report_timestamp_seconds 1795723455.25\n"));
	assert_null(strstr(text, "# UNIT"));
	assert_null(strstr(text, "# EOF"));
	free(text);
}

static void test_openmetrics(void **state)
{
	static const char end[] =
		"# HELP bpf_metro_tcp_handshake_seconds Time from SYN to SYN-ACK, or from SYN-ACK "
		"to "
		"ACK.\n"
		"# TYPE bpf_metro_tcp_handshake_seconds summary\n"
		"# UNIT bpf_metro_tcp_handshake_seconds seconds\n"
		"bpf_metro_tcp_handshake_seconds_sum{" LABELS "} 0.001\n"
		"bpf_metro_tcp_handshake_seconds_count{" LABELS "} 3\n"
		"# HELP bpf_metro_tcp_retransmissions Segments sent again.\n"
		"# TYPE bpf_metro_tcp_retransmissions counter\n"
		"bpf_metro_tcp_retransmissions_total{" LABELS "} 18446744073709551615\n"
		"# EOF\n";
	char *text = text_of(EXPOSITION_OPENMETRICS);

	(void)state;
	assert_non_null(strstr(text, peers));
	assert_non_null(strstr(text, "# TYPE bpf_metro_samples counter\n"
				     "bpf_metro_samples_total 7\n"));
	assert_string_equal(text + strlen(text) - strlen(end), end);
	free(text);
}

static void test_no_series(void **state)
{
	struct snapshot *s = snapshot_new(&bounds, 0, 0);
	size_t length;
	char *text = exposition_write(s, EXPOSITION_OPENMETRICS, &length);

	(void)state;
	assert_non_null(text);
	assert_memory_equal(text + length - 6, "# EOF\n", 6);
	free(text);
	snapshot_free(s);
}

#define MANY 5000

static struct snapshot *many(void)
{
	struct snapshot *s = snapshot_new(&bounds, MANY, 40 * MANY);
	char labels[40];
	unsigned int n;

	for (unsigned int i = 0; i < MANY; i++) {
		n = (unsigned int)snprintf(labels, sizeof(labels), "src=\"a\",dst=\"%u\"", i);
		snapshot_add(s, labels, n)->buckets[3] = i * 2654435761u;
	}
	return s;
}

/* Buffers grow in the middle of a family. */
static void test_many_series(void **state)
{
	struct snapshot *s = many();
	char *text, *at;
	unsigned int lines = 0;
	size_t length;

	(void)state;
	text = exposition_write(s, EXPOSITION_TEXT, &length);
	assert_non_null(text);
	text[length - 1] = '\0';
	for (at = text; (at = strstr(at, "\nbpf_metro_tcp_")); at++)
		lines++;
	assert_int_equal(lines, MANY * (4 + 2 + 2 + 1));
	assert_non_null(strstr(text, "_count{src=\"a\",dst=\"4999\"} 2370391895\n"));
	free(text);
	snapshot_free(s);
}

/* Packed piece by piece it is the same text. */
static void check_packed(struct snapshot *s, enum exposition_format format)
{
	size_t length, packed_length;
	char *text = exposition_write(s, format, &length);
	char *packed = exposition_pack(s, format, &packed_length), *out = malloc(length + 1);
	z_stream stream = {.next_in = (Bytef *)packed, .avail_in = (uInt)packed_length};

	assert_non_null(packed);
	assert_true(packed_length < length);
	stream.next_out = (Bytef *)out;
	stream.avail_out = (uInt)length + 1;
	assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, length);
	assert_int_equal(stream.avail_in, 0);
	assert_memory_equal(out, text, length);
	inflateEnd(&stream);
	free(out);
	free(packed);
	free(text);
	snapshot_free(s);
}

static void test_gzip(void **state)
{
	(void)state;
	check_packed(example(), EXPOSITION_TEXT);
	check_packed(example(), EXPOSITION_OPENMETRICS);
	check_packed(many(), EXPOSITION_OPENMETRICS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),      cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_no_series), cmocka_unit_test(test_many_series),
		cmocka_unit_test(test_gzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
