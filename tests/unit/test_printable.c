/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Foreign text on its way to a terminal or a log: nothing in it may be obeyed, or be hidden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "capture.h"
#include "options.h"
#include "printable.h"
#include "utf8.h"

static const struct {
	const char *text, *printed;
} cases[] = {
	{"", ""},
	{"plain text, ~!", "plain text, ~!"},
	{"a\tb", "a\tb"},
	{"m\xc3\xbcnchen \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80",
	 "m\xc3\xbcnchen \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80"},
	{"\x1b[31mred", "?[31mred"},
	{"a\nb\rc\bd\x7f", "a?b?c?d?"},
	/* C1: NEL, CSI and OSC, as UTF-8 and as bytes of their own */
	{"a\xc2\x85\xc2\x9b"
	 "31m\xc2\x9d"
	 "0;x",
	 "a??31m?0;x"},
	{"\x9b"
	 "31m",
	 "?31m"},
	{"\xc2\xa0\xc2\xad", "\xc2\xa0?"}, /* a space that shows; a hyphen that does not */
	/* U+2028, U+2029; overrides, embeddings, isolates and marks of direction */
	{"\xe2\x80\xa8\xe2\x80\xa9", "??"},
	{"eth\xe2\x80\xae"
	 "0\xe2\x80\xac\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8e\xd8\x9c",
	 "eth?0?????"},
	/* invisible: zero widths, byte order mark, Hangul filler, tags */
	{"\xe2\x80\x8b\xe2\x81\xa0\xef\xbb\xbf\xe3\x85\xa4\xf3\xa0\x81\x81", "?????"},
	/* no UTF-8: a byte each. Cut short, too long, a surrogate, beyond the last */
	{"\xe2\x80", "??"},
	{"\xc0\x8a", "??"},
	{"\xed\xa0\x80", "???"},
	{"\xf4\x90\x80\x80", "????"},
	{"\xff\xfe", "??"},
};

static void test_printable(void **state)
{
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		strcpy(text, cases[i].text);
		assert_ptr_equal(printable(text), text);
		assert_string_equal(text, cases[i].printed);
		assert_string_equal(printable_copy(text, sizeof(text), cases[i].text),
				    cases[i].printed);
	}
	/* cut between characters, not in them */
	assert_string_equal(printable_copy(text, 4, "ab\xc3\xbc"), "ab");
	assert_string_equal(printable_copy(text, 5, "ab\xc3\xbc"), "ab\xc3\xbc");
	assert_string_equal(printable_copy(text, 1, "ab"), "");
}

/* Whatever comes, what goes out is UTF-8 that shows, and no longer than it was. */
static void test_any_bytes(void **state)
{
	static const char odd[] = "\x1b\x7f\x80\x85\x9b\xc2\xe2\xed\xf3\xf4\xa0\x81\xae\n\ta";
	char text[32];

	(void)state;
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		size_t length = (size_t)random() % sizeof(text);
		__u32 code;

		for (size_t i = 0; i < length; i++)
			text[i] = random() % 2 ? odd[(size_t)random() % (sizeof(odd) - 1)]
					       : (char)(1 + random() % 255);
		text[length] = '\0';
		printable(text);
		assert_true(strlen(text) <= length);
		for (const char *at = text; *at; at += utf8_take(at, &code)) {
			assert_int_not_equal(utf8_take(at, &code), 0);
			assert_true(code == '\t' || utf8_is_printable(code));
		}
	}
}

/* A newline in what a message quotes makes a line, but none that looks like one of ours. */
static void test_log(void **state)
{
	struct capture log;
	const char *text, *second;

	(void)state;
	log_capture(&log);
	log_error("%s: no such file",
		  "/tmp/\xc2\x9b"
		  "31m\xe2\x80\xae\x1b\n2026-01-01T00:00:00.000Z INFO all is well");
	text = capture_read(&log);
	assert_non_null(strstr(text, "Z ERROR /tmp/?31m??\n"));
	second = strchr(text, '\n') + 1;
	assert_non_null(strstr(second, "Z ERROR | 2026-01-01T00:00:00.000Z INFO all is well: no"));
	assert_int_equal(count_of(text, "\n"), 2);
	log_release(&log);
}

static const char *stderr_of(char *arguments[], int count)
{
	static char text[8192];
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	struct options options;

	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	assert_int_equal(options_parse(count, arguments, &options), OPTIONS_WRONG);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

/* Every message that quotes an argument. */
static void test_options(void **state)
{
#define EVIL                                                                                       \
	"\x1b[31m\xc2\x9b"                                                                         \
	"31m\n\xe2\x80\xae"
	static const char *const options[] = {
		"--foo=" EVIL,        "--" EVIL,        "--local=" EVIL, "--backend=" EVIL,
		"--hook=" EVIL,       "--output=" EVIL, "--marks=" EVIL, "--interval=" EVIL,
		"--filter=tcp " EVIL, "-st=" EVIL,      "--v=" EVIL,     "-\x1b",
		"-\xc2\x9b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char word[64], program[] = "bpf-metro", *arguments[] = {program, word, NULL};
		const char *text;
		__u32 code;

		strcpy(word, options[i]);
		text = stderr_of(arguments, 2);
		assert_int_equal(count_of(text, "\n"), 2);
		for (; *text; text += utf8_take(text, &code)) {
			assert_int_not_equal(utf8_take(text, &code), 0);
			assert_true(code == '\n' || utf8_is_printable(code));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests_name("printable", tests, NULL, NULL);
}
