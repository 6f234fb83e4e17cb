/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From answers to the one cause: what a table of answers rules out, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "lines.h"
#include "probe_cause.h"

static struct probes probes;

/* Everything is as it should be on a current kernel, for root. */
static void all_is_well(void)
{
	memset(&probes, 0, sizeof(probes));
	for (enum probe_row row = 0; row < PROBE_ROWS; row++)
		probe_answer(&probes.results[row], PROBE_YES, "well");
	probes.held.bounding = UINT64_MAX;
}

static void answer(enum probe_row row, enum probe_answer answer)
{
	probe_answer(&probes.results[row], answer, "reason");
}

/* Without privileges, nothing of BPF can be asked. */
static void answer_bpf_unknown(void)
{
	for (enum probe_row row = PROBE_MAP; row <= PROBE_VERIFIER; row++)
		answer(row, PROBE_UNKNOWN);
	answer(PROBE_TCX, PROBE_UNKNOWN);
}

/* ---- which row ---- */

static const struct {
	enum probe_row no[4]; /* ended by PROBE_KERNEL, which decides nothing */
	int err;
	enum probe_row cause;
} cases[] = {
	{{PROBE_KERNEL}, 0, PROBE_ROWS},
	{{PROBE_KERNEL}, -ENOMEM, PROBE_ROWS},
	{{PROBE_SYSCALL}, 0, PROBE_SYSCALL},
	{{PROBE_USER_NAMESPACE}, 0, PROBE_USER_NAMESPACE},
	{{PROBE_SECCOMP}, 0, PROBE_SECCOMP},
	{{PROBE_CAP_BPF}, 0, PROBE_CAP_BPF},
	{{PROBE_LOCKED_MEMORY}, 0, PROBE_LOCKED_MEMORY},
	{{PROBE_LOCKED_MEMORY}, -EPERM, PROBE_LOCKED_MEMORY},

	/* The first that must be out of the way. */
	{{PROBE_SYSCALL, PROBE_SECCOMP, PROBE_CAP_BPF}, 0, PROBE_SYSCALL},
	{{PROBE_USER_NAMESPACE, PROBE_SECCOMP, PROBE_CAP_BPF}, 0, PROBE_USER_NAMESPACE},
	{{PROBE_SECCOMP, PROBE_CAP_BPF}, 0, PROBE_CAP_BPF},
	{{PROBE_SECCOMP, PROBE_LOCKED_MEMORY}, 0, PROBE_SECCOMP},

	/* What only a failure of its kind makes a cause. */
	{{PROBE_MAP}, 0, PROBE_ROWS},
	{{PROBE_MAP}, -EACCES, PROBE_MAP},
	{{PROBE_RING_BUFFER}, 0, PROBE_ROWS},
	{{PROBE_RING_BUFFER}, -EINVAL, PROBE_RING_BUFFER},
	{{PROBE_LOCK}, -EINVAL, PROBE_LOCK},
	{{PROBE_TC}, -EINVAL, PROBE_TC},
	{{PROBE_MEMORY}, 0, PROBE_ROWS},
	{{PROBE_MEMORY}, -ENOMEM, PROBE_MEMORY},
	{{PROBE_MEMORY}, -EINVAL, PROBE_ROWS},

	/* What BPF does without. */
	{{PROBE_CAP_NET_RAW, PROBE_CAP_SYS_ADMIN, PROBE_CAP_SYS_PTRACE}, 0, PROBE_ROWS},
	{{PROBE_UNPRIVILEGED, PROBE_LOCKDOWN, PROBE_JIT}, 0, PROBE_ROWS},
	{{PROBE_BTF, PROBE_XDP, PROBE_TCX}, -EINVAL, PROBE_ROWS},
	{{PROBE_CLSACT, PROBE_PACKETS, PROBE_PACKET_RING}, -EINVAL, PROBE_ROWS},

	/* CAP_PERFMON counts if the verifier minds. */
	{{PROBE_CAP_PERFMON}, 0, PROBE_ROWS},
	{{PROBE_VERIFIER}, 0, PROBE_ROWS},
	{{PROBE_CAP_PERFMON, PROBE_VERIFIER}, 0, PROBE_CAP_PERFMON},
	{{PROBE_CAP_PERFMON, PROBE_VERIFIER, PROBE_SECCOMP}, 0, PROBE_SECCOMP},

	/* CAP_SYS_ADMIN and TCX together do for CAP_NET_ADMIN. */
	{{PROBE_CAP_NET_ADMIN}, 0, PROBE_ROWS},
	{{PROBE_CAP_NET_ADMIN, PROBE_TCX}, 0, PROBE_CAP_NET_ADMIN},
	{{PROBE_CAP_NET_ADMIN, PROBE_CAP_SYS_ADMIN}, 0, PROBE_CAP_NET_ADMIN},
};

static void test_one_row_is_the_cause(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum probe_row cause;

		all_is_well();
		for (size_t j = 0; cases[i].no[j] != PROBE_KERNEL; j++)
			answer(cases[i].no[j], PROBE_NO);
		cause = probe_obstacle(&probes, cases[i].err);
		if (cause != cases[i].cause)
			fail_msg("case %zu: %s", i,
				 cause < PROBE_ROWS ? probe_name(cause) : "no cause");
	}
}

static void test_what_was_not_asked_is_no_cause(void **state)
{
	(void)state;
	memset(&probes, 0, sizeof(probes));
	assert_int_equal(probe_obstacle(&probes, 0), PROBE_ROWS);
	for (enum probe_row row = 0; row < PROBE_ROWS; row++)
		answer(row, PROBE_UNKNOWN);
	assert_int_equal(probe_obstacle(&probes, -EPERM), PROBE_ROWS);
}

/* ---- in which words ---- */

static void expect(enum probe_row row, const char *words)
{
	char reason[BACKEND_REASON] = "";

	assert_int_equal(probe_obstacle(&probes, 0), row);
	probe_explain(&probes, row, reason);
	if (!strstr(reason, words))
		fail_msg("\"%s\" has no \"%s\"", reason, words);
	assert_true(strlen(reason) < BACKEND_REASON - 1); /* it was not cut */
}

static void test_missing_capabilities_are_named_together(void **state)
{
	(void)state;
	all_is_well();
	answer_bpf_unknown();
	answer(PROBE_CAP_SYS_ADMIN, PROBE_NO);
	answer(PROBE_CAP_BPF, PROBE_NO);
	expect(PROBE_CAP_BPF, "CAP_BPF is missing, ");
	answer(PROBE_CAP_NET_ADMIN, PROBE_NO);
	expect(PROBE_CAP_BPF, "CAP_BPF and CAP_NET_ADMIN are missing, ");
	answer(PROBE_CAP_PERFMON, PROBE_NO);
	expect(PROBE_CAP_BPF, "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are missing, ");
	answer(PROBE_CAP_NET_ADMIN, PROBE_YES);
	expect(PROBE_CAP_BPF, "CAP_BPF and CAP_PERFMON are missing, ");
	answer(PROBE_CAP_BPF, PROBE_YES);
	answer(PROBE_VERIFIER, PROBE_NO);
	expect(PROBE_CAP_PERFMON, "CAP_PERFMON is missing, ");
}

static void test_the_cure_is_where_they_are_lost(void **state)
{
	const __u64 all = 1ull << CAP_BPF | 1ull << CAP_NET_ADMIN | 1ull << CAP_PERFMON;

	(void)state;
	all_is_well();
	answer_bpf_unknown();
	answer(PROBE_CAP_SYS_ADMIN, PROBE_NO);
	answer(PROBE_CAP_BPF, PROBE_NO);
	answer(PROBE_CAP_NET_ADMIN, PROBE_NO);
	answer(PROBE_CAP_PERFMON, PROBE_NO);
	probes.held.bounding = all;
	expect(PROBE_CAP_BPF, "setcap(8)");
	probes.held.no_new_privs = true;
	expect(PROBE_CAP_BPF, "no_new_privs");
	probes.held.bounding = all & ~(1ull << CAP_PERFMON);
	expect(PROBE_CAP_BPF, "--cap-add");
}

static void test_each_cause_has_a_cure(void **state)
{
	static const struct {
		enum probe_row row;
		const char *words;
	} cures[] = {
		{PROBE_SYSCALL, "another kernel"},
		{PROBE_USER_NAMESPACE, "hostUsers: true"},
		{PROBE_SECCOMP, "seccomp=unconfined"},
		{PROBE_LOCKED_MEMORY, "LimitMEMLOCK="},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cures); i++) {
		all_is_well();
		answer(cures[i].row, PROBE_NO);
		expect(cures[i].row, cures[i].words);
	}
}

/* ---- asking ---- */

static void test_a_row_is_asked_once(void **state)
{
	const struct probe_terms terms = {};
	const struct probe_result *result;

	(void)state;
	probes_begin(&probes, &terms);
	assert_int_equal(probes.results[PROBE_KERNEL].answer, PROBE_NOT_ASKED);
	result = probe_ask(&probes, PROBE_KERNEL);
	assert_int_equal(result->answer, PROBE_YES);
	assert_non_null(strstr(result->reason, "Linux "));
	probe_answer(&probes.results[PROBE_KERNEL], PROBE_NO, "another");
	assert_ptr_equal(probe_ask(&probes, PROBE_KERNEL), result);
	assert_string_equal(result->reason, "another");
}

static void test_every_row_has_a_name_and_an_answer(void **state)
{
	struct probe_terms terms = {.settings = {.marks = MARKS_DEFAULT, .max_flows = 16}};

	(void)state;
	probes_begin(&probes, &terms);
	for (enum probe_row row = 0; row < PROBE_ROWS; row++) {
		const struct probe_result *result = probe_ask(&probes, row);

		assert_true(strlen(probe_name(row)) < 24);
		assert_true(strlen(probe_use(row)) < 26);
		assert_int_not_equal(result->answer, PROBE_NOT_ASKED);
		assert_true(*result->reason);
	}
}

static bool take_effective(void *arg, char *line)
{
	return sscanf(line, "CapEff: %llx", (unsigned long long *)arg) == 1;
}

static void test_capabilities_are_those_of_proc(void **state)
{
	struct capability_sets sets;
	unsigned long long effective;

	(void)state;
	capability_sets_read(&sets);
	assert_true(lines_each("/proc/self/status", take_effective, &effective));
	assert_int_equal(sets.effective, effective);
	for (int i = 0; i < 64; i++)
		assert_int_equal(capability_is_effective(i), effective >> i & 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_row_is_the_cause),
		cmocka_unit_test(test_what_was_not_asked_is_no_cause),
		cmocka_unit_test(test_missing_capabilities_are_named_together),
		cmocka_unit_test(test_the_cure_is_where_they_are_lost),
		cmocka_unit_test(test_each_cause_has_a_cure),
		cmocka_unit_test(test_a_row_is_asked_once),
		cmocka_unit_test(test_every_row_has_a_name_and_an_answer),
		cmocka_unit_test(test_capabilities_are_those_of_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
