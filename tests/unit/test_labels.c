/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Labels for Prometheus: names that users chose, and values of any bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "array.h"
#include "dialect.h"
#include "labels.h"
#include "tags.h"

static struct line line;

static const char *configured(const char *const *tags)
{
	line_clear(&line);
	for (; *tags; tags++)
		tags_add_configured(&line, 0, DIALECT_OPENMETRICS, *tags);
	return line.text;
}

#define TAGS(...) configured((const char *const[]){__VA_ARGS__, NULL})

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(TAGS("env:production"), ",env=\"production\"");
	assert_string_equal(TAGS("k8s.pod-name:a"), ",k8s_pod_name=\"a\"");
	assert_string_equal(TAGS("2nd:a"), ",_2nd=\"a\"");
	assert_string_equal(TAGS("__name__:a"), ",_name__=\"a\"");
	assert_string_equal(TAGS("--x:a"), ",_x=\"a\"");
	assert_string_equal(TAGS("gr\xc3\xb6\xc3\x9f"
				 "e:a"),
			    ",gr__e=\"a\"");
	assert_string_equal(TAGS("a\xff"
				 "b:c"),
			    ",a_b=\"c\"");
	assert_string_equal(TAGS("Env:A"), ",Env=\"A\"");
	assert_string_equal(TAGS("."), ",_=\"true\"");
}

static void test_without_value(void **state)
{
	(void)state;
	assert_string_equal(TAGS("plain"), ",plain=\"true\"");
	assert_string_equal(TAGS("plain:"), ",plain=\"true\"");
	assert_string_equal(TAGS(":value"), "");
	assert_string_equal(TAGS("a:1,b:2"), ",a=\"1\",b=\"2\"");
}

static void test_taken_names(void **state)
{
	(void)state;
	assert_string_equal(TAGS("team:a", "team:b", "team:c"),
			    ",team=\"a\",team_2=\"b\",team_3=\"c\"");
	assert_string_equal(TAGS("a.b:1", "a-b:2"), ",a_b=\"1\",a_b_2=\"2\"");
	assert_string_equal(TAGS("src:x", "dst:x", "iface:x", "le:x", "quantile:x"),
			    ",src_2=\"x\",dst_2=\"x\",iface_2=\"x\",le_2=\"x\",quantile_2=\"x\"");
	assert_string_equal(TAGS("a_2:x", "a:1", "a:2"), ",a_2=\"x\",a=\"1\",a_3=\"2\"");
	/* A value that looks like a label. */
	assert_string_equal(TAGS("a:=\"x\"", "x:1"), ",a=\"=\\\"x\\\"\",x=\"1\"");
}

static void test_values(void **state)
{
	static const char *const pairs[][2] = {
		{"a b", "a b"},
		{"C:\\x", "C:\\\\x"},
		{"say \"hi\"", "say \\\"hi\\\""},
		{"two\nlines", "two\\nlines"},
		{"gr\xc3\xb6\xc3\x9f"
		 "e",
		 "gr\xc3\xb6\xc3\x9f"
		 "e"},
		{"\xff\xc3", "__"},
		{"\xc3\"", "_\\\""}, /* cut in the middle: the quote is still one */
		{"", ""},
	};
	char expected[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		line_clear(&line);
		labels_add(&line, "a", pairs[i][0]);
		snprintf(expected, sizeof(expected), ",a=\"%s\"", pairs[i][1]);
		assert_string_equal(line.text, expected);
	}
}

/* With DogStatsD a bar has a meaning. */
static void test_bar(void **state)
{
	struct subject subject = {.src = "10.0.0.1", .dst = "10.0.0.2", .iface = "eth0"};
	struct line series;

	(void)state;
	subject.tags = TAGS("team:a|b");
	subject.tags_length = strlen(subject.tags);
	dialect_series(&series, DIALECT_OPENMETRICS, &subject);
	assert_string_equal(series.text,
			    ",src=\"10.0.0.1\",dst=\"10.0.0.2\",team=\"a|b\",iface=\"eth0\"");
}

/* The names of 1,000 characters that differ at their ends. */
static void test_long_names(void **state)
{
	char tag[1004];

	(void)state;
	memset(tag, 'x', sizeof(tag));
	strcpy(tag + 1000, ":1");
	line_clear(&line);
	tags_add_configured(&line, 0, DIALECT_OPENMETRICS, tag);
	tags_add_configured(&line, 0, DIALECT_OPENMETRICS, tag);
	assert_true(line.length > 200 && line.length < 600);
	assert_non_null(strstr(line.text, "x_2=\"1\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),       cmocka_unit_test(test_without_value),
		cmocka_unit_test(test_taken_names), cmocka_unit_test(test_values),
		cmocka_unit_test(test_long_names),  cmocka_unit_test(test_bar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
