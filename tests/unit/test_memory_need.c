/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The model of what memory is needed, beside what a memory control group was charged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "memory_need.h"

/* ---- against what was measured (Linux 6.18, two CPUs; docs/memory.md) ---- */

struct measured {
	struct memory_terms terms;
	double start_mb; /* the highest charge until measuring had begun; 0: not measured */
	double most_mb;  /* .. and ever: table full, or peers changed; 0: not measured */
};

#define BPF(flows, marks_, count)                                                                  \
	.bpf = true, .max_flows = flows, .marks = marks_, .interfaces = count
#define PCAP(flows, marks_, count)                                                                 \
	.max_flows = flows, .marks = marks_, .interfaces = count, .pcap_buffer = 8 << 20

static const struct measured measured[] = {
	{{BPF(1000, 8, 1), .addresses = 1}, 19.5, 0},
	{{BPF(1000, 32, 1), .addresses = 1}, 19.7, 0},
	{{BPF(32768, 8, 1), .addresses = 1}, 28.9, 0},
	{{BPF(32768, 32, 1), .addresses = 1}, 35.0, 35.0},
	{{BPF(32768, 64, 1), .addresses = 1}, 43.4, 0},
	{{BPF(1048576, 8, 1), .addresses = 1}, 325.2, 0},
	{{BPF(1048576, 32, 1), .addresses = 1}, 526.6, 0},
	{{BPF(1048576, 64, 1), .addresses = 1}, 795.2, 0},
	{{BPF(1000, 32, 20), .addresses = 20}, 19.6, 0},
	{{BPF(1000, 32, 200), .addresses = 200}, 19.8, 0},
	{{BPF(1000, 32, 1), .addresses = 1000}, 20.0, 0},
	{{BPF(1000, 32, 1), .addresses = 100000}, 44.5, 104.4}, /* and as many others */
	{{BPF(1000, 32, 1), .addresses = 100000, .reverse_names = true}, 60.7, 0},
	{{BPF(1000, 32, 2), .addresses = 100000, .arriving = true}, 57.4, 0},
	{{BPF(1000, 32, 1), .networks = 100000}, 45.6, 108.4},
	{{BPF(32768, 32, 20), .addresses = 100000}, 59.7, 0},
	{{BPF(32768, 32, 200), .addresses = 1000}, 35.3, 0},
	{{BPF(1048576, 64, 200), .addresses = 100000}, 819.9, 0},
	{{BPF(32768, 32, 1), .networks = 1}, 34.9, 46.6}, /* with 32,768 series */
	{{BPF(32768, 32, 1), .networks = 1, .quantiles = true}, 0, 65.7},
	{{BPF(32768, 32, 1), .networks = 1, .distribution = true}, 0, 61.6},
	{{PCAP(1000, 32, 1), .addresses = 1}, 1.2, 0},
	{{PCAP(32768, 8, 1), .addresses = 1}, 0, 14.6},
	{{PCAP(32768, 32, 1), .addresses = 1}, 1.2, 21.0},
	{{PCAP(32768, 64, 1), .addresses = 1}, 0, 29.1},
	{{PCAP(1048576, 32, 1), .addresses = 1}, 1.2, 639.7},
	{{PCAP(32768, 32, 1), .networks = 1}, 0, 46.5}, /* with 32,768 series */
	{{PCAP(1000, 32, 20), .addresses = 20}, 1.9, 0},
	{{PCAP(1000, 32, 200), .addresses = 200}, 7.4, 0},
	{{PCAP(32768, 32, 1), .addresses = 1000, .reverse_names = true}, 1.7, 0},
	{{PCAP(32768, 32, 20), .addresses = 1000}, 2.4, 0},
	{{PCAP(1048576, 64, 200), .addresses = 100000}, 38.8, 0},
	{{PCAP(1000, 32, 1), .addresses = 100000}, 27.3, 72.6},
	{{PCAP(1000, 32, 1), .networks = 100000}, 27.6, 0},
};

static void assert_near(double need, double mb)
{
	if (!mb)
		return;
	assert_true(need / 1e6 < mb * 1.15);
	assert_true(need / 1e6 > mb * 0.85);
}

static void test_measured(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(measured); i++) {
		struct memory_terms terms = measured[i].terms;
		struct memory_need need;

		terms.cpus = 2;
		terms.pairs = terms.addresses; /* each is on one interface */
		terms.filtered = terms.addresses + terms.networks;
		if (terms.filtered > MEMORY_FILTERED * terms.interfaces)
			terms.filtered = MEMORY_FILTERED * terms.interfaces;
		terms.verifier_is_charged = true;
		need = memory_need_of(&terms);
		print_message("%zu: %.1f and %.1f MB, measured %.1f and %.1f\n", i,
			      (double)need.start / 1e6, (double)need.most / 1e6,
			      measured[i].start_mb, measured[i].most_mb);
		assert_near((double)need.start, measured[i].start_mb);
		assert_near((double)need.most, measured[i].most_mb);
	}
}

/* ---- how it hangs together ---- */

static const struct memory_terms usual = {BPF(32768, 32, 1), .addresses = 10, .pairs = 10,
					  .cpus = 4, .verifier_is_charged = true};

static void test_sums(void **state)
{
	struct memory_need need = memory_need_of(&usual);

	(void)state;
	assert_true(need.start <= need.most);
	assert_true(need.loading > need.flows + need.buckets + need.ring + need.verifying);
	assert_true(need.start >= need.loading + need.process);
	assert_int_equal(need.rings, 0);
	assert_true(need.ring > 0);
}

static void test_programs_may_come_late(void **state)
{
	struct memory_terms terms = usual;
	struct memory_need all, late;

	(void)state;
	terms.addresses = terms.pairs = 0;
	terms.networks = 1; /* of which as many series may come as there are flows */
	all = memory_need_of(&terms);
	terms.arriving = true;
	late = memory_need_of(&terms);
	assert_true(late.most > all.most + late.verifying / 2);
}

static void test_pcap_has_no_part_in_the_kernel(void **state)
{
	struct memory_terms terms = usual;
	struct memory_need need;

	(void)state;
	terms.bpf = false;
	terms.interfaces = 3;
	terms.pcap_buffer = 8 * 1024 * 1024;
	need = memory_need_of(&terms);
	assert_int_equal(need.ring, 0);
	assert_int_equal(need.verifying, 0);
	assert_int_equal(need.rings, 3 * 8 * 1024 * 1024);
	terms.interfaces = 200; /* that share */
	assert_int_equal(memory_need_of(&terms).rings, 5 * 8 * 1024 * 1024);
	assert_true(need.start < need.flows); /* which comes later */
	assert_true(need.most > need.flows);
}

static void test_earlier_kernels_verify_for_nothing(void **state)
{
	struct memory_terms terms = usual;
	struct memory_need now = memory_need_of(&usual), before;

	(void)state;
	terms.verifier_is_charged = false;
	before = memory_need_of(&terms);
	assert_true(before.start < now.start);
	assert_true(before.flows == now.flows);
}

static __u64 series(struct memory_terms terms)
{
	return memory_need_of(&terms).series /
	       memory_need_of(&(struct memory_terms){.max_flows = 1, .pairs = 1}).series;
}

static void test_series_are_bounded(void **state)
{
	struct memory_terms terms = usual;

	(void)state;
	assert_int_equal(series(terms), 10); /* addresses on one interface */
	terms.pairs = 30;
	assert_int_equal(series(terms), 30);
	terms.networks = 1;
	assert_int_equal(series(terms), 32768); /* one for each connection */
	terms.max_series = 500;
	assert_int_equal(series(terms), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_measured),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_programs_may_come_late),
		cmocka_unit_test(test_pcap_has_no_part_in_the_kernel),
		cmocka_unit_test(test_earlier_kernels_verify_for_nothing),
		cmocka_unit_test(test_series_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
