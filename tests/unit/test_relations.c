/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Of which interfaces it is said that they count the same packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plans.h"
#include "relations.h"

#define HERE .lower_netns = -1
#define LINK(index, n, k, ...)                                                                     \
	{                                                                                          \
		.interface = {.name = n, .ifindex = index}, .kind = k, .altnames = "", __VA_ARGS__ \
	}

static struct link some[] = {
	LINK(2, "eth0", "", .master = 9, HERE),
	LINK(3, "eth1", "", .master = 9, HERE),
	LINK(4, "eth2", "", HERE),
	LINK(5, "eth2.7", "vlan", .lower = 4, HERE),
	LINK(6, "veth0", "veth", .lower = 7, HERE),
	LINK(7, "veth1", "veth", .lower = 6, HERE),
	LINK(8, "gre0", "gre", .lower = 4, HERE),
	LINK(9, "bond0", "bond", HERE),
	LINK(10, "macvlan0", "macvlan", .lower = 4),
	LINK(11, "br0", "bridge", HERE),
	LINK(12, "p0", "veth", .master = 11, HERE),
	LINK(13, "p1", "veth", .master = 11, HERE),
	LINK(14, "p2", "veth", .master = 11, HERE),
	LINK(15, "p3", "veth", .master = 11, HERE),
};
static const struct links links = {
	.at = some, .count = sizeof(some) / sizeof(*some), .whole = true};

static const char *said(const char *selection)
{
	static char text[1024];
	struct capture capture;
	struct relations relations = {};
	struct config *config;

	snprintf(text, sizeof(text), "instances:\n- {interface: %s, ips: ['::1']}\n", selection);
	config = config_of(text);
	log_capture(&capture);
	for (int i = 0; i < 3; i++)
		relations_look(&relations, config, &links);
	snprintf(text, sizeof(text), "%s", capture_read(&capture));
	relations_look(&relations, config, &links);
	assert_string_equal(capture_read(&capture), text);
	log_release(&capture);
	relations_forget(&relations);
	config_free(config);
	return text;
}

static void test_said(void **state)
{
	static const char twice[] = ": what passes both is counted twice; ";
	static const struct {
		const char *selection, *first, *last;
	} cases[] = {
		{"['bond0', 'eth[01]']",
		 "instances[0] measures bond0 (bond) and eth0, eth1 (in it)",
		 "\"!bond0\" leaves one side out"},
		{"[bond0, eth1]", "instances[0] measures bond0 (bond) and eth1 (in it)",
		 "\"!bond0\" leaves one side out"},
		{"[eth2.7, eth2]", "instances[0] measures eth2.7 (vlan) and eth2 (its parent)",
		 "\"!eth2.7\" leaves one side out"},
		{"['*0', 'p*', '!bond0']",
		 "instances[0] measures br0 (bridge) and p0, p1, p2, ... (its ports)",
		 "\"!br0\" leaves one side out"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char expected[256];
		const char *text = said(cases[i].selection);

		snprintf(expected, sizeof(expected), "WARNING %s%s%s\n", cases[i].first, twice,
			 cases[i].last);
		assert_non_null(strstr(text, expected));
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	}
}

/* What comes again is another one; and of those that are gone nothing is kept. */
static void test_gone(void **state)
{
	const struct links without = {.at = some, .count = 9, .whole = true};
	const struct links torn = {.at = some, .count = 9};
	struct config *config = config_of("instances:\n- {interface: '*', ips: ['::1']}\n");
	struct relations relations = {};
	struct capture capture;

	(void)state;
	log_capture(&capture);
	relations_look(&relations, config, &links);
	relations_look(&relations, config, &torn);
	relations_look(&relations, config, &links);
	assert_int_equal(count_of(capture_read(&capture), "measures br0"), 1);
	relations_look(&relations, config, &without);
	relations_look(&relations, config, &links);
	assert_int_equal(count_of(capture_read(&capture), "measures br0"), 2);
	assert_int_equal(count_of(capture_read(&capture), "measures bond0"), 1);
	log_release(&capture);
	relations_forget(&relations);
	config_free(config);
}

static void test_not_said(void **state)
{
	static const char *const cases[] = {
		"[eth0, eth1]", "[bond0, eth2]", "[veth0, veth1]",   "[gre0, eth2]",
		"[p0, p1, p2]", "'veth*'",       "[macvlan0, eth2]", "[br0, p*, '!p*']",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(said(cases[i]), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_not_said),
	};

	return cmocka_run_group_tests_name("relations", tests, NULL, NULL);
}
