/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the monitor share: monitor.c (what is there, and how it is called),
 * monitor_holds.c (opening it, and letting go of it). */
#ifndef METRO_MONITOR_STATE_H
#define METRO_MONITOR_STATE_H

#include "monitor.h"

struct monitored {
	struct interface now; /* by the name that it goes by here */
	unsigned int flags;   /* IFF_UP .. */
	bool changed;         /* they have, since it was last tried */
	enum { WAITING, OPENING, MEASURED } state;
	bool said;         /* that it is measured */
	bool ended;        /* it was, until it went down; yet to be said */
	bool lost;         /* it was measured, and what ended that was said */
	int error;         /* of the last attempt, so that it is said once */
	struct hold *hold; /* NULL unless it is measured */
	__u64 seen_ns;     /* CLOCK_MONOTONIC: since when it is not measured */
	struct silence silence;
	struct monitored *next;
};

/* ---- monitor_holds.c ---- */

struct monitored *monitored_find(const struct monitor *monitor, unsigned int ifindex);

void monitored_set_state(struct monitor *monitor, struct monitored *m, int state);

/* What was measured goes out under the names of before, unless *delivered says that it has: once is
 * enough for all that one look finds. */
void monitor_deliver(struct monitor *monitor, bool *delivered);

/* No longer measures it. first: it is to be opened again. */
void monitored_let_go(struct monitor *monitor, struct monitored *m, struct backend *backend,
		      bool first);

/* Says why it could not be opened, unless that was said. */
void monitored_say_failure(struct monitored *m, int err, const char *reason);

/* Has those opened that wait for it; retry: also where it went wrong, and nothing has changed. */
void monitor_open_due(struct monitor *monitor, struct backend *backend, bool retry);

/* Measures with a hold that was opened, or has it shut. Returns 0 or -errno explained in reason. */
int monitored_adopt(struct monitor *monitor, struct monitored *m, struct backend *backend,
		    struct hold *hold, char reason[BACKEND_REASON]);

#endif
