/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A table of what rules BPF out, in the order in which one has to be out of the way for the next to
 * count. */
#include "probe_cause.h"
#include "array.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

/* Those that BPF may need, and the rows that say whether they are there. */
static const struct needed {
	int capability;
	enum probe_row row;
	const char *name;
} needed[] = {
	{CAP_BPF, PROBE_CAP_BPF, "CAP_BPF"},
	{CAP_NET_ADMIN, PROBE_CAP_NET_ADMIN, "CAP_NET_ADMIN"},
	{CAP_PERFMON, PROBE_CAP_PERFMON, "CAP_PERFMON"},
};

/* %s: the row's reason. */
static const struct obstacle {
	enum probe_row row;
	int err; /* it counts only if loading failed with this; 0: always, and it is asked before */
	const char *text;
} obstacles[] = {
	{PROBE_SYSCALL, 0, "%s: BPF takes another kernel"},
	{PROBE_USER_NAMESPACE, 0,
	 "in a user namespace, capabilities do not count for BPF: start it outside of one (rootful "
	 "podman, Docker without userns-remap or --userns=host, a pod with hostUsers: true)"},
	{PROBE_CAP_BPF, 0, ""},
	{PROBE_CAP_NET_ADMIN, 0, ""},
	{PROBE_SECCOMP, 0,
	 "seccomp forbids bpf() (%s): allow it in the profile (Docker's does with CAP_BPF from "
	 "23.0 on), "
	 "use --security-opt seccomp=unconfined, or SystemCallFilter=bpf (systemd)"},
	{PROBE_CAP_PERFMON, 0, ""},
	{PROBE_LOCKED_MEMORY, 0,
	 "%s: raise it (systemd LimitMEMLOCK=infinity, docker and podman --ulimit memlock=-1), or "
	 "lower max_flows; Linux 5.11 and later do without"},
	{PROBE_MAP, -EACCES, "cannot make a BPF map: %s: allow bpf in its policy"},
	{PROBE_MAP, -EPERM, "cannot make a BPF map: %s: allow bpf in its policy"},
	{PROBE_RING_BUFFER, -EINVAL, "this kernel has no BPF ring buffers: %s"},
	{PROBE_LOCK, -EINVAL, "this kernel has no locks in BPF maps: %s"},
	{PROBE_TC, -EINVAL, "no BPF programs for TC: %s"},
	{PROBE_MEMORY, -ENOMEM, "BPF takes %s: raise it, or lower max_flows"},
};

static bool is_no(const struct probes *p, enum probe_row row)
{
	return p->results[row].answer == PROBE_NO;
}

static bool is_yes(const struct probes *p, enum probe_row row)
{
	return p->results[row].answer == PROBE_YES;
}

/* ---- the deduction ---- */

/* Loading and TCX take CAP_SYS_ADMIN for CAP_NET_ADMIN, clsact does not. */
static bool misses_net_admin(const struct probes *p)
{
	return is_no(p, PROBE_CAP_NET_ADMIN) &&
	       !(is_yes(p, PROBE_CAP_SYS_ADMIN) && is_yes(p, PROBE_TCX));
}

/* Not where the verifier does without. It cannot be asked without the other two: if one of them has
 * to be given anyway, so should be this one. */
static bool misses_perfmon(const struct probes *p)
{
	bool others = is_no(p, PROBE_CAP_BPF) || misses_net_admin(p);

	return is_no(p, PROBE_CAP_PERFMON) &&
	       (is_no(p, PROBE_VERIFIER) || (others && !is_yes(p, PROBE_VERIFIER)));
}

__u64 probe_missing(const struct probes *p)
{
	return (is_no(p, PROBE_CAP_BPF) ? 1ull << CAP_BPF : 0) |
	       (misses_net_admin(p) ? 1ull << CAP_NET_ADMIN : 0) |
	       (misses_perfmon(p) ? 1ull << CAP_PERFMON : 0);
}

static bool counts(const struct probes *p, const struct obstacle *o, int err)
{
	if (o->err && o->err != err)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (needed[i].row == o->row)
			return capability_in(probe_missing(p), needed[i].capability);
	return is_no(p, o->row);
}

enum probe_row probe_obstacle(const struct probes *p, int err)
{
	for (size_t i = 0; i < ARRAY_SIZE(obstacles); i++)
		if (counts(p, &obstacles[i], err))
			return obstacles[i].row;
	return PROBE_ROWS;
}

/* ---- in words ---- */

/* By where they are lost. */
static const char *why_and_cure(const struct capability_sets *held, __u64 missing)
{
	if (missing & ~held->bounding)
		return "taken away by what starts bpf-metro: use --cap-add (docker, podman), "
		       "capabilities.add (Kubernetes), or CapabilityBoundingSet= and "
		       "AmbientCapabilities= (systemd)";
	if (held->no_new_privs)
		return "and no_new_privs keeps the program's file from giving it: allow privilege "
		       "escalation, or use AmbientCapabilities= (systemd)";
	return "not given to this user: run it as root, use AmbientCapabilities= (systemd), or set "
	       "on the program's file by "
	       "setcap(8)";
}

/* "CAP_A", "CAP_A and CAP_B", "CAP_A, CAP_B and CAP_C" */
static size_t list_missing(__u64 missing, char reason[BACKEND_REASON])
{
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		__u64 one = 1ull << needed[i].capability;

		if (!(missing & one))
			continue;
		missing &= ~one;
		length += (size_t)snprintf(reason + length, BACKEND_REASON - length, "%s%s",
					   needed[i].name,
					   !missing                  ? ""
					   : missing & (missing - 1) ? ", "
								     : " and ");
	}
	return length;
}

static void explain_missing(const struct probes *p, char reason[BACKEND_REASON])
{
	__u64 missing = probe_missing(p);
	size_t length = list_missing(missing, reason);

	snprintf(reason + length, BACKEND_REASON - length, " %s missing, %s",
		 missing & (missing - 1) ? "are" : "is", why_and_cure(&p->held, missing));
}

void probe_explain(const struct probes *p, enum probe_row row, char reason[BACKEND_REASON])
{
	for (size_t i = 0; i < ARRAY_SIZE(obstacles); i++) {
		const struct obstacle *o = &obstacles[i];

		if (o->row != row)
			continue;
		if (*o->text)
			snprintf(reason, BACKEND_REASON, o->text, p->results[row].reason);
		else
			explain_missing(p, reason);
		return;
	}
}

void probe_explain_packets(struct probes *p, char reason[BACKEND_REASON])
{
	const char *text = probe_ask(p, PROBE_PACKETS)->reason;

	if (is_no(p, PROBE_PACKETS) && is_no(p, PROBE_CAP_NET_RAW))
		snprintf(reason, BACKEND_REASON, "CAP_NET_RAW is missing, %s",
			 why_and_cure(&p->held, 1ull << CAP_NET_RAW));
	else
		snprintf(reason, BACKEND_REASON, "%s", text);
}

/* ---- asking ---- */

static void ask_first(struct probes *p, enum probe_row row)
{
	probe_ask(p, row);
	if (row == PROBE_CAP_NET_ADMIN && is_no(p, row)) {
		probe_ask(p, PROBE_CAP_SYS_ADMIN);
		probe_ask(p, PROBE_TCX);
	}
	if (row == PROBE_CAP_PERFMON && is_no(p, row))
		probe_ask(p, PROBE_VERIFIER);
}

bool probe_forbids_bpf(struct probes *p, char reason[BACKEND_REASON])
{
	enum probe_row row;

	/* Capabilities are named together, and so are asked for together. */
	probe_ask(p, PROBE_CAP_BPF);
	probe_ask(p, PROBE_CAP_NET_ADMIN);
	probe_ask(p, PROBE_CAP_PERFMON);
	for (size_t i = 0; i < ARRAY_SIZE(obstacles); i++) {
		if (obstacles[i].err)
			continue;
		ask_first(p, obstacles[i].row);
		row = probe_obstacle(p, 0);
		if (row == obstacles[i].row) {
			probe_explain(p, row, reason);
			return true;
		}
	}
	return false;
}

void probe_after_failure(struct probes *p, int err, char reason[BACKEND_REASON])
{
	enum probe_row row;

	for (size_t i = 0; i < ARRAY_SIZE(obstacles); i++)
		if (obstacles[i].err == err && obstacles[i].row != PROBE_MEMORY)
			probe_ask(p, obstacles[i].row);
	row = probe_obstacle(p, err);
	if (row < PROBE_ROWS)
		probe_explain(p, row, reason);
}
