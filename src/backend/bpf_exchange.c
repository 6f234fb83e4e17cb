/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Does the kernel know atomic instructions that return a value? If not, they are taken out. */
#include "bpf_exchange.h"
#include "array.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATOMIC   (BPF_STX | BPF_DW | 0xc0) /* BPF_ATOMIC; 0xc0 was BPF_XADD, with an imm of 0 */
#define EXCHANGE 0xf1                      /* BPF_CMPXCHG */

static int load_exchange(void)
{
	static const struct bpf_insn program[] = {
		{.code = BPF_ST | BPF_DW | BPF_MEM, .dst_reg = BPF_REG_10, .off = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1},
		{.code = ATOMIC,
		 .dst_reg = BPF_REG_10,
		 .src_reg = BPF_REG_1,
		 .off = -8,
		 .imm = EXCHANGE},
		/* An address: no result for a program without CAP_PERFMON. */
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_0, .src_reg = BPF_REG_10},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "metro_exchange", "Dual BSD/GPL", program,
			     ARRAY_SIZE(program), NULL);
}

/* Two threads may ask at once, and get the same answer. */
bool bpf_exchange_works(void)
{
	static int answer; /* 0: not asked */
	int fd;

	if (!answer) {
		fd = load_exchange();
		answer = fd >= 0 ? 1 : -1;
		if (fd >= 0)
			close(fd);
	}
	return answer > 0;
}

static int take_out(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct bpf_insn nothing = {.code = BPF_JMP | BPF_JA};
	size_t count = bpf_program__insn_cnt(program);
	struct bpf_insn *instructions = malloc(count * sizeof(*instructions));

	(void)opts, (void)cookie;
	if (!instructions)
		return -ENOMEM;
	memcpy(instructions, bpf_program__insns(program), count * sizeof(*instructions));
	for (size_t i = 0; i < count; i++)
		if (instructions[i].code == ATOMIC && instructions[i].imm)
			instructions[i] = nothing;
	count = (size_t)bpf_program__set_insns(program, instructions, count);
	free(instructions);
	return (int)count;
}

void bpf_exchange_remove(void)
{
	static bool removed;
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = take_out);

	if (removed)
		return;
	removed = true;
	libbpf_register_prog_handler("tc", BPF_PROG_TYPE_SCHED_CLS, 0, &opts);
	libbpf_register_prog_handler("xdp", BPF_PROG_TYPE_XDP, BPF_XDP, &opts);
}
