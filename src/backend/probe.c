/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table: what is asked, why, and by which function. */
#include "probe.h"
#include "bpf_programs.h"
#include "printable.h"
#include "probe_rows.h"

#include <stdarg.h>
#include <stdio.h>

static const struct row {
	const char *name, *use;
	void (*ask)(struct probes *probes, struct probe_result *result);
} rows[PROBE_ROWS] = {
	[PROBE_KERNEL] = {"kernel", "BPF ring buffers: 5.8", probe_kernel},
	[PROBE_SYSCALL] = {"bpf()", "BPF", probe_syscall},
	[PROBE_USER_NAMESPACE] = {"initial user namespace", "BPF", probe_user_namespace},
	[PROBE_SECCOMP] = {"seccomp allows bpf()", "BPF", probe_seccomp},
	[PROBE_CAP_BPF] = {"CAP_BPF", "BPF: maps and programs", probe_cap_bpf},
	[PROBE_CAP_NET_ADMIN] = {"CAP_NET_ADMIN", "BPF: at interfaces", probe_cap_net_admin},
	[PROBE_CAP_PERFMON] = {"CAP_PERFMON", "BPF: see verifier", probe_cap_perfmon},
	[PROBE_CAP_NET_RAW] = {"CAP_NET_RAW", "libpcap", probe_cap_net_raw},
	[PROBE_CAP_SYS_ADMIN] = {"CAP_SYS_ADMIN", "in place of BPF, PERFMON", probe_cap_sys_admin},
	[PROBE_CAP_SYS_PTRACE] = {"CAP_SYS_PTRACE", "containers, with hidepid",
				  probe_cap_sys_ptrace},
	[PROBE_UNPRIVILEGED] = {"unprivileged BPF", "to know", probe_unprivileged},
	[PROBE_LOCKDOWN] = {"lockdown", "to know", probe_lockdown},
	[PROBE_JIT] = {"BPF compiler (JIT)", "BPF: speed", probe_jit},
	[PROBE_BTF] = {"BTF of the kernel", "to know", probe_btf},
	[PROBE_MAP] = {"map", "BPF", probe_map},
	[PROBE_RING_BUFFER] = {"ring buffer", "BPF", probe_ring_buffer},
	[PROBE_LOCK] = {"lock in a map", "BPF", probe_lock},
	[PROBE_TC] = {"program for TC", "BPF", probe_tc},
	[PROBE_XDP] = {"program for XDP", "--hook xdp", probe_xdp},
	[PROBE_VERIFIER] = {"verifier", "BPF without CAP_PERFMON", probe_verifier},
	[PROBE_LOCKED_MEMORY] = {"locked memory", "BPF before Linux 5.11", probe_locked_memory},
	[PROBE_MEMORY] = {"memory", "BPF, max_flows as it is", probe_memory},
	[PROBE_PROGRAMS] = {"our programs", "BPF", probe_programs},
	[PROBE_TCX] = {"TCX", "BPF: at interfaces", probe_tcx},
	[PROBE_ATTACH] = {"attaching", "BPF: at this interface", probe_attach},
	[PROBE_CLSACT] = {"clsact", "BPF where there is no TCX", probe_clsact},
	[PROBE_PACKETS] = {"packet socket", "libpcap", probe_packets},
	[PROBE_PACKET_RING] = {"TPACKET_V3", "libpcap: few wake-ups", probe_packet_ring},
	[PROBE_CLOCK] = {"clock", "round-trip times", probe_clock},
};

void probes_begin(struct probes *p, const struct probe_terms *terms)
{
	bpf_programs_log();
	*p = (struct probes){.terms = *terms};
	capability_sets_read(&p->held);
}

const struct probe_result *probe_ask(struct probes *p, enum probe_row row)
{
	struct probe_result *result = &p->results[row];

	if (result->answer == PROBE_NOT_ASKED)
		rows[row].ask(p, result);
	return result;
}

const char *probe_name(enum probe_row row)
{
	return rows[row].name;
}

const char *probe_use(enum probe_row row)
{
	return rows[row].use;
}

void probe_answer(struct probe_result *result, enum probe_answer answer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(result->reason, sizeof(result->reason), format, args);
	va_end(args);
	printable(result->reason);
	result->answer = answer;
}
