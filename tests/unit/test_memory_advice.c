/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is said of a need and a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "caught_log.h"
#include "memory_advice.h"
#include "memory_terms.h"
#include "plans.h"

#define MIB 1048576ull

static const struct memory_limit none = {MEMORY_UNLIMITED, ""};
static const struct memory_limit small = {16 * MIB, "memory.max of /pod"};
static const struct memory_limit locked = {4 * MIB, "RLIMIT_MEMLOCK"};
static const struct memory_need need = {
	.flows = 15 * MIB,
	.buckets = MIB / 2,
	.peers = MIB,
	.series = 2 * MIB,
	.changing = 3 * MIB,
	.start = 30 * MIB,
	.loading = 29 * MIB,
	.most = 32 * MIB,
};

static void explain(const char *expected, int err, bool charged, const struct memory_limit *limit)
{
	char reason[BACKEND_REASON] = "loading: it failed";

	memory_explain(&need, err, charged, limit, &locked, reason);
	assert_string_equal(reason, expected);
}

static void test_failures_are_explained(void **state)
{
	(void)state;
	explain("loading: it failed; it takes 30.0 MiB at the start, 15.5 of them for max_flows, "
		"and the limit is 16.0 MiB (memory.max of /pod): raise it, or lower max_flows",
		-ENOMEM, true, &small);
	explain("loading: it failed; it takes 30.0 MiB at the start, 15.5 of them for max_flows",
		-ENOMEM, true, &none);
	explain("loading: it failed", -EPERM, true, &small);
	explain("loading: it failed", -ENODEV, true, &small);
}

static void test_locked_memory_is_explained(void **state)
{
	(void)state;
	explain("loading: it failed; it takes 30.0 MiB at the start, 15.5 of them for max_flows, "
		"and the limit is 4.0 MiB (RLIMIT_MEMLOCK): raise it, or lower max_flows",
		-EPERM, false, &none);
	explain("loading: it failed", -ENODEV, false, &small);
}

static void test_a_long_reason_is_cut(void **state)
{
	char reason[BACKEND_REASON];

	(void)state;
	memset(reason, 'x', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	memory_explain(&need, -ENOMEM, true, &small, &locked, reason);
	assert_int_equal(strlen(reason), sizeof(reason) - 1);
}

static void test_warning(void **state)
{
	struct memory_need many = need;

	(void)state;
	memory_warn(&need, true, &none);
	assert_string_equal(capture_read(&capture), "");
	memory_warn(&need, true, &small);
	assert_non_null(strstr(capture_read(&capture),
			       "WARNING up to 32.0 MiB may be needed with BPF (15.5 for max_flows, "
			       "1.0 for peers, 2.0 for series, 3.0 for a moment"
			       "), and the limit is 16.0 MiB (memory.max of /pod), beyond "
			       "which the kernel ends this process: lower max_flows, or raise the "
			       "limit"));
	many.peers = 40 * MIB;
	memory_warn(&many, false, &small);
	assert_non_null(strstr(capture_read(&capture), "networks in place of addresses"));
	many.series = 50 * MIB;
	memory_warn(&many, false, &small);
	assert_non_null(strstr(capture_read(&capture), "set max_series"));
}

/* What fits to the byte is enough. */
static void test_enough(void **state)
{
	const struct memory_limit enough = {32 * MIB, "memory.max"};

	(void)state;
	memory_warn(&need, true, &enough);
	assert_string_equal(capture_read(&capture), "");
}

static const char instances[] = "init_config: {max_flows: 1000, max_series: 70, reverse_names: no,"
				" metrics: [avg, p95]}\n"
				"instances:\n"
				"- {interface: eth0, ips: [10.0.0.1, 10.1.0.0/16, '::/0']}\n"
				"- {interface: eth0, ips: [10.0.0.2], hosts: [a.example]}\n"
				"- {interface: eth1, ips: [10.0.0.3]}\n"
				"- {interface: file, pcap: x.pcap, ips: [10.0.0.3]}\n";

static const struct links no_links = {};

static void test_terms(void **state)
{
	struct config *config = config_of(instances);
	struct memory_terms terms = memory_terms_of(config, &no_links, 8, true);

	(void)state;
	assert_true(terms.bpf);
	assert_int_equal(terms.max_flows, 1000);
	assert_int_equal(terms.marks, 8);
	assert_int_equal(terms.interfaces, 2);
	assert_int_equal(terms.addresses, 4);
	assert_int_equal(terms.networks, 2);
	assert_int_equal(terms.pairs, 4);
	assert_int_equal(terms.filtered, 6);
	assert_int_equal(terms.max_series, 70);
	assert_true(terms.quantiles);
	assert_false(terms.distribution);
	assert_false(terms.reverse_names);
	assert_true(terms.cpus > 0);
	config_free(config);
}

/* veth1 and veth2 share a set, eth0 has another, and eth9 is not there. */
static void test_terms_of_patterns(void **state)
{
	static struct link at[] = {
		{.interface = {.name = "eth0", .ifindex = 2}, .altnames = ""},
		{.interface = {.name = "veth1", .ifindex = 3}, .altnames = ""},
		{.interface = {.name = "veth2", .ifindex = 4}, .altnames = ""},
		{.interface = {.name = "other", .ifindex = 5}, .altnames = ""},
	};
	static const struct links links = {.at = at, .count = 4, .whole = true};
	struct config *config =
		config_of("instances:\n"
			  "- {interface: 'veth*', ips: [10.0.0.1, 10.0.0.2, 10.1.0.0/16]}\n"
			  "- {interface: ['veth*', eth0], ips: [10.0.0.3]}\n"
			  "- {interface: eth9, ips: [10.0.0.4]}\n");
	struct memory_terms terms = memory_terms_of(config, &links, 32, false);

	(void)state;
	assert_int_equal(terms.interfaces, 4);
	assert_int_equal(terms.addresses, 3 + 1 + 1);
	assert_int_equal(terms.networks, 1);
	assert_int_equal(terms.pairs, 2 * 3 + 1 + 1);
	assert_int_equal(terms.filtered, 2 * 4 + 1 + 1);
	config_free(config);
}

static void test_sum(void **state)
{
	struct config *config = config_of(instances);
	char text[MEMORY_SUM];

	(void)state;
	memory_sum(text, config, &no_links, 32, BACKEND_AUTO, &small);
	assert_non_null(strstr(text, "memory, at most: "));
	assert_non_null(strstr(text, " MiB with BPF (max_flows 0.5, "));
	assert_non_null(strstr(text, "; "));
	assert_non_null(strstr(text, " MiB with libpcap (max_flows 0.6, "));
	assert_non_null(strstr(text, " and 16.0 MiB of the host's, for rings; the limit is 16.0 "
				     "MiB (memory.max of /pod)"));
	memory_sum(text, config, &no_links, 32, BACKEND_BPF, &none);
	assert_null(strstr(text, "libpcap"));
	assert_non_null(strstr(text, "; there is no limit"));
	memory_sum(text, config, &no_links, 32, BACKEND_PCAP, &none);
	assert_null(strstr(text, "BPF"));
	config_free(config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, catch_log, release_log)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_failures_are_explained),
		TEST(test_locked_memory_is_explained),
		TEST(test_a_long_reason_is_cut),
		TEST(test_warning),
		TEST(test_enough),
		TEST(test_terms),
		TEST(test_terms_of_patterns),
		TEST(test_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
