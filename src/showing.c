/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading has no event loop: it asks between its steps whether there are keys. */
#include "showing.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "event_loop.h"
#include "screen.h"
#include "spark.h"

#define EVERY_MS 250

/* A picture of thousands of peers takes some ms: a fiftieth of the time, at most. */
#define PICTURE_SHARE 50

void showing_begin(struct showing *s, struct sink *sink, const char *path)
{
	const char *slash = strrchr(path, '/');

	*s = (struct showing){
		.sink = sink->ops->state ? sink : NULL, /* it is the view */
		.name = slash && slash[1] ? slash + 1 : path,
		.begun_ms = monotonic_ms(),
	};
}

/* ---- pictures ---- */

static void tell(const struct showing *s, const struct backend_file_progress *so_far,
		 const char *what)
{
	double seconds = (double)(monotonic_ms() - s->begun_ms + 1) / 1e3;
	char text[512], packets[FIGURE_TEXT], rate[FIGURE_TEXT];

	figure_count(packets, (double)so_far->packets);
	figure_count(rate, (double)so_far->packets / seconds);
	snprintf(text, sizeof(text), "%s: %s packets, %s packets/s; %s", what, packets, rate,
		 s->name);
	s->sink->ops->state(s->sink, text, "");
}

static void draw(struct showing *s, struct backend *backend)
{
	__u64 counters[COUNTERS], begun_ms = monotonic_ms(), now_ms;

	backend->ops->counters(backend, counters);
	s->sink->ops->report(s->sink, counters);
	now_ms = monotonic_ms();
	s->next_ms = (now_ms - begun_ms) * PICTURE_SHARE;
	s->next_ms = now_ms + (s->next_ms > EVERY_MS ? s->next_ms : EVERY_MS);
}

static void draw_progress(struct showing *s, struct backend *backend)
{
	struct backend_file_progress so_far;
	char what[32] = "reading";

	if (backend_file_tell_progress(backend, &so_far))
		snprintf(what, sizeof(what), "%.0f %%", so_far.share * 100);
	tell(s, &so_far, what);
	draw(s, backend);
}

/* ---- while it is read ---- */

static void take_keys(struct showing *s)
{
	struct pollfd keys = {.fd = s->sink->ops->fd(s->sink), .events = POLLIN};

	if (poll(&keys, 1, 0) > 0)
		s->sink->ops->resume(s->sink);
}

void showing_go_on(struct showing *s, struct backend *backend)
{
	if (!s->sink)
		return;
	if (monotonic_ms() >= s->next_ms)
		draw_progress(s, backend);
	take_keys(s);
}

int showing_wait_ms(const struct showing *s)
{
	__u64 now_ms = monotonic_ms();

	if (!s->sink)
		return -1;
	return now_ms < s->next_ms ? (int)(s->next_ms - now_ms) : 0;
}

void showing_terminal(struct showing *s, int signal)
{
	if (s->sink && s->next_ms) /* there is a picture */
		s->sink->ops->terminal(s->sink, signal);
	else
		screen_follow(signal);
}

/* ---- after that ---- */

void showing_end(struct showing *s, struct backend *backend, int err)
{
	struct backend_file_progress so_far;
	char what[64] = "broken off";

	if (!s->sink || s->sink->over)
		return;
	if (!err)
		strcpy(what, "done");
	if (backend_file_tell_progress(backend, &so_far) && err)
		snprintf(what, sizeof(what), "broken off at %.0f %%", so_far.share * 100);
	tell(s, &so_far, what);
	draw(s, backend);
}

static bool is_over(struct showing *s, int signals)
{
	int signal;

	while ((signal = event_signal_take(signals, NULL))) {
		if (!screen_is_signal(signal))
			return true;
		showing_terminal(s, signal);
	}
	return s->sink->over;
}

void showing_stay(struct showing *s, int signals)
{
	struct pollfd events[] = {
		{.fd = s->sink ? s->sink->ops->fd(s->sink) : -1, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
	};

	while (s->sink && !is_over(s, signals)) {
		poll(events, 2, -1);
		if (events[0].revents)
			s->sink->ops->resume(s->sink);
	}
}
