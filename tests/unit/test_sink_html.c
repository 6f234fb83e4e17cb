/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of --output html: its bounds, however many hosts and connections there are, and that
 * nothing in it can be taken for markup. Its figures are tested on captures (test_report.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "capture.h"
#include "pairs.h"
#include "sinks.h"

#define PAGE_BYTES (5 * 1000 * 1000)

static const __u64 counters[COUNTERS];
static const struct seen seen = {.packets = 1000000, .tcp = 999999};

static struct sink *open_page(void)
{
	struct sink *sink;

	assert_int_equal(sink_html_open(&sink), 0);
	return sink;
}

static void finish(struct sink *sink, const char *name)
{
	const struct sink_capture capture = {
		.name = name, .counters = counters, .seen = &seen, .whole = true};

	sink->ops->finish(sink, &capture);
}

/* What the page consists of; to be freed. */
static char *page_of(struct sink *sink)
{
	FILE *file = tmpfile();
	struct capture out;
	struct stat stat;
	char *page;

	assert_non_null(file);
	stdout_to(&out, dup(fileno(file)));
	assert_int_equal(sink->ops->close(sink), 0);
	stdout_restore(&out);
	assert_int_equal(fstat(fileno(file), &stat), 0);
	page = calloc(1, (size_t)stat.st_size + 1);
	assert_non_null(page);
	assert_int_equal(pread(fileno(file), page, (size_t)stat.st_size, 0), stat.st_size);
	fclose(file);
	return page;
}

static void take_from(struct sink *sink, __u32 pair, __u16 port, __u64 i, __u32 rtt)
{
	struct flow_record record = make_record(&flow, 1, 1, &rtt);
	struct delivery delivery = {&record, "file", WALL_NS + i * 123456789, i * 17 + 1};

	record.key.local.words[3] = pair;
	record.key.local_port = port;
	record.retransmissions = i % 10 == 0;
	if (i % 2) {
		record.flags |= RECORD_HAS_PREVIOUS;
		record.rtt[0] = rtt / 2;
	}
	sink->ops->take(sink, &delivery);
}

/* More of everything than there is room for, over weeks, with all lengths of times. */
static void test_bounded(void **state)
{
	struct sink *sink = open_page();
	char *page;

	(void)state;
	for (__u64 i = 0; i < 1500000; i++)
		take_from(sink, (__u32)(i % (PAIRS_MAX + 500)), (__u16)(40000 + i % 7919 % 13), i,
			  (__u32)(1ull << i % 30) + (__u32)i % 1000);
	finish(sink, "large.pcap");
	page = page_of(sink);
	assert_true(strlen(page) < PAGE_BYTES);
	assert_non_null(strstr(page, "\"pairs_known\":20000,\"pairless\":"));
	assert_null(strstr(page, "\"pairless\":0,"));
	assert_non_null(strstr(page, "\"total\":{\"n\":1500000,"));
	assert_int_equal(count_of(page, "\"src\":"), 1000);
	free(page);
}

/* One pair with more connections than have rows. */
static void test_many_connections(void **state)
{
	struct sink *sink = open_page();
	char *page;

	(void)state;
	for (__u64 i = 0; i < 60000; i++)
		take_from(sink, 1, (__u16)i, i, 1000);
	take_from(sink, 1, 5, 60000, 1000);
	finish(sink, "large.pcap");
	page = page_of(sink);
	assert_non_null(strstr(page, "\"connections\":50000,\"rows\":[{\"sport\":5,"));
	assert_non_null(strstr(page, "\"rowless\":10000,"));
	assert_int_equal(count_of(page, "\"sport\":"), 8000);
	free(page);
}

static void test_names_are_no_markup(void **state)
{
	struct sink *sink = open_page();
	char *page, *plain;

	(void)state;
	finish(sink, "plain");
	plain = page_of(sink);
	sink = open_page();
	finish(sink, "/home/us/<script>alert(1)<!--\"&\\{{script}}\n\xff");
	page = page_of(sink);
	assert_non_null(strstr(page, "\"file\":\"\\u003cscript\\u003ealert(1)\\u003c!--"
				     "\\\"\\u0026\\\\{{script}}\\u000a"));
	assert_int_equal(count_of(page, "<"), count_of(plain, "<"));
	assert_int_equal(count_of(page, "alert"), 1);
	assert_null(strstr(page, "/home/us"));
	free(page);
	free(plain);
}

/* Nothing was measured, because the file could not be opened: that is no report. */
static void test_no_file_no_page(void **state)
{
	struct sink *sink = open_page();
	char *page;

	(void)state;
	sink->error = -ENOENT;
	page = page_of(sink);
	assert_string_equal(page, "");
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_many_connections),
		cmocka_unit_test(test_names_are_no_markup),
		cmocka_unit_test(test_no_file_no_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
