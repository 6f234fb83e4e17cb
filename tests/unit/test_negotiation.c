/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What Accept and Accept-Encoding ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "negotiation.h"

#define OM "application/openmetrics-text"

static void test_formats(void **state)
{
	static const struct {
		const char *accept;
		enum exposition_format format;
	} cases[] = {
		{NULL, EXPOSITION_TEXT},
		{"", EXPOSITION_TEXT},
		{"*/*", EXPOSITION_TEXT},
		{"text/html, */*;q=0.8", EXPOSITION_TEXT},
		{"text/plain", EXPOSITION_TEXT},
		{OM, EXPOSITION_OPENMETRICS},
		{OM ";version=1.0.0", EXPOSITION_OPENMETRICS},
		{OM "; version=\"1.0.0\"; charset=utf-8", EXPOSITION_OPENMETRICS},
		{OM ";version=2.0.0", EXPOSITION_TEXT},
		{OM ";q=0", EXPOSITION_TEXT},
		{OM ";q=0.4,text/plain;q=0.5", EXPOSITION_TEXT},
		{OM ";q=0.5,text/plain;q=0.4", EXPOSITION_OPENMETRICS},
		{OM ";q=0.5,text/plain;q=0.500", EXPOSITION_TEXT},
		{OM ";q=0.501,text/plain;q=0.5", EXPOSITION_OPENMETRICS},
		{"APPLICATION/OpenMetrics-Text ; Q = 1", EXPOSITION_OPENMETRICS},
		/* The more exact one counts. */
		{"text/plain;q=0.1, */*;q=0.9", EXPOSITION_OPENMETRICS},
		{"text/plain, " OM ";version=1.0.0;q=0.1, " OM, EXPOSITION_TEXT},
		/* Prometheus 2.42, and a newer one. */
		{OM ";version=1.0.0," OM ";version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
		    "*/*;q=0.1",
		 EXPOSITION_OPENMETRICS},
		{"application/vnd.google.protobuf;q=0.6," OM ";version=1.0.0;escaping=values;q=0.5,"
		 "text/plain;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		 EXPOSITION_OPENMETRICS},
		/* Nonsense. */
		{";;;,,,=,;q", EXPOSITION_TEXT},
		{OM ";q=abc", EXPOSITION_OPENMETRICS},
		{OM ";version=\"1.0.0", EXPOSITION_TEXT},
		{"\"" OM "\"", EXPOSITION_TEXT},
		{OM ";x=\"a,b\\\",c\";q=0.2, text/plain;q=0.1", EXPOSITION_OPENMETRICS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (negotiate_format(cases[i].accept) != cases[i].format)
			fail_msg("%s", cases[i].accept);
}

static void test_encodings(void **state)
{
	static const struct {
		const char *accept;
		bool gzip;
	} cases[] = {
		{NULL, false},
		{"", false},
		{"gzip", true},
		{"deflate, GZIP;q=0.5", true},
		{"x-gzip", true},
		{"gzip;q=0", false},
		{"gzip;q=0.000, *", false},
		{"*", true},
		{"*;q=0", false},
		{"identity", false},
		{"gzipped", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (negotiate_gzip(cases[i].accept) != cases[i].gzip)
			fail_msg("%s", cases[i].accept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_encodings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
