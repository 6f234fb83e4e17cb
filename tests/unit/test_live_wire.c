/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The live view as JSON: what is written is read again; and what others may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "json_reader.h"
#include "wire.h"

static struct wire_rows rows;
static struct live_header header;
static struct live_detail detail, read_back;

static int clean(void **state)
{
	(void)state;
	wire_free(&rows);
	header = (struct live_header){};
	return 0;
}

static void fill(struct live_row *row, const char *name, float p50)
{
	*row = (struct live_row){};
	strcpy(row->name, name);
	strcpy(row->address, name);
	strcpy(row->place, "eth0:in");
	row->number = 3;
	for (int i = LIVE_CONNECTIONS; i < LIVE_COLUMNS; i++)
		row->figures[i] = i + 0.25;
	row->figures[LIVE_JITTER] = LIVE_NONE;
	row->figures[LIVE_RETRANSMISSIONS] = 7654321;
	row->samples = 1234567;
	for (size_t i = 0; i < LIVE_HISTORY; i++)
		row->history[i] = NAN;
	row->history[LIVE_HISTORY - 1] = p50;
}

/* To be freed. */
static char *write_rows(struct live_row **at, size_t count)
{
	struct live_header said = {.how = "measuring \"x\\y\"", .losses = "ring_lost 3"};
	struct json json;
	size_t length;
	char *text;

	said.for_s = 12.5;
	assert_int_equal(json_begin(&json), 0);
	wire_write(&json, &said, at, count);
	text = json_take(&json, &length);
	assert_non_null(text);
	return text;
}

static void exchange(struct live_row **at, size_t count)
{
	char *text = write_rows(at, count);

	assert_int_equal(wire_read(text, &header, &rows), 0);
	free(text);
}

static void test_round_trip(void **state)
{
	struct live_row a, b, *both[] = {&a, &b};

	(void)state;
	fill(&a, "db\xc3\xa9.example", 2.5f);
	fill(&b, "10.0.0.1", NAN);
	exchange(both, 2);
	assert_string_equal(header.how, "measuring \"x\\y\"");
	assert_string_equal(header.losses, "ring_lost 3");
	assert_string_equal(header.fallback, "");
	assert_float_equal(header.for_s, 12.5, 1e-9);
	assert_int_equal(rows.count, 2);
	assert_int_equal(header.peers, 2);
	assert_string_equal(rows.rows[0]->name, a.name);
	assert_string_equal(rows.rows[0]->place, "eth0:in");
	for (int i = LIVE_CONNECTIONS; i < LIVE_COLUMNS; i++)
		assert_float_equal(rows.rows[0]->figures[i], a.figures[i], 1e-9);
	assert_float_equal(rows.rows[0]->samples, 1234567, 1e-9);
	assert_float_equal(rows.rows[0]->history[LIVE_HISTORY - 1], 2.5, 1e-6);
	assert_true(isnan(rows.rows[1]->history[LIVE_HISTORY - 1]));
}

/* Each answer moves the histories on; rows keep their places, come and go. */
static void test_again(void **state)
{
	struct live_row a, b, c, *first[] = {&a, &b}, *then[] = {&c, &b};

	(void)state;
	fill(&a, "a", 1);
	fill(&b, "b", 2);
	exchange(first, 2);
	b.history[LIVE_HISTORY - 1] = 3;
	exchange(first, 2);
	assert_int_equal(rows.count, 2);
	assert_float_equal(rows.rows[1]->history[LIVE_HISTORY - 2], 2, 1e-6);
	assert_float_equal(rows.rows[1]->history[LIVE_HISTORY - 1], 3, 1e-6);
	fill(&c, "c", 7);
	exchange(then, 2);
	assert_int_equal(rows.count, 2);
	assert_string_equal(rows.rows[0]->name, "b");
	assert_string_equal(rows.rows[1]->name, "c");
	exchange(NULL, 0);
	assert_int_equal(rows.count, 0);
}

/* An interface that was made anew has the old one's name, and so have its rows. */
static void test_same_place(void **state)
{
	struct live_row a, b, *both[] = {&a, &b};

	(void)state;
	fill(&a, "a", 1);
	fill(&b, "a", 2);
	b.number = 9;
	for (int i = 0; i < 3; i++)
		exchange(both, 2);
	assert_int_equal(rows.count, 2);
	assert_int_equal(rows.rows[0]->number, 3);
	assert_float_equal(rows.rows[0]->history[LIVE_HISTORY - 2], 1, 1e-6);
	assert_int_equal(rows.rows[1]->number, 9);
	assert_float_equal(rows.rows[1]->history[LIVE_HISTORY - 2], 2, 1e-6);
}

/* ---- a peer's page ---- */

static char *write_detail(const struct live_detail *of)
{
	struct json json;
	size_t length;
	char *text;

	assert_int_equal(json_begin(&json), 0);
	wire_write_detail(&json, of);
	text = json_take(&json, &length);
	assert_non_null(text);
	return text;
}

static void fill_detail(unsigned int lines)
{
	detail = (struct live_detail){.count = lines, .more = 70000};
	for (unsigned int i = 0; i <= LIVE_EDGES; i++)
		detail.spread[i] = 1000000007ULL * i;
	for (unsigned int i = 0; i < lines; i++)
		detail.lines[i] = (struct live_line){"fd77::1", 65535,     443,  1234567, 1.5,
						     1.25,      LIVE_NONE, 2.25, 7654321};
}

static void test_detail(void **state)
{
	char *text;

	(void)state;
	fill_detail(LIVE_SHOWN_MOST);
	text = write_detail(&detail);
	assert_int_equal(wire_read_detail(text, &read_back), 0);
	assert_in_range(strlen(text), 1, 80 * 1024);
	free(text);
	assert_memory_equal(&detail, &read_back, sizeof(detail));
	text = write_detail(NULL);
	assert_int_equal(wire_read_detail(text, &read_back), -ENOENT);
	free(text);
}

static void test_detail_cut(void **state)
{
	char *text;

	(void)state;
	fill_detail(2);
	text = write_detail(&detail);
	for (size_t length = strlen(text); length-- > 0;) {
		char *part = strndup(text, length);

		assert_int_equal(wire_read_detail(part, &read_back), -EBADMSG);
		free(part);
	}
	free(text);
}

static void test_hostile_detail(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"connections\":{}}",
		"{\"connections\":[1]}",
		"{\"connections\":[[\"a\",1]]}",
		"{\"spread\":[1,2]}",
		"{\"spread\":[[]],\"connections\":[]}",
	};
	static const char odd[] =
		"{\"spread\":[-1,1e300,null,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"
		"\"connections\":[[\"\\u001b\",-5,1e9,-1,null,null,null,null,null,\"new\"]],"
		"\"more\":-7}";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(wire_read_detail(bad[i], &read_back), -EBADMSG);
	assert_int_equal(wire_read_detail(odd, &read_back), 0);
	assert_int_equal(read_back.spread[0], 0);
	assert_int_equal(read_back.spread[1], 0);
	assert_int_equal(read_back.spread[LIVE_EDGES], 5);
	assert_string_equal(read_back.lines[0].local, "?");
	assert_int_equal(read_back.lines[0].local_port, 0);
	assert_int_equal(read_back.more, 0);
}

/* Every beginning of an answer is none, and harms nothing. */
static void test_cut(void **state)
{
	struct live_row a, b, *both[] = {&a, &b};
	char *text;

	(void)state;
	fill(&a, "a", 1);
	fill(&b, "b", 2);
	text = write_rows(both, 2);
	for (size_t length = strlen(text); length-- > 0;) {
		char *part = strndup(text, length);

		assert_int_equal(wire_read(part, &header, &rows), -EBADMSG);
		free(part);
		wire_free(&rows);
	}
	free(text);
}

static void test_hostile(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"null",
		"{\"error\":\"unknown verb\",\"verbs\":[\"health\"]}",
		"{\"rows\":{}}",
		"{\"rows\":[1]}",
		"{\"rows\":[[\"a\",\"b\"]]}",
		"{\"rows\":[[[\"a\"]]]}",
		"{\"rows\":[],}",
		"{\"rows\":[]",
		"{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],\"rows\":[]}",
		"{\"how\":\"\\u12\",\"rows\":[]}",
		"{\"how\":\"\\x\",\"rows\":[]}",
		"{\"how\":\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(wire_read(texts[i], &header, &rows), -EBADMSG);
	assert_int_equal(wire_read(" { \"rows\" : [ ] , \"new\" : {\"a\":[1,true,null,\"]\"]} } ",
				   &header, &rows),
			 0);
}

static void test_names_are_printable(void **state)
{
	static const char text[] = "{\"how\":\"a\\nb\",\"rows\":[[\"\\u001b[2J\",\"a\",\"b\","
				   "1,1,1,1,1,1,1,1,1,1,1,null,7,\"of a newer one\"]]}";

	(void)state;
	assert_int_equal(wire_read(text, &header, &rows), 0);
	assert_string_equal(header.how, "a?b");
	assert_string_equal(rows.rows[0]->name, "?[2J");
}

#define TEST(name) cmocka_unit_test_teardown(name, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip), TEST(test_again),      TEST(test_same_place),
		TEST(test_detail),     TEST(test_detail_cut), TEST(test_hostile_detail),
		TEST(test_cut),        TEST(test_hostile),    TEST(test_names_are_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
