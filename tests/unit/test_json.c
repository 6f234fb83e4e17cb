/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON: its syntax, and texts of any kind and length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "json.h"
#include "json_escape.h"

static char *text_of(struct json *json)
{
	size_t length;
	char *text = json_take(json, &length);

	assert_non_null(text);
	assert_int_equal(strlen(text), length);
	return text;
}

static void test_values(void **state)
{
	struct json json;
	char *text;

	(void)state;
	assert_int_equal(json_begin(&json), 0);
	json_open(&json, NULL, '{');
	json_text(&json, "a", "b");
	json_text(&json, "nothing", NULL);
	json_open(&json, "list", '[');
	json_whole(&json, NULL, 0);
	json_whole(&json, NULL, ~0ull);
	json_open(&json, NULL, '{');
	json_close(&json, '}');
	json_bool(&json, NULL, true);
	json_close(&json, ']');
	json_bool(&json, "no", false);
	json_null(&json, "null");
	json_open(&json, "empty", '[');
	json_close(&json, ']');
	json_seconds(&json, "s", 61007);
	json_close(&json, '}');
	text = text_of(&json);
	assert_string_equal(text,
			    "{\"a\":\"b\",\"nothing\":null,\"list\":[0,18446744073709551615,{},"
			    "true],\"no\":false,\"null\":null,\"empty\":[],\"s\":61.007}");
	free(text);
}

static void test_escapes(void **state)
{
	static const struct {
		const char *text, *escaped;
	} cases[] = {
		{"", ""},
		{"eth0", "eth0"},
		{"\"\\/", "\\\"\\\\/"},
		{"\x1b[31m\n\t\x7f", "\\u001b[31m\\u000a\\u0009\\u007f"},
		{"h\xc3\xb6her", "h\xc3\xb6her"},
		{"\xff\xc3", "\\u00ff\\u00c3"},
		{"\xe2\x80\xae", "\\u202e"},
		{"\xf3\xa0\x80\xa0", "\\udb40\\udc20"},
	};
	char escaped[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *end = json_escape(escaped, cases[i].text);

		assert_string_equal(escaped, cases[i].escaped);
		assert_ptr_equal(end, escaped + strlen(escaped));
	}
}

/* Cut into pieces anywhere, no character is cut in two. */
static void test_long(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 40; shift++) {
		char text[1000], expected[1010], *written;
		struct json json;

		memset(text, 'x', shift);
		for (size_t i = shift; i + 2 < sizeof(text); i += 2)
			memcpy(text + i, "\xc3\xb6", 3);
		snprintf(expected, sizeof(expected), "\"%s\"", text);
		assert_int_equal(json_begin(&json), 0);
		json_text(&json, NULL, text);
		written = text_of(&json);
		assert_string_equal(written, expected);
		free(written);
	}
}

/* Bytes that never make a character. */
static void test_long_noise(void **state)
{
	char text[200];
	struct json json;
	char *written;

	(void)state;
	memset(text, 0x80, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(json_begin(&json), 0);
	json_text(&json, NULL, text);
	written = text_of(&json);
	assert_int_equal(strlen(written), 2 + 6 * (sizeof(text) - 1));
	free(written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_long_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
