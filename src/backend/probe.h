/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this host lets bpf-metro do: a table of questions, each asked when its answer is wanted for
 * the first time, and never again. From the answers the one cause follows why BPF cannot be used,
 * and what helps. `bpf-metro --probe` prints the whole table.
 */
#ifndef METRO_PROBE_H
#define METRO_PROBE_H

#include "backend.h"
#include "capability_sets.h"

#define PROBE_TEXT 256 /* room for one reason */

enum probe_answer { PROBE_NOT_ASKED, PROBE_YES, PROBE_NO, PROBE_UNKNOWN };

/* As they are printed. */
enum probe_row {
	PROBE_KERNEL,
	PROBE_SYSCALL,
	PROBE_USER_NAMESPACE,
	PROBE_SECCOMP,
	PROBE_CAP_BPF,
	PROBE_CAP_NET_ADMIN,
	PROBE_CAP_PERFMON,
	PROBE_CAP_NET_RAW,
	PROBE_CAP_SYS_ADMIN,
	PROBE_CAP_SYS_PTRACE,
	PROBE_UNPRIVILEGED,
	PROBE_LOCKDOWN,
	PROBE_JIT,
	PROBE_BTF,
	PROBE_MAP,
	PROBE_RING_BUFFER,
	PROBE_LOCK,
	PROBE_TC,
	PROBE_XDP,
	PROBE_VERIFIER,
	PROBE_LOCKED_MEMORY,
	PROBE_MEMORY,
	PROBE_PROGRAMS,
	PROBE_TCX,
	PROBE_ATTACH,
	PROBE_CLSACT,
	PROBE_PACKETS,
	PROBE_PACKET_RING,
	PROBE_CLOCK,
	PROBE_ROWS,
};

struct probe_result {
	enum probe_answer answer;
	char reason[PROBE_TEXT];
};

/* What some answers depend on. */
struct probe_terms {
	struct backend_settings settings;
	struct interface interface; /* where programs would be attached; ifindex 0: nowhere */
};

struct probes {
	struct probe_terms terms;
	struct capability_sets held;
	struct probe_result results[PROBE_ROWS];
	int load_error; /* -errno of our programs, if they have been tried */
};

/* What takes a process of its own is asked now: a filter of our own will forbid that. Once, while
 * there is one thread. */
void probe_remember(void);

/* No question has been asked yet. */
void probes_begin(struct probes *probes, const struct probe_terms *terms);

/* The answer, which is asked for unless it is there already. */
const struct probe_result *probe_ask(struct probes *probes, enum probe_row row);

/* What the row is called, and in a few words what depends on it. */
const char *probe_name(enum probe_row row);
const char *probe_use(enum probe_row row);

/* For those who ask: an answer with its reason. */
void probe_answer(struct probe_result *result, enum probe_answer answer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
