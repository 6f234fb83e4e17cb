/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A StatsD sink with chosen metrics in a dialect, and its reports. Include after cmocka.h. */
#ifndef METRO_TEST_CHOSEN_METRICS_H
#define METRO_TEST_CHOSEN_METRICS_H

#include "metrics.h"
#include "statsd_fixture.h"

#define TAGS "|#src:10.0.0.1,dst:10.0.0.2,env:bench,role:peer,iface:lo"
#define ALL  ((1u << METRICS) - 1)

static char text[1 << 20];

static inline int report(struct statsd_fixture *f)
{
	return statsd_report_into(f, text, sizeof(text));
}

static inline void choose(struct statsd_fixture *f, enum dialect dialect, __u32 metrics)
{
	f->config.dialect = dialect;
	f->config.metrics = metrics;
	statsd_reopen(f);
}

/* 20, 22, 21 ms; handshakes of 30 and 31 ms; 5 segments sent again. */
static inline void take_everything(struct statsd_fixture *f)
{
	take(f->sink, &flow, "lo", 0, 3, three);
	take_handshake(f->sink, &flow, "lo", 30 * TICKS_A_MS);
	take_handshake(f->sink, &flow, "lo", 31 * TICKS_A_MS);
	take_retransmissions(f->sink, &flow, "lo", 5);
}

#endif
