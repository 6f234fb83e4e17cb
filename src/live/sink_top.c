/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Collects what is delivered, and draws when an interval ends or a key was pressed. */
#include "sink_top.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "collect.h"
#include "counter_names.h"
#include "draw.h"
#include "log.h"
#include "printable.h"
#include "screen.h"
#include "timeline.h"

struct top_sink {
	struct sink sink;
	struct live_collect collect;
	struct live_view view;
	struct live_header header;
	struct live_detail detail;
	const struct live_row *detailed; /* whose it is; NULL: nobody's */
	struct live_timeline timeline;   /* of a capture */
	__u64 started_ns; /* figures are gathered since then, by that or by our clock */
};

static struct top_sink *top_sink(struct sink *sink)
{
	return (struct top_sink *)sink;
}

static const char *name_of(void *arg, __u32 number, const struct address *address)
{
	const struct peers *peers = arg;

	return peers ? peers_name(peers, number, address) : NULL;
}

/* ---- pictures ---- */

/* The picture may be held, but not that of another. */
static void make_detail(struct top_sink *top, const struct live_row *row)
{
	if (!top->view.paused || top->detailed != row)
		live_detail_make(&top->detail, row->peer);
	top->detailed = row;
}

static void draw(struct top_sink *top)
{
	struct live_collect *collect = &top->collect;
	const struct live_row *row;

	live_view_arrange(&top->view, collect->rows, collect->count);
	row = live_view_selected(&top->view, collect->rows, collect->count);
	if (row && top->view.page == LIVE_DETAIL)
		make_detail(top, row);
	live_draw(&top->view, collect->rows, &top->header, &top->detail);
}

static __u64 now_ns(const struct top_sink *top)
{
	return top->view.capture ? top->timeline.last_ns : monotonic_ns();
}

static void show(struct top_sink *top)
{
	struct live_collect *collect = &top->collect;
	double rate = 0;

	if (top->view.capture)
		live_timeline_rate(&top->timeline, collect, top->started_ns);
	live_collect_show(collect, name_of, (void *)top->sink.peers);
	for (size_t i = 0; i < collect->count; i++)
		rate += collect->rows[i]->figures[LIVE_RATE];
	top->header.samples_per_s = rate;
	top->header.peers = collect->count;
	top->header.left_out = (double)collect->left_out;
	top->header.unplaced = (double)collect->unplaced;
	top->header.for_s = (double)(now_ns(top) - top->started_ns) / NS_PER_S;
}

/* ---- the sink ---- */

static void top_take(struct sink *sink, const struct delivery *delivery)
{
	live_collect_take(&top_sink(sink)->collect, delivery);
}

static void end_interval(struct top_sink *top)
{
	struct live_collect *collect = &top->collect;
	const struct live_row *selected =
		live_view_selected(&top->view, collect->rows, collect->count);

	live_collect_end_interval(collect, monotonic_ns());
	live_view_follow(&top->view, collect->rows, collect->count, selected);
}

static void take_picture(struct top_sink *top, const __u64 counters[COUNTERS])
{
	if (counters)
		losses_write(counters, top->header.losses, sizeof(top->header.losses));
	if (!top->view.paused)
		show(top);
	draw(top);
}

static void top_report(struct sink *sink, const __u64 counters[COUNTERS])
{
	struct top_sink *top = top_sink(sink);

	end_interval(top);
	take_picture(top, counters);
}

static void top_state(struct sink *sink, const char *text, const char *fallback)
{
	struct top_sink *top = top_sink(sink);

	printable_copy(top->header.how, sizeof(top->header.how), text);
	printable_copy(top->header.fallback, sizeof(top->header.fallback), fallback);
}

static void reset(struct top_sink *top)
{
	live_collect_reset(&top->collect);
	top->started_ns = now_ns(top);
	top->view.reset = false;
	show(top);
}

static void press(struct top_sink *top, unsigned int key)
{
	bool paused = top->view.paused;

	live_view_key(&top->view, key);
	if (top->view.reset)
		reset(top);
	if (top->view.paused && (!paused || top->collect.count))
		live_collect_freeze(&top->collect);
	if (paused && !top->view.paused)
		show(top);
	/* What follows may mean a row of the new order. */
	live_view_arrange(&top->view, top->collect.rows, top->collect.count);
}

static int top_fd(struct sink *sink)
{
	(void)sink;
	return screen_fd();
}

static void top_resume(struct sink *sink)
{
	struct top_sink *top = top_sink(sink);
	bool gone = false;
	unsigned int key;

	while (!top->view.over && (key = screen_key(&gone)))
		press(top, key);
	sink->over = top->view.over || gone;
	if (!sink->over)
		draw(top);
}

static void top_terminal(struct sink *sink, int signal)
{
	screen_follow(signal);
	draw(top_sink(sink));
}

static int top_close(struct sink *sink)
{
	struct top_sink *top = top_sink(sink);

	screen_close();
	live_collect_close(&top->collect);
	free(top);
	return 0;
}

static const struct sink_ops top_ops = {
	.name = "top",
	.batch_limit = BATCH_MAX, /* nothing costs more than with StatsD */
	.take = top_take,
	.report = top_report,
	.close = top_close,
	.fd = top_fd,
	.resume = top_resume,
	.state = top_state,
	.terminal = top_terminal,
};

/* ---- of a capture ---- */

static void capture_take(struct sink *sink, const struct delivery *delivery)
{
	struct top_sink *top = top_sink(sink);

	live_timeline_take(&top->timeline, &top->collect, delivery->wall_ns);
	if (!top->started_ns)
		top->started_ns = top->timeline.begun_ns;
	live_collect_take(&top->collect, delivery);
}

static void capture_report(struct sink *sink, const __u64 counters[COUNTERS])
{
	screen_open();
	take_picture(top_sink(sink), counters);
}

static void capture_finish(struct sink *sink, const struct sink_capture *capture)
{
	struct top_sink *top = top_sink(sink);

	(void)capture;
	live_timeline_end(&top->timeline, &top->collect);
}

static const struct sink_ops capture_ops = {
	.name = "top",
	.batch_limit = BATCH_MAX,
	.take = capture_take,
	.report = capture_report,
	.finish = capture_finish,
	.close = top_close,
	.fd = top_fd,
	.resume = top_resume,
	.state = top_state,
	.terminal = top_terminal,
};

/* ---- opening ---- */

static struct top_sink *open_sink(const struct sink_ops *ops, const struct peers *peers)
{
	struct top_sink *top = calloc(1, sizeof(*top));

	if (!top || live_collect_open(&top->collect, monotonic_ns())) {
		log_critical("cannot start the live view: out of memory");
		free(top);
		return NULL;
	}
	top->sink.ops = ops;
	top->sink.peers = peers;
	live_view_init(&top->view);
	return top;
}

int sink_top_open(struct sink **sink, const struct peers *peers)
{
	struct top_sink *top = open_sink(&top_ops, peers);

	if (!top)
		return -ENOMEM;
	top->started_ns = monotonic_ns();
	strcpy(top->header.how, "starting");
	screen_open();
	draw(top);
	*sink = &top->sink;
	return 0;
}

int sink_top_open_capture(struct sink **sink)
{
	struct top_sink *top = open_sink(&capture_ops, NULL);

	if (!top)
		return -ENOMEM;
	top->view.capture = true;
	*sink = &top->sink;
	return 0;
}
