/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which links a selection means, and what is read of it in a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "plans.h"
#include "selection.h"

#define NAMES(...) __VA_ARGS__ "\0"

static const struct link eth0 = {
	.interface.name = "eth0",
	.is_default = true,
	.altnames = NAMES("enp0s3\0an-alternative-name-of-eth0\0"),
};
static const struct link eth1 = {.interface.name = "eth1", .altnames = ""};
static const struct link veth7 = {.interface.name = "veth7", .altnames = ""};
static const struct link lo = {.interface.name = "lo", .flags = IFF_LOOPBACK, .altnames = ""};
static const struct link odd = {.interface.name = "e*h0", .altnames = ""};

static const struct link *const all[] = {&eth0, &eth1, &veth7, &lo, &odd};

/* What it has, by the first letters: "eth0 lo" .. */
static const char *had(const char *selection)
{
	static char names[128];

	names[0] = '\0';
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (selection_has(selection, all[i]))
			sprintf(names + strlen(names), "%s%s", names[0] ? " " : "",
				all[i]->interface.name);
	return names;
}

static void test_has(void **state)
{
	static const struct {
		const char *selection, *links;
	} cases[] = {
		{"eth0", "eth0"},
		{"eth", ""},
		{"eth00", ""},
		{"enp0s3", "eth0"},
		{"an-alternative-name-of-eth0", "eth0"},
		{"eth?", "eth0 eth1"},
		{"eth*", "eth0 eth1"},
		{"eth[0]", "eth0"},
		{"eth[1-9]", "eth1"},
		{"eth[!0]", "eth1"},
		{"eth[[:digit:]]", "eth0 eth1"},
		{"e*h0", "eth0 e*h0"}, /* a pattern, also where a name looks like one */
		{"e\\*h0*", "e*h0"},
		{"*", "eth0 eth1 veth7 e*h0"},
		{"l?", ""}, /* a pattern never takes the loopback interface */
		{"lo", "lo"},
		{"* lo", "eth0 eth1 veth7 lo e*h0"},
		{"*alternative*", "eth0"},
		{"default", "eth0"},
		{"default veth7", "eth0 veth7"},
		{"* !eth0", "eth1 veth7 e*h0"},
		{"!eth0 *", "eth1 veth7 e*h0"},
		{"* !enp0s3", "eth1 veth7 e*h0"}, /* by any of its names */
		{"* !default", "eth1 veth7 e*h0"},
		{"eth0 eth1 !eth*", ""},
		{"eth* !veth* !eth1", "eth0"},
		{"veth7 !eth0", "veth7"},
		{"!eth0", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].selection);
		assert_string_equal(had(cases[i].selection), cases[i].links);
	}
}

static void test_terms(void **state)
{
	const char *at = "eth0 !veth* default";
	struct selection_term term;

	(void)state;
	assert_true(selection_next(&at, &term));
	assert_int_equal(term.kind, SELECT_NAME);
	assert_false(term.leaves_out);
	assert_string_equal(term.text, "eth0");
	assert_true(selection_next(&at, &term));
	assert_int_equal(term.kind, SELECT_PATTERN);
	assert_true(term.leaves_out);
	assert_string_equal(term.text, "veth*");
	assert_true(selection_next(&at, &term));
	assert_int_equal(term.kind, SELECT_DEFAULT);
	assert_false(selection_next(&at, &term));
	assert_false(selection_next(&at, &term));
}

static void test_routes(void **state)
{
	(void)state;
	assert_true(selection_asks_routes("eth0 default"));
	assert_true(selection_asks_routes("* !default"));
	assert_false(selection_asks_routes("eth0 default0 *default"));
}

static const char *selection_of(const char *value)
{
	static char text[256];
	struct config *config;

	snprintf(text, sizeof(text), "instances:\n- interface: %s\n  ips: ['::1']\n", value);
	config = config_of(text);
	snprintf(text, sizeof(text), "%s", config->instances[0].interface);
	config_free(config);
	return text;
}

static void test_read(void **state)
{
	(void)state;
	assert_string_equal(selection_of("eth0"), "eth0");
	assert_string_equal(selection_of("[eth0]"), "eth0");
	assert_string_equal(selection_of("veth*"), "veth*");
	assert_string_equal(selection_of("[default, 'cali*', \"!cali7\", eth0]"),
			    "default cali* !cali7 eth0");
	assert_string_equal(selection_of("\n  - \"*\"\n  - \"!lo\""), "* !lo");
	assert_string_equal(selection_of("eth[[:digit:]]"), "eth[[:digit:]]");
}

/* A list as long as may be, of terms as long as may be. */
static void test_long(void **state)
{
	static char text[1100 * 140];
	struct capture file, said;
	struct config *config;
	const char *at;
	struct selection_term term;
	size_t length, count = 0;

	(void)state;
	length = (size_t)sprintf(text, "instances:\n- ips: ['::1']\n  interface:\n");
	for (int i = 0; i < 1001; i++)
		length += (size_t)sprintf(text + length, "  - \"%.120s*%d\"\n",
					  "................................................"
					  "................................................"
					  "........................",
					  i);
	close(capture_file(&file));
	write_text(file.path, text);
	log_capture(&said);
	assert_int_equal(config_load(file.path, &config), -EINVAL);
	log_release(&said);
	capture_free(&file);
	*strstr(text, "  - \"") = '#';
	config = config_of(text);
	at = config->instances[0].interface;
	while (selection_next(&at, &term))
		count++;
	assert_int_equal(count, 1000);
	assert_int_equal(strlen(term.text), 125);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_has),    cmocka_unit_test(test_terms),
		cmocka_unit_test(test_routes), cmocka_unit_test(test_read),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("selection", tests, NULL, NULL);
}
