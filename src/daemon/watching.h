/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For those who attach a live view to the daemon (bpf-metro --top): what is delivered is counted a
 * second time, for as long as somebody asks. Nobody: nothing is counted, and it costs nothing.
 */
#ifndef METRO_WATCHING_H
#define METRO_WATCHING_H

#include "collect.h"
#include "draw.h"
#include "json.h"
#include "peers.h"

#define WATCHING_MS 10000 /* it ends when nobody has asked for so long */

struct watching {
	struct live_collect *collect; /* NULL: nobody asks */
	__u64 started_ns, asked_ns;   /* CLOCK_MONOTONIC */
	char *answer;                 /* the latest, made when the last interval ended; or NULL */
};

static inline bool watching_is_on(const struct watching *watching)
{
	return watching->collect != NULL;
}

/* While it is on. */
void watching_take(struct watching *watching, const struct delivery *delivery);

/* Writes all there is since somebody asked first, which may be now: what was written last, unless
 * that is almost a second ago, so that many questions cost no more than one. header: how, fallback
 * and losses. interval_s: between reports; in a part of it samples come to the daemon. */
void watching_answer(struct watching *watching, const struct peers *peers, double interval_s,
		     struct live_header *header, struct json *json);

/* One peer's spread and connections, of what is counted already; about: "NUMBER ADDRESS", as the
 * rows have them. It asks on, too, if anybody did in the last WATCHING_MS. */
void watching_answer_peer(struct watching *watching, const char *about, struct json *json);

/* All figures begin anew, for whoever watches. */
void watching_reset(struct watching *watching);

void watching_stop(struct watching *watching);

#endif
