/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tags as each kind of server takes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "tags.h"
#include "utf8.h"

static struct line line;

static const char *datadog(const char *tag)
{
	line_clear(&line);
	tags_add_configured(&line, 0, DIALECT_DOGSTATSD, tag);
	return line.text;
}

static const char *list(enum dialect dialect, const char *const *tags)
{
	line_clear(&line);
	for (; *tags; tags++)
		tags_add_configured(&line, 0, dialect, *tags);
	return line.text;
}

static void test_datadog_leaves_clean_tags_alone(void **state)
{
	static const char *const clean[] = {
		"src:10.98.0.1",   "dst:2001:db8::17", "dst:db-1.example.net",
		"net:10.1.2.0/24", "env:production",   "role:database:mysql",
		"plain",           "a_b-c.d/e",        "x:9_9",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(clean); i++)
		assert_string_equal(datadog(clean[i]), clean[i]);
}

/* https://docs.datadoghq.com/getting_started/tagging/ and "best practices for naming metrics and
 * tags": what becomes an underscore, which of them go, and that a letter is first. */
static void test_datadog_cleans(void **state)
{
	static const char *const pairs[][2] = {
		{"Env:PROD", "env:prod"},
		{"env:a b", "env:a_b"},
		{"env:a  |#@!b", "env:a_b"},
		{"env:a__b", "env:a_b"},
		{"env:trailing_", "env:trailing"},
		{"env:trailing!?", "env:trailing"},
		{"env:", "env"},
		{"env:_:", "env"},
		{"1st:x", "st:x"},
		{"_x:y", "x:y"},
		{":x", "x"},
		{"a\nb\tc\x7f", "a_b_c"},
		{"12345", ""},
		{"!!!", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_string_equal(datadog(pairs[i][0]), pairs[i][1]);
}

static void test_datadog_unicode(void **state)
{
	(void)state;
	assert_string_equal(datadog("stra\u00dfe:\u00fcber"), "stra\u00dfe:\u00fcber");
	assert_string_equal(datadog("\u6771\u4eac:\u99c5"), "\u6771\u4eac:\u99c5");
	assert_string_equal(datadog("x:\u20acuro\u2014\U0001f600!"), "x:_uro");
	assert_string_equal(datadog("x:a\xff\xc3(z"), "x:a_z");          /* no UTF-8 */
	assert_string_equal(datadog("x:\xc0\xaf\xed\xa0\x80y"), "x:_y"); /* overlong, surrogate */
	assert_string_equal(datadog("x:y\xe2\x82"), "x:y");              /* cut short */
}

static void test_datadog_200_characters(void **state)
{
	char tag[900] = "k:", expected[900] = "k:";

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(tag, "v");
	assert_int_equal(strlen(datadog(tag)), 200);
	/* Characters, not bytes, and none is cut in two. */
	strcpy(tag, "k:");
	for (int i = 0; i < 250; i++)
		strcat(tag, "\u00e9");
	for (int i = 0; i < 198; i++)
		strcat(expected, "\u00e9");
	assert_string_equal(datadog(tag), expected);
	/* What the cut leaves at the end is cleaned, too. */
	memset(tag, 'a', 199);
	strcpy(tag + 199, "_b");
	assert_int_equal(strlen(datadog(tag)), 199);
}

static void test_a_comma_makes_two(void **state)
{
	static const char *const tags[] = {"a:1,b:2", ",", "c:3,", NULL};

	(void)state;
	assert_string_equal(list(DIALECT_DOGSTATSD, tags), "a:1,b:2,c:3");
	assert_string_equal(list(DIALECT_GRAPHITE, tags), ";a=1;b=2;c=3");
	assert_string_equal(list(DIALECT_INFLUX, tags), ",a=1,b=2,c=3");
	assert_string_equal(list(DIALECT_STATSD, tags), "");
}

static void test_without_value(void **state)
{
	static const char *const tags[] = {"plain", "empty:", ":nokey", NULL};

	(void)state;
	assert_string_equal(list(DIALECT_DOGSTATSD, tags), "plain,empty,nokey");
	assert_string_equal(list(DIALECT_GRAPHITE, tags), ";plain=true;empty=true");
	assert_string_equal(list(DIALECT_INFLUX, tags), ",plain=true,empty=true");
}

static void test_characters_elsewhere(void **state)
{
	static const char *const tags[] = {"K y=1;:~v;w=x y|z@/:\u00e9", NULL};

	(void)state;
	assert_string_equal(list(DIALECT_GRAPHITE, tags), ";K_y_1_=_v_w_x_y_z____");
	assert_string_equal(list(DIALECT_INFLUX, tags), ",K_y_1_=_v_w_x_y_z_/_\u00e9");
}

/* Neither knows a key twice. */
static void test_keys_once(void **state)
{
	static const char *const tags[] = {"role:a",  "role:b", "rol:c",  "src:x",
					   "iface:y", "dst",    "srcs:z", NULL};

	(void)state;
	assert_string_equal(list(DIALECT_DOGSTATSD, tags),
			    "role:a,role:b,rol:c,src:x,iface:y,dst,srcs:z");
	assert_string_equal(list(DIALECT_GRAPHITE, tags), ";role=a;rol=c;srcs=z");
	assert_string_equal(list(DIALECT_INFLUX, tags), ",role=a,rol=c,srcs=z");
}

static void test_ours(void **state)
{
	(void)state;
	line_clear(&line);
	tags_add(&line, DIALECT_DOGSTATSD, "src", "fd00::1");
	tags_add(&line, DIALECT_DOGSTATSD, "iface", "eth0.5@x");
	assert_string_equal(line.text, "src:fd00::1,iface:eth0.5_x");
	line_clear(&line);
	tags_add(&line, DIALECT_GRAPHITE, "src", "fd00::1");
	assert_string_equal(line.text, ";src=fd00__1");
	line_clear(&line);
	tags_add(&line, DIALECT_INFLUX, "dst", "2001:db8::/32");
	assert_string_equal(line.text, ",dst=2001_db8__/32");
	line_clear(&line);
	tags_add_name_part(&line, "10.1.2.0/24 \u00e9:x-y_z");
	assert_string_equal(line.text, "10_1_2_0_24___x-y_z");
}

/* A list that is too long stays too long, whatever is cleaned at its end. */
static void test_too_long(void **state)
{
	char tag[700];

	(void)state;
	memset(tag, 'a', sizeof(tag));
	tag[150] = '\0';
	line_clear(&line);
	for (int i = 0; i < 100; i++)
		tags_add_configured(&line, 0, DIALECT_DOGSTATSD, tag);
	assert_int_equal(line.length, LINE_MAX_BYTES + 1);
	tags_add_configured(&line, 0, DIALECT_DOGSTATSD, "!!");
	assert_int_equal(line.length, LINE_MAX_BYTES + 1);
}

/* Every code point there and back. */
static void test_utf8(void **state)
{
	char text[8];
	__u32 got;

	(void)state;
	for (__u32 code = 1; code < 0x110000; code++) {
		bool valid = code < 0xd800 || code > 0xdfff;
		size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

		memset(text, 0, sizeof(text));
		for (size_t i = length; i-- > 1;)
			text[i] = (char)(0x80 | ((code >> (6 * (length - 1 - i))) & 0x3f));
		text[0] = (char)(length == 1
					 ? code
					 : (0xf00u >> length & 0xff) | code >> (6 * (length - 1)));
		assert_int_equal(utf8_take(text, &got), valid ? length : 0);
		if (valid)
			assert_int_equal(got, code);
	}
	assert_int_equal(utf8_take("", &got), 0);
	assert_int_equal(utf8_take("\x80", &got), 0);
	assert_int_equal(utf8_take("\xf4\x90\x80\x80", &got), 0); /* beyond U+10FFFF */
	assert_int_equal(utf8_take("\xf0\x80\x80\x80", &got), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datadog_leaves_clean_tags_alone),
		cmocka_unit_test(test_datadog_cleans),
		cmocka_unit_test(test_datadog_unicode),
		cmocka_unit_test(test_datadog_200_characters),
		cmocka_unit_test(test_a_comma_makes_two),
		cmocka_unit_test(test_without_value),
		cmocka_unit_test(test_characters_elsewhere),
		cmocka_unit_test(test_keys_once),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests_name("tags", tests, NULL, NULL);
}
