/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who asks: a function for each row of the table (probe.c). */
#ifndef METRO_PROBE_ROWS_H
#define METRO_PROBE_ROWS_H

#include "probe.h"

typedef void probe_row_fn(struct probes *probes, struct probe_result *result);

/* probe_host.c: files of the kernel, limits, and its packet sockets */
probe_row_fn probe_kernel, probe_unprivileged, probe_lockdown, probe_jit, probe_btf, probe_clock;
probe_row_fn probe_locked_memory, probe_memory, probe_packets, probe_packet_ring;

/* probe_privileges.c */
probe_row_fn probe_syscall, probe_seccomp, probe_user_namespace;
probe_row_fn probe_cap_bpf, probe_cap_net_admin, probe_cap_perfmon;
probe_row_fn probe_cap_net_raw, probe_cap_sys_admin, probe_cap_sys_ptrace;

/* probe_features.c: maps and programs that are made for a moment */
probe_row_fn probe_map, probe_ring_buffer, probe_lock, probe_tc, probe_xdp, probe_verifier;
probe_row_fn probe_tcx;

/* probe_trial.c: our own programs, loaded, and attached for a moment */
probe_row_fn probe_programs, probe_attach, probe_clsact;

#endif
