/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * go-metro's option -f: an expression of pcap-filter(7) that packets must match besides being a
 * peer's. It runs here and not in the kernel, behind the kernel's own filter: so it works for live
 * traffic and capture files alike, and costs nothing when it is not given.
 */
#ifndef METRO_EXPRESSION_H
#define METRO_EXPRESSION_H

#include "types.h"

#include <stdbool.h>
#include <stddef.h>

struct expression;

/* Is this an expression at all? Returns 0, or -EINVAL with libpcap's message in reason. Host names
 * in it are looked up, which may take a while. */
int expression_check(const char *text, char *reason, size_t reason_size);

/* The text must outlive it. Returns 0 or -ENOMEM. */
int expression_new(struct expression **expression, const char *text);
void expression_free(struct expression *expression);

/* From now on packets are of this link type (DLT_* or LINKTYPE_*). An expression is compiled once
 * for each. Returns 0; -EINVAL with a reason (it makes no sense there), or -ENOMEM with one;
 * -EALREADY if it failed for this link type before. */
int expression_follow(struct expression *expression, int link_type, char *reason,
		      size_t reason_size);

/* Does the packet match? An expression without the word vlan sees no VLAN tags, as in the kernel's
 * filters. */
bool expression_matches(struct expression *expression, const __u8 *bytes, __u32 captured,
			__u32 wire_length);

#endif
