/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads one capture file from start to end, or a pipe as long as it lasts, and hands on what it
 * holds. */
#include "offline.h"
#include "backend.h"
#include "capture_file.h"
#include "counter_names.h"
#include "descriptor.h"
#include "event_loop.h"
#include "log.h"
#include "privileges.h"
#include "progress.h"
#include "screen.h"
#include "showing.h"
#include "sink.h"
#include "sink_top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

/* A Ctrl-C ends the writer of a pipe, too: this is how long we wait for its last packets. */
#define LAST_PACKETS_MS 200

struct offline {
	const char *path;
	struct backend *backend;
	struct sink *sink;
	int signals;    /* those that end us are read from here; negative: they end us directly */
	__u64 until_ms; /* read until then; 0: to the end */
	bool looks_up;  /* names in --filter, once it is known what packets look like */
	bool screen;    /* what is measured is seen live */
	bool over;
	struct progress progress;
	struct showing showing;
};

static void deliver(void *arg, const struct delivery *delivery)
{
	struct offline *o = arg;

	o->sink->ops->take(o->sink, delivery);
}

/* From here on it reads what anybody may have made. The thread begins with as little as we have,
 * and is the last one. */
static int on_opened(void *arg, struct capture_file *file)
{
	const struct offline *o = arg;

	privileges_offline();
	capture_file_read_ahead(file);
	privileges_offline_seal(o->looks_up, o->screen);
	return 0;
}

static int catch_signals(bool screen)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);
	if (screen) {
		sigaddset(&set, SIGHUP);
		screen_add_signals(&set);
	}
	return event_signals(&set);
}

/* Stops reading a file at once, a pipe a little later, or with the second signal. */
static void follow_signals(struct offline *o)
{
	int signal = o->signals >= 0 ? event_signal_take(o->signals, NULL) : 0;

	if (o->screen && screen_is_signal(signal)) {
		showing_terminal(&o->showing, signal);
	} else if (signal) {
		o->over = o->until_ms || o->backend->ops->fd(o->backend) < 0;
		o->until_ms = monotonic_ms() + LAST_PACKETS_MS;
	}
	if (o->until_ms && monotonic_ms() >= o->until_ms)
		o->over = true;
}

/* The pipe is quiet: writes out what was measured before waiting for more. */
static void wait_for_packets(struct offline *o)
{
	struct pollfd events[] = {
		{.fd = o->backend->ops->fd(o->backend), .events = POLLIN},
		{.fd = o->signals, .events = POLLIN},
		{.fd = o->screen ? screen_fd() : -1, .events = POLLIN},
	};

	if (o->sink->ops->flush)
		o->sink->ops->flush(o->sink);
	if (!o->sink->error)
		poll(events, 3, o->until_ms ? LAST_PACKETS_MS : showing_wait_ms(&o->showing));
}

static int read_packets(struct offline *o)
{
	int status = 0;

	while (!status && !o->sink->error && !o->sink->over && !o->over) {
		status = o->backend->ops->read(o->backend);
		if (status == -EAGAIN) {
			wait_for_packets(o);
			status = 0;
		}
		follow_signals(o);
		progress_tell(&o->progress, capture_file_name(o->path), o->backend);
		showing_go_on(&o->showing, o->backend);
	}
	progress_end(&o->progress);
	if (!status && (o->over || o->sink->over))
		log_warning("%s was not read to its end: stopped by %s", capture_file_name(o->path),
			    o->over ? "a signal" : "a key");
	return status < 0 ? status : 0;
}

/* If nothing could be read at all, the error says enough. */
static void finish(struct offline *o, int err)
{
	__u64 counters[COUNTERS];
	struct seen seen;
	const struct sink_capture capture = {.name = capture_file_name(o->path),
					     .counters = counters,
					     .seen = &seen,
					     .whole = !err && !o->over && !o->sink->over};

	o->backend->ops->counters(o->backend, counters);
	backend_file_tell_refused(o->path, counters);
	if (log_get_level() <= LEVEL_DEBUG)
		counters_log(counters);
	o->backend->ops->seen(o->backend, &seen);
	if (err && !seen.packets)
		return;
	if (o->sink->ops->finish)
		o->sink->ops->finish(o->sink, &capture);
	seen_log(&seen, counters, capture.name);
}

static int open_file(struct offline *o, const struct options *options)
{
	char reason[BACKEND_REASON] = "out of memory";
	struct backend_settings settings = {
		.file_marks = options->marks,
		.max_flows = BACKEND_FILE_FLOWS,
		.batch_limit = o->sink->ops->batch_limit,
		.handshakes = o->sink->ops->handshakes,
		.expression = options->filter,
		.ways = options->directed ? direction_ways(options->direction) : 0,
		.ports = options->ports.count ? &options->ports : NULL,
		.opened = on_opened,
		.deliver = deliver,
		.arg = o,
	};
	int err = backend_file_open(&o->backend, &settings, o->path, options->local,
				    options->local_count, reason);

	if (err) {
		if (reason[0])
			log_error("%s", reason);
		o->sink->error = err; /* nothing was measured: no summary */
	}
	return err;
}

static int measure(struct offline *o, const struct options *options)
{
	int err = open_file(o, options);

	if (err)
		return err;
	err = read_packets(o);
	while (!o->backend->ops->sweep(o->backend))
		showing_go_on(&o->showing, o->backend);
	finish(o, err);
	showing_end(&o->showing, o->backend, err);
	o->backend->ops->close(o->backend);
	return err;
}

static int open_sink(struct sink **sink, enum output_choice output)
{
	switch (output) {
	case OUTPUT_JSON:
		return sink_json_open(sink, NULL);
	case OUTPUT_HTML:
		return sink_html_open(sink);
	case OUTPUT_SUMMARY:
		return sink_summary_open(sink, NULL, NULL);
	case OUTPUT_TOP:
		return sink_top_open_capture(sink);
	default:
		return sink_text_open(sink, NULL);
	}
}

int offline_run(const struct options *options)
{
	struct offline o = {.path = options->read_path,
			    .looks_up = options->filter,
			    .screen = options->output == OUTPUT_TOP};
	int err = o.screen ? screen_prepare() : 0, closed;

	if (err)
		return err;
	o.signals = catch_signals(o.screen);
	progress_begin(&o.progress);
	err = open_sink(&o.sink, options->output);
	if (err) {
		screen_close();
		return err;
	}
	showing_begin(&o.showing, o.sink, capture_file_name(o.path));
	err = measure(&o, options);
	if (!o.sink->error && !o.over)
		showing_stay(&o.showing, o.signals);
	closed = o.sink->ops->close(o.sink);
	descriptor_close(&o.signals);
	return err ? err : closed;
}
