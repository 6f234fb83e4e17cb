/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Filters at a clsact qdisc, beside those of others, on a link of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "capture.h"
#include "clsact.h"
#include "namespace.h"
#include "tc_dump.h"

#define IFINDEX 70

static struct capture capture;
static int egress, ingress; /* programs */

/* Lets every packet pass. */
static int load_program(void)
{
	const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "metro_test", "GPL", program, 2, NULL);
}

/* In a namespace with a link that has no qdisc; skips the test where that or BPF is not allowed. */
static void begin(void)
{
	enter_namespace();
	egress = load_program();
	ingress = load_program();
	if (egress < 0 || ingress < 0) {
		print_message("# no BPF here: %s\n", strerror(errno));
		skip();
	}
	add_link("m0", IFINDEX);
	log_capture(&capture);
}

static void end(void)
{
	log_release(&capture);
	close(egress);
	close(ingress);
}

static struct clsact *opened(void)
{
	struct clsact *clsact = NULL;

	assert_int_equal(clsact_open(&clsact, IFINDEX, egress, ingress), 0);
	return clsact;
}

/* Where a bpf-metro puts its filter, and says that one made the qdisc. */
#define SOME_HANDLE (0x6d000000u | 0x00800000u | 5)

static void on_filter(void *arg, const struct tc_filter *filter)
{
	(void)filter;
	++*(int *)arg;
}

static int filters(bool on_ingress)
{
	int count = 0;

	assert_int_equal(tc_filters(IFINDEX, on_ingress, on_filter, &count), 0);
	return count;
}

static void assert_state(enum tc_qdisc qdisc, int out, int in)
{
	assert_int_equal(tc_qdisc(IFINDEX), qdisc);
	assert_int_equal(filters(false), out);
	assert_int_equal(filters(true), in);
}

static struct bpf_tc_hook *hook(enum bpf_tc_attach_point point)
{
	static struct bpf_tc_hook it; /* static: its padding is 0, as libbpf wants it */

	it.sz = sizeof(it);
	it.ifindex = IFINDEX;
	it.attach_point = point;
	return &it;
}

static void others_make_qdisc(void)
{
	assert_int_equal(bpf_tc_hook_create(hook(BPF_TC_EGRESS)), 0);
}

static void others_attach(enum bpf_tc_attach_point point, __u32 handle, __u32 priority)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority, .prog_fd = egress,
		    .flags = BPF_TC_F_REPLACE);

	assert_int_equal(bpf_tc_attach(hook(point), &opts), 0);
}

/* What another tool does that cleans up too much. */
static void others_flush(const char *side)
{
	char command[64];

	snprintf(command, sizeof(command), "tc filter del dev m0 %s", side);
	assert_true(run_tool(command));
}

/* ---- the qdisc ---- */

static void test_qdisc(void **state)
{
	struct clsact *clsact;

	(void)state;
	begin();
	assert_state(TC_QDISC_NONE, 0, 0);
	clsact = opened();
	assert_state(TC_QDISC_CLSACT, 1, 1);
	assert_int_equal(clsact_check(clsact), 0);
	clsact_close(clsact);
	assert_state(TC_QDISC_NONE, 0, 0);
	clsact_close(NULL);
	assert_string_equal(capture_read(&capture), "");
	end();
}

/* Where XDP takes what comes in. */
static void test_egress_alone(void **state)
{
	struct clsact *clsact = NULL;

	(void)state;
	begin();
	assert_int_equal(clsact_open(&clsact, IFINDEX, egress, -1), 0);
	assert_state(TC_QDISC_CLSACT, 1, 0);
	assert_int_equal(clsact_check(clsact), 0);
	clsact_close(clsact);
	assert_state(TC_QDISC_NONE, 0, 0);
	end();
}

static void test_others_qdisc(void **state)
{
	(void)state;
	begin();
	others_make_qdisc();
	clsact_close(opened());
	assert_state(TC_QDISC_CLSACT, 0, 0);
	end();
}

/* Ours, but somebody else uses it by now. */
static void test_others_filter(void **state)
{
	struct clsact *clsact;

	(void)state;
	begin();
	clsact = opened();
	others_attach(BPF_TC_EGRESS, 1, 9);
	assert_state(TC_QDISC_CLSACT, 2, 1);
	assert_int_equal(clsact_check(clsact), 0);
	clsact_close(clsact);
	assert_state(TC_QDISC_CLSACT, 1, 0);
	end();
}

/* Filters that were there come before ours, and may end the chain there. */
static void test_others_before(void **state)
{
	struct clsact *clsact;

	(void)state;
	begin();
	others_make_qdisc();
	assert_true(run_tool(
		"tc filter add dev m0 egress pref 1 protocol all u32 match u32 0 0 flowid 1:1"));
	clsact = opened();
	assert_int_equal(count_of(capture_read(&capture),
				  "other filters come before ours and may keep packets from ours"),
			 1);
	clsact_close(clsact);
	assert_int_equal(tc_qdisc(IFINDEX), TC_QDISC_CLSACT);
	end();
}

static void test_ingress_qdisc(void **state)
{
	struct clsact *clsact = NULL;

	(void)state;
	begin();
	assert_true(run_tool("tc qdisc add dev m0 ingress"));
	assert_int_equal(clsact_open(&clsact, IFINDEX, egress, ingress), -EEXIST);
	assert_null(clsact);
	assert_int_equal(tc_qdisc(IFINDEX), TC_QDISC_INGRESS);
	end();
}

/* Half is nothing: the side that could be attached is left again, and the qdisc with it. */
static void test_bad_program(void **state)
{
	struct clsact *clsact = NULL;

	(void)state;
	begin();
	assert_true(clsact_open(&clsact, IFINDEX, egress, 0) < 0);
	assert_null(clsact);
	assert_state(TC_QDISC_NONE, 0, 0);
	assert_int_equal(clsact_open(&clsact, IFINDEX + 7, egress, ingress), -ENODEV);
	end();
}

/* ---- what others undo ---- */

static void test_removed(void **state)
{
	static const char *const sides[] = {"egress", "ingress"};

	(void)state;
	begin();
	for (int side = 0; side < 2; side++) {
		struct clsact *clsact = opened();

		others_flush(sides[side]);
		assert_int_equal(clsact_check(clsact), -ENOENT);
		clsact_close(clsact);
		assert_state(TC_QDISC_NONE, 0, 0);
	}
	end();
}

/* Somebody made another qdisc in the place of ours: it is theirs. */
static void test_replaced(void **state)
{
	struct clsact *clsact;

	(void)state;
	begin();
	clsact = opened();
	assert_true(run_tool("tc qdisc del dev m0 clsact"));
	assert_int_equal(clsact_check(clsact), -ENOENT);
	others_make_qdisc();
	assert_int_equal(clsact_check(clsact), -ENOENT);
	clsact_close(clsact);
	assert_state(TC_QDISC_CLSACT, 0, 0);
	end();
}

static void on_handle(void *arg, const struct tc_filter *filter)
{
	*(__u32 *)arg = filter->handle;
}

/* Another program under the very handle of ours is another's filter. */
static void test_usurped(void **state)
{
	struct clsact *clsact;
	__u32 handle = 0;

	(void)state;
	begin();
	clsact = opened();
	assert_int_equal(tc_filters(IFINDEX, true, on_handle, &handle), 0);
	others_attach(BPF_TC_INGRESS, handle, 1);
	assert_state(TC_QDISC_CLSACT, 1, 1);
	assert_int_equal(clsact_check(clsact), -ENOENT);
	clsact_close(clsact);
	assert_state(TC_QDISC_CLSACT, 0, 1);
	end();
}

static void test_gone(void **state)
{
	struct clsact *clsact;

	(void)state;
	begin();
	clsact = opened();
	assert_true(run_tool("ip link del m0"));
	assert_int_equal(clsact_check(clsact), -ENOENT);
	clsact_close(clsact);
	assert_string_equal(capture_read(&capture), "");
	end();
}

/* ---- several of us ---- */

static void test_neighbours(void **state)
{
	struct clsact *first, *second;

	(void)state;
	begin();
	first = opened();
	second = opened();
	assert_state(TC_QDISC_CLSACT, 2, 2);
	clsact_close(first); /* who made the qdisc leaves it to the last */
	assert_state(TC_QDISC_CLSACT, 1, 1);
	assert_int_equal(clsact_check(second), 0);
	clsact_close(second);
	assert_state(TC_QDISC_NONE, 0, 0);
	end();
}

/* A neighbour made the qdisc, and had not come to say so when we attached. */
static void test_late_word(void **state)
{
	struct clsact *clsact;

	(void)state;
	begin();
	others_make_qdisc();
	clsact = opened();
	others_attach(BPF_TC_EGRESS, SOME_HANDLE, 2);
	assert_int_equal(clsact_check(clsact), 0);
	assert_true(run_tool("tc filter del dev m0 egress pref 2"));
	clsact_close(clsact);
	assert_state(TC_QDISC_NONE, 0, 0);
	end();
}

/* A process that has attached. Returns it, which waits to be killed. */
static pid_t start_other(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct clsact *clsact;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (clsact_open(&clsact, IFINDEX, egress, ingress) || write(ready[1], "!", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

/* What a killed one left goes, and what one has that is alive stays. */
static void test_leftovers(void **state)
{
	pid_t dead, alive;
	struct clsact *clsact;

	(void)state;
	begin();
	dead = start_other();
	alive = start_other();
	assert_state(TC_QDISC_CLSACT, 2, 2);
	kill(dead, SIGKILL);
	waitpid(dead, NULL, 0);
	clsact = opened();
	assert_state(TC_QDISC_CLSACT, 2, 2);
	assert_int_equal(clsact_removed(clsact), 2);
	assert_int_equal(clsact_check(clsact), 0);
	kill(alive, SIGKILL);
	waitpid(alive, NULL, 0);
	clsact_close(clsact);
	assert_state(TC_QDISC_CLSACT, 1, 1);
	clsact_close(opened()); /* the dead made the qdisc, so it goes, too */
	assert_state(TC_QDISC_NONE, 0, 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qdisc),         cmocka_unit_test(test_egress_alone),
		cmocka_unit_test(test_others_qdisc),  cmocka_unit_test(test_others_filter),
		cmocka_unit_test(test_others_before), cmocka_unit_test(test_ingress_qdisc),
		cmocka_unit_test(test_bad_program),   cmocka_unit_test(test_removed),
		cmocka_unit_test(test_replaced),      cmocka_unit_test(test_gone),
		cmocka_unit_test(test_usurped),       cmocka_unit_test(test_late_word),
		cmocka_unit_test(test_neighbours),    cmocka_unit_test(test_leftovers),
	};

	return cmocka_run_group_tests_name("clsact", tests, NULL, NULL);
}
