/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of BPF this kernel has: makes small maps and programs, and throws them away. A kernel that
 * does not know one says EINVAL; one that does not let us ask says EPERM. */
#include "array.h"
#include "bpf_flows.h"
#include "memory_limit.h"
#include "probe_rows.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* fd: what was made, or -errno. */
static void say(struct probe_result *result, int fd, const char *without)
{
	if (fd >= 0) {
		close(fd);
		probe_answer(result, PROBE_YES, "this kernel has it");
	} else if (fd == -EPERM || fd == -ENOMEM || fd == -ENOSYS) {
		probe_answer(result, PROBE_UNKNOWN, "cannot be asked here: %s", strerror(-fd));
	} else {
		probe_answer(result, PROBE_NO, "%s (%s)", without, strerror(-fd));
	}
}

/* Nothing of what follows can be asked where bpf() is forbidden; and its filter may end us. */
static bool may_ask(struct probes *p, struct probe_result *result)
{
	if (probe_ask(p, PROBE_SYSCALL)->answer != PROBE_NO &&
	    probe_ask(p, PROBE_SECCOMP)->answer != PROBE_NO)
		return true;
	probe_answer(result, PROBE_UNKNOWN, "cannot be asked without bpf()");
	return false;
}

/* ---- maps ---- */

static int map_of(enum bpf_map_type type, __u32 key, __u32 value, __u32 entries)
{
	int fd = bpf_map_create(type, "metro_probe", key, value, entries, NULL);

	return fd < 0 ? -errno : fd;
}

/* Is there nothing else that could have said EPERM? */
static bool all_is_granted(struct probes *p)
{
	return memory_kernel_is(5, 11) && !p->held.in_user_namespace &&
	       probe_ask(p, PROBE_CAP_BPF)->answer == PROBE_YES;
}

void probe_map(struct probes *p, struct probe_result *result)
{
	int fd;

	if (!may_ask(p, result))
		return;
	fd = map_of(BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(__u32), 1);
	if (fd == -EPERM && all_is_granted(p))
		fd = -EACCES;
	say(result, fd, "a security module (SELinux, BPF LSM) forbids it");
}

void probe_ring_buffer(struct probes *p, struct probe_result *result)
{
	if (may_ask(p, result))
		say(result, map_of(BPF_MAP_TYPE_RINGBUF, 0, 0, (__u32)sysconf(_SC_PAGESIZE)),
		    "they came with Linux 5.8");
}

void probe_lock(struct probes *p, struct probe_result *result)
{
	if (may_ask(p, result))
		say(result, flow_map_create(MARKS_DEFAULT, 1, true), "they came with Linux 5.1");
}

/* ---- programs ---- */

#define LOAD_FIELD(to, from, field)                                                                \
	{                                                                                          \
		.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = to, .src_reg = from, .off = field    \
	}
#define SET(to, number)                                                                            \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = to, .imm = number                  \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}

static int load(enum bpf_prog_type type, const struct bpf_insn *insns, size_t count)
{
	int fd = bpf_prog_load(type, "metro_probe", "GPL", insns, count, NULL);

	return fd < 0 ? -errno : fd;
}

static const struct bpf_insn empty[] = {SET(BPF_REG_0, 0), EXIT};

void probe_tc(struct probes *p, struct probe_result *result)
{
	if (may_ask(p, result))
		say(result, load(BPF_PROG_TYPE_SCHED_CLS, empty, ARRAY_SIZE(empty)),
		    "this kernel has no such programs");
}

void probe_xdp(struct probes *p, struct probe_result *result)
{
	if (may_ask(p, result))
		say(result, load(BPF_PROG_TYPE_XDP, empty, ARRAY_SIZE(empty)),
		    "this kernel has no such programs");
}

/*
 * Without CAP_PERFMON, the verifier may refuse what our programs do, and it may take it seconds to
 * find out: so each thing is tried by itself. It refuses
 * - to compare pointers into a packet, before about Linux 6.6;
 * - to write over a part of what it keeps track of on the stack, before about 6.7;
 * - what a CPU might do wrongly while it speculates, unless the CPU's mitigations are off and the
 *   kernel is 6.7 or later. Then our loops are too much for it, up to 7.2 at least.
 */
static const struct bpf_insn compares[] = {
	LOAD_FIELD(BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, data)),
	LOAD_FIELD(BPF_REG_3, BPF_REG_1, offsetof(struct __sk_buff, data_end)),
	{.code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_3},
	SET(BPF_REG_0, 0),
	EXIT,
};

static const struct bpf_insn writes_over[] = {
	LOAD_FIELD(BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, len)),
	{.code = BPF_STX | BPF_MEM | BPF_DW,
	 .dst_reg = BPF_REG_10,
	 .src_reg = BPF_REG_2,
	 .off = -8},
	{.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .src_reg = BPF_REG_2, .off = -8},
	SET(BPF_REG_0, 0),
	EXIT,
};

/* A place on the stack that depends on a number. */
static const struct bpf_insn speculates[] = {
	LOAD_FIELD(BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, len)),
	{.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_2, .imm = 8},
	{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_3, .src_reg = BPF_REG_10},
	{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_3, .imm = -16},
	{.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = BPF_REG_3, .src_reg = BPF_REG_2},
	SET(BPF_REG_0, 0),
	EXIT,
};

static const struct {
	const struct bpf_insn *insns;
	size_t count;
	const char *what;
} refused[] = {
	{compares, ARRAY_SIZE(compares), "comparing pointers into a packet"},
	{writes_over, ARRAY_SIZE(writes_over), "writing over what it tracks on the stack"},
	{speculates, ARRAY_SIZE(speculates), "what CPUs may do in speculation"},
};

void probe_verifier(struct probes *p, struct probe_result *result)
{
	if (probe_ask(p, PROBE_CAP_PERFMON)->answer == PROBE_YES) {
		probe_answer(result, PROBE_YES, "does not matter: CAP_PERFMON is there");
		return;
	}
	if (!may_ask(p, result))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		int fd = load(BPF_PROG_TYPE_SCHED_CLS, refused[i].insns, refused[i].count);

		if (fd == -EACCES || fd == -EINVAL)
			probe_answer(result, PROBE_NO, "it refuses %s", refused[i].what);
		else
			say(result, fd, "");
		if (fd < 0)
			return;
	}
	probe_answer(result, PROBE_YES, "it takes our programs without CAP_PERFMON, too");
}

/* ---- hooks ---- */

/* Which programs are there? Kernels without TCX do not know the question. */
void probe_tcx(struct probes *p, struct probe_result *result)
{
	enum { TCX_INGRESS = 46, LOOPBACK = 1 };
	unsigned int ifindex = p->terms.interface.ifindex;
	__u32 ids[1], count = 0, flags = 0;
	int err;

	if (!may_ask(p, result))
		return;
	err = bpf_prog_query((int)(ifindex ? ifindex : LOOPBACK), (enum bpf_attach_type)TCX_INGRESS,
			     0, &flags, ids, &count);
	if (!err || errno == ENOSPC) /* some are there */
		probe_answer(result, PROBE_YES, "this kernel has it");
	else if (errno == EINVAL)
		probe_answer(result, PROBE_NO, "it came with Linux 6.6: clsact is used");
	else
		probe_answer(result, PROBE_UNKNOWN, "cannot be asked here: %s", strerror(errno));
}
