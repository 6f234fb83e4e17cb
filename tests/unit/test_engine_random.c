/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The engine against the model of the definition in random connections. METRO_CHAOS_FLOWS and
 * METRO_CHAOS_SEED make it longer, or another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"
#include "scenario.h"

struct chaos {
	struct chance chance;
	struct line line;
	struct model model;
	__u64 now; /* ns */
	__u32 isn;
	__u32 marks;
	bool complete; /* the ring never fills, so nothing may be missing */
	bool clock_runs_back, long_pauses;
	unsigned int core, found, optional;
	char *story; /* what happened, for the report */
	size_t story_size;
	FILE *tell;
};

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static void chaos_fail(struct chaos *c, const char *what, const struct model_answer *a)
{
	fclose(c->tell);
	fprintf(stderr, "%s# %s; the model says %s, %lld ns; %u marks\n", c->story, what, a->why,
		a->rtt_ns, c->marks);
	fail_msg("%s", what);
}

static __u32 relative(const struct chaos *c, __s64 number)
{
	return (__u32)number - c->line.base;
}

static void chaos_sent(struct chaos *c, __u32 seq, __u32 length, __u8 flags)
{
	__u32 number = c->line.base + seq;

	fprintf(c->tell, "# %llu ns: sent %u + %u%s%s%s\n", c->now - LINE_EPOCH, seq, length,
		flags & TCP_SYN ? " SYN" : "", flags & TCP_FIN ? " FIN" : "",
		flags & TCP_RST ? " RST" : "");
	model_sent(&c->model, number, length, flags, c->now);
	sent_at(&c->line, c->now, seq, length, flags);
}

static void chaos_received(struct chaos *c, __u32 ack, __u8 flags)
{
	unsigned int samples = c->line.samples;
	struct model_answer answer;

	fprintf(c->tell, "# %llu ns: ACK %u\n", c->now - LINE_EPOCH, ack);
	answer = model_acked(&c->model, c->line.base + ack, c->now);
	received_at(&c->line, c->now, ack, flags);
	if (c->line.samples > samples) {
		__u32 ticks = c->line.rtt[samples % LINE_KEPT];

		if (answer.verdict == MODEL_NOTHING)
			chaos_fail(c, "a sample where there is none", &answer);
		else if (!rtt_is_near(ticks, answer.rtt_ns))
			chaos_fail(c, "a sample of another value", &answer);
		c->found += answer.verdict == MODEL_CORE;
		c->optional += answer.verdict == MODEL_OPTIONAL;
	} else if (answer.verdict == MODEL_CORE && c->complete) {
		chaos_fail(c, "a sample is missing", &answer);
	}
	c->core += answer.verdict == MODEL_CORE;
}

static void chaos_time(struct chaos *c)
{
	if (c->clock_runs_back && permille(&c->chance, 30))
		c->now -= below(&c->chance, 20000000);
	else if (c->long_pauses && permille(&c->chance, 30))
		c->now += 1000000ull * below(&c->chance, 200000);
	else if (permille(&c->chance, 800))
		c->now += below(&c->chance, 3000000);
}

static __u32 some_length(struct chaos *c)
{
	switch (below(&c->chance, 8)) {
	case 0:
		return 1;
	case 1:
		return 1 + below(&c->chance, 65535);
	case 2:
		return 1 + below(&c->chance, 10);
	default:
		return 1448;
	}
}

/* A number at or near one that matters. */
static __s64 some_number(struct chaos *c)
{
	const struct model *m = &c->model;
	__s64 number = m->highest;

	switch (below(&c->chance, 6)) {
	case 0:
		number = m->una_known ? m->una : m->first;
		break;
	case 1:
		number = m->end;
		break;
	case 2:
	case 3:
	case 4:
		if (m->count) {
			const struct model_segment *s =
				&m->segments[below(&c->chance, (__u32)m->count)];

			number = permille(&c->chance, 500) ? s->end : s->start;
		}
		break;
	default:
		break;
	}
	if (permille(&c->chance, 150))
		number += (__s32)below(&c->chance, 7) - 3;
	if (permille(&c->chance, 50))
		number += (__s32)below(&c->chance, 6000) - 3000;
	return number;
}

static void chaos_new_data(struct chaos *c)
{
	__s64 start = c->model.open ? c->model.highest : 1;
	__u32 bursts = 1 + (permille(&c->chance, 200) ? below(&c->chance, 60) : 0);

	if (c->model.open && c->model.fin)
		return;
	if (permille(&c->chance, 15))
		start += some_length(c); /* a hole */
	for (__u32 i = 0; i < bursts; i++) {
		__u32 length = some_length(c);

		chaos_sent(c, c->model.open ? relative(c, start) : c->isn + 1, length, DATA);
		start = c->model.highest;
		if (permille(&c->chance, 500))
			chaos_time(c);
	}
}

static void chaos_copy(struct chaos *c)
{
	const struct model *m = &c->model;
	const struct model_segment *s;
	__s64 a, b;

	if (!m->open || !m->data_seen)
		return;
	if (m->count && permille(&c->chance, 600)) {
		/* one segment as it was: mostly the first, or the last */
		s = &m->segments[permille(&c->chance, 500)   ? 0
				 : permille(&c->chance, 500) ? m->count - 1
							     : below(&c->chance, m->count)];
		chaos_sent(c, relative(c, s->start), (__u32)(s->end - s->start), DATA);
		return;
	}
	a = some_number(c);
	b = some_number(c);
	if (a == b)
		b += some_length(c);
	chaos_sent(c, relative(c, a < b ? a : b), (__u32)llabs(a - b), DATA);
}

static void chaos_ack(struct chaos *c)
{
	const struct model *m = &c->model;

	if (!m->data_seen)
		return;
	if (m->count && permille(&c->chance, 700)) {
		__u32 i = below(&c->chance, permille(&c->chance, 500) ? 2 : (__u32)m->count);

		if (i >= m->count)
			i = 0;
		chaos_received(c, relative(c, m->segments[i].end), TCP_ACK);
	} else if (permille(&c->chance, 500)) {
		chaos_received(c, relative(c, m->highest), TCP_ACK);
	} else {
		chaos_received(c, relative(c, some_number(c)), TCP_ACK);
	}
}

static void chaos_new_connection(struct chaos *c)
{
	c->isn += (1 << 17) + below(&c->chance, 0xfff80000);
	chaos_sent(c, c->isn, permille(&c->chance, 200) ? some_length(c) : 0, TCP_SYN);
}

static void chaos_oddity(struct chaos *c)
{
	const struct model *m = &c->model;

	if (!m->data_seen) /* a flow begins with its data, the model with its SYN */
		return;
	switch (below(&c->chance, 10)) {
	case 0: /* keep-alive */
		if (m->una_known)
			chaos_sent(c, relative(c, m->una - 1), permille(&c->chance, 500), DATA);
		break;
	case 1: /* an ACK of anything */
		chaos_received(c, (__u32)chance_next(&c->chance), TCP_ACK);
		break;
	case 2: /* an ACK somewhat above */
		if (m->open)
			chaos_received(c, relative(c, m->highest + below(&c->chance, 5000)),
				       TCP_ACK);
		break;
	case 3:
		if (m->open && permille(&c->chance, 200))
			chaos_sent(c, relative(c, m->end), some_length(c), DATA | TCP_FIN);
		break;
	case 4:
		if (m->open && permille(&c->chance, 200))
			chaos_sent(c, relative(c, m->end), 0, TCP_ACK | TCP_FIN);
		break;
	case 5: /* data of another world */
		chaos_sent(c, relative(c, m->highest) + (1 << 30) + below(&c->chance, 0x7fff0000),
			   1 + below(&c->chance, 1000), DATA);
		break;
	case 6: /* the SYN again */
		if (m->isn_known)
			chaos_sent(c, m->isn - c->line.base, 0, TCP_SYN);
		break;
	case 7: /* a new connection */
		if (permille(&c->chance, 300))
			chaos_new_connection(c);
		break;
	case 8: /* a huge hole */
		if (m->highest - (m->una_known ? m->una : m->first) < 1 << 29 &&
		    permille(&c->chance, 100))
			chaos_sent(c, relative(c, m->end + below(&c->chance, 1 << 29)),
				   some_length(c), DATA);
		break;
	default: /* the end of a former segment, by a duplicated ACK */
		if (m->una_known)
			chaos_received(c, relative(c, m->una - below(&c->chance, 3000)), TCP_ACK);
		break;
	}
}

static void chaos_flow(struct chaos *c, __u32 steps)
{
	__u32 base = (__u32)chance_next(&c->chance);
	__u32 losses = below(&c->chance, 4) ? 10 + below(&c->chance, 100) : 0;
	__u32 oddities = below(&c->chance, 3) ? below(&c->chance, 60) : 0;
	__u32 sending = 300 + below(&c->chance, 400);

	/* Near a wrap, mostly. */
	if (below(&c->chance, 4))
		base = (below(&c->chance, 2) << 31) - below(&c->chance, 200000);
	line_open_with(&c->line, base, c->marks, 1, NEVER);
	c->now = LINE_EPOCH + (chance_next(&c->chance) >> 24);
	c->isn = 0;
	c->model.longest_ns = RTT_NS_MAX;
	c->tell = open_memstream(&c->story, &c->story_size);
	assert_non_null(c->tell);
	if (below(&c->chance, 2))
		chaos_sent(c, c->isn, below(&c->chance, 8) ? 0 : some_length(c), TCP_SYN);
	for (__u32 i = 0; i < steps; i++) {
		chaos_time(c);
		if (model_is_over(&c->model))
			chaos_new_connection(c);
		else if (permille(&c->chance, oddities))
			chaos_oddity(c);
		else if (permille(&c->chance, losses))
			chaos_copy(c);
		else if (permille(&c->chance, sending))
			chaos_new_data(c);
		else
			chaos_ack(c);
	}
	fclose(c->tell);
	free(c->story);
	line_close(&c->line);
	model_free(&c->model);
}

static void chaos(struct chaos *c, __u64 seed, unsigned long flows)
{
	flows = from_environment("METRO_CHAOS_FLOWS", flows);
	c->chance.state = from_environment("METRO_CHAOS_SEED", seed);
	for (unsigned long i = 0; i < flows; i++)
		chaos_flow(c, 20 + below(&c->chance, i % 20 ? 200 : 3000));
	print_message("# %u marks: %u of %u samples that must be, %u that may be\n", c->marks,
		      c->found, c->core, c->optional);
}

static void test_chaos_complete(void **state)
{
	struct chaos c = {.marks = 32768, .complete = true};

	(void)state;
	chaos(&c, 1, 1000);
}

static void test_chaos_complete_clock_runs_back(void **state)
{
	struct chaos c = {.marks = 32768, .complete = true, .clock_runs_back = true};

	(void)state;
	chaos(&c, 2, 500);
}

static void test_chaos_complete_long_pauses(void **state)
{
	struct chaos c = {.marks = 32768, .complete = true, .long_pauses = true};

	(void)state;
	chaos(&c, 3, 500);
}

static void test_chaos_small_rings(void **state)
{
	(void)state;
	for (__u32 marks = 8; marks <= 256; marks *= 2) {
		struct chaos c = {.marks = marks, .long_pauses = true};

		chaos(&c, 4 + marks, 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(chaos_complete),
		S(chaos_complete_clock_runs_back),
		S(chaos_complete_long_pauses),
		S(chaos_small_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
