/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Says in one line what is needed, what the limit is, and what can be done about it. */
#include "memory_advice.h"

#include "append.h"
#include "log.h"
#include "memory_terms.h"
#include "selection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static double mib(__u64 bytes)
{
	return (double)bytes / (1024 * 1024);
}

/* ---- what the limit allows ---- */

void memory_explain(const struct memory_need *bpf, int err, bool charged,
		    const struct memory_limit *limit, const struct memory_limit *locked,
		    char reason[BACKEND_REASON])
{
	if (!charged)
		limit = locked;
	if (err != -ENOMEM && (charged || err != -EPERM || bpf->loading <= locked->bytes))
		return;
	append(reason, BACKEND_REASON,
	       "; it takes %.1f MiB at the start, %.1f of them for max_flows", mib(bpf->start),
	       mib(bpf->flows + bpf->buckets));
	if (limit->bytes != MEMORY_UNLIMITED)
		append(reason, BACKEND_REASON,
		       ", and the limit is %.1f MiB (%s): raise it, or lower max_flows",
		       mib(limit->bytes), limit->source);
}

/* What to do about the part that is most of it. */
static const char *remedy(const struct memory_need *need)
{
	__u64 flows = need->flows + need->buckets;

	if (need->peers > flows && need->peers > need->series)
		return "name networks in place of addresses";
	return need->series > flows ? "set max_series" : "lower max_flows";
}

void memory_warn(const struct memory_need *need, bool bpf, const struct memory_limit *limit)
{
	if (need->most <= limit->bytes)
		return;
	log_warning("up to %.1f MiB may be needed with %s (%.1f for max_flows, %.1f for peers, "
		    "%.1f for series, %.1f for a moment), and the limit is "
		    "%.1f MiB (%s), beyond which the kernel ends this process: %s, or raise the "
		    "limit",
		    mib(need->most), bpf ? "BPF" : "libpcap", mib(need->flows + need->buckets),
		    mib(need->peers), mib(need->series), mib(need->changing), mib(limit->bytes),
		    limit->source, remedy(need));
}

/* ---- the sum ---- */

static size_t sum_backend(char *text, size_t size, const struct memory_need *need, bool bpf)
{
	int length = snprintf(
		text, size,
		"%.1f MiB with %s (max_flows %.1f, peers %.1f, series %.1f, for a moment %.1f)",
		mib(need->most), bpf ? "BPF" : "libpcap", mib(need->flows + need->buckets),
		mib(need->peers), mib(need->series),
		mib(need->verifying > need->changing ? need->verifying : need->changing));

	if (need->rings)
		length += snprintf(text + length, size - length,
				   " and %.1f MiB of the host's, for rings", mib(need->rings));
	return (size_t)length;
}

void memory_sum(char text[MEMORY_SUM], const struct config *config, const struct links *links,
		unsigned int marks, enum backend_choice choice, const struct memory_limit *limit)
{
	size_t length = (size_t)snprintf(text, MEMORY_SUM, "memory, at most: ");

	for (int bpf = 1; bpf >= 0; bpf--) {
		struct memory_terms terms = memory_terms_of(config, links, marks, bpf);
		struct memory_need need = memory_need_of(&terms);

		if (choice == (bpf ? BACKEND_PCAP : BACKEND_BPF))
			continue;
		if (!bpf && choice == BACKEND_AUTO)
			length += snprintf(text + length, MEMORY_SUM - length, "; ");
		length += sum_backend(text + length, MEMORY_SUM - length, &need, bpf);
	}
	if (limit->bytes == MEMORY_UNLIMITED)
		snprintf(text + length, MEMORY_SUM - length, "; there is no limit");
	else
		snprintf(text + length, MEMORY_SUM - length, "; the limit is %.1f MiB (%s)",
			 mib(limit->bytes), limit->source);
}

/* ---- of this process ---- */

static struct memory_need need_of(const struct config *config, unsigned int marks, bool bpf)
{
	struct memory_terms terms;
	struct links links;

	links_read(&links, selection_config_asks_routes(config)); /* or there are none */
	terms = memory_terms_of(config, &links, marks, bpf);
	links_free(&links);
	return memory_need_of(&terms);
}

void memory_after_failure(const struct config *config, unsigned int marks, int err,
			  char reason[BACKEND_REASON])
{
	struct memory_need need = need_of(config, marks, true);
	struct memory_limit limit, locked;

	memory_limit_of_self(&limit);
	memory_limit_of_locked(&locked);
	memory_explain(&need, err, memory_kernel_is(5, 11), &limit, &locked, reason);
}

void memory_when_measuring(const struct config *config, unsigned int marks, bool bpf)
{
	struct memory_need need = need_of(config, marks, bpf);
	struct memory_limit limit;

	memory_limit_of_self(&limit);
	memory_warn(&need, bpf, &limit);
}

bool memory_check(char text[MEMORY_SUM], const struct config *config, unsigned int marks,
		  enum backend_choice choice)
{
	struct memory_limit limit;
	struct links links;
	bool any = false;

	for (size_t i = 0; i < config->instances_count; i++)
		any |= !config->instances[i].pcap;
	if (!any)
		return false;
	links_read(&links, selection_config_asks_routes(config));
	memory_limit_of_self(&limit);
	memory_sum(text, config, &links, marks, choice, &limit);
	links_free(&links);
	return true;
}
