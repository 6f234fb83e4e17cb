/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For people: one aligned line per sample, and at the end a table of round-trip times by host. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "decimal.h"
#include "output.h"
#include "printable.h"
#include "sink.h"
#include "timestamp.h"
#include "units.h"
#include "window_group.h"

/* Where data arrives, which no interface can have in its name. */
#define MARK_IN       ":in"
#define PLACE_TEXT    (IFNAMSIZ + sizeof(MARK_IN) - 1)

#define ENDPOINT_TEXT (ADDRESS_TEXT + sizeof("[]:65535"))
#define LINE_ROOM     (2 * ENDPOINT_TEXT + PLACE_TEXT + 128)

/* Columns are as wide as the widest entry so far: no line is wider than it must be. */
struct widths {
	int iface;
	int src;
	int dst;
};

/* Between mean and max in the table. */
static const double quantiles[] = {0.5, 0.95, 0.99};

struct text_sink {
	struct sink sink;
	struct timestamp timestamp;
	struct widths widths;
	char iface[IFNAMSIZ];   /* of the last delivery .. */
	char shown[PLACE_TEXT]; /* how to print that .. */
	enum way way;           /* .. with this */
	struct windows windows; /* over the whole run */
	struct window_group group;
	struct output output;
};

static struct text_sink *text_sink(struct sink *sink)
{
	return (struct text_sink *)sink;
}

static void widen(int *width, const char *text)
{
	int length = strlen(text);

	if (length > *width)
		*width = length;
}

/* Blanks up to a column's end. */
static char *pad(char *to, const char *from, int width)
{
	while (to - from < width)
		*to++ = ' ';
	return to;
}

static char *put_endpoint(char *to, const struct address *addr, __u16 port, int *width)
{
	bool v4 = address_is_v4(addr);
	char *from = to;

	if (!v4)
		*to++ = '[';
	to = address_write(addr, to);
	if (!v4)
		*to++ = ']';
	*to++ = ':';
	to = decimal(to, port);
	if (to - from > *width)
		*width = (int)(to - from);
	return pad(to, from, *width);
}

/* As %9.3f, of milliseconds. No rounding to even: ticks never end on half of 1 us. */
static char *put_ms(char *to, __u32 ticks)
{
	__u64 us = ((__u64)ticks * TICK_NS + NS_PER_US / 2) / NS_PER_US;

	for (__u64 digits = 10000; digits > 1 && us / 1000 < digits; digits /= 10)
		*to++ = ' ';
	to = decimal(to, us / 1000);
	*to++ = '.';
	return decimal_fixed(to, 3, us % 1000);
}

static char *put_sample(char *to, __u32 rtt, __u64 frame)
{
	to = put_ms(stpcpy(to, " rtt "), rtt);
	to = stpcpy(to, " ms");
	if (frame)
		to = decimal(stpcpy(to, " frame "), frame);
	*to++ = '\n';
	return to;
}

/* The kernel allows nearly every byte in an interface's name: makes it printable. */
static const char *put_place(char place[PLACE_TEXT], const char *iface, enum way way)
{
	printable_copy(place, IFNAMSIZ, iface);
	if (way == WAY_IN)
		strcat(place, MARK_IN);
	return place;
}

static const char *show_place(struct text_sink *text, const struct delivery *delivery)
{
	enum way way = interface_number_way(delivery->record->key.ifindex);

	if (text->way == way && strcmp(text->iface, delivery->iface) == 0)
		return text->shown;
	snprintf(text->iface, sizeof(text->iface), "%s", delivery->iface);
	text->way = way;
	return put_place(text->shown, delivery->iface, way);
}

/* Written by hand: printf would take most of the time that reading a capture file takes. */
static void write_samples(struct text_sink *text, const struct delivery *delivery)
{
	const struct flow_record *record = delivery->record;
	const struct flow_key *key = &record->key;
	const char *iface = show_place(text, delivery);
	char *line, *to;

	widen(&text->widths.iface, iface);
	for (unsigned int i = 1; i <= record->count; i++) {
		line = output_room(&text->output, LINE_ROOM);
		to = stpcpy(line, timestamp_text(&text->timestamp, delivery->wall_ns));
		*to++ = ' ';
		to = pad(stpcpy(to, iface), to, text->widths.iface);
		*to++ = ' ';
		to = put_endpoint(to, &key->local, key->local_port, &text->widths.src);
		to = stpcpy(to, " > ");
		to = put_endpoint(to, &key->peer, key->peer_port, &text->widths.dst);
		output_filled(&text->output, put_sample(to, record->rtt[i], delivery->frame));
	}
}

static void text_take(struct sink *sink, const struct delivery *delivery)
{
	struct text_sink *text = text_sink(sink);

	if (delivery->record->flags & RECORD_HANDSHAKE || !delivery->record->count)
		return;                         /* no samples */
	text->output.patient = delivery->frame; /* a file's packets can wait */
	write_samples(text, delivery);
	window_group_add(&text->group, delivery->record, delivery->iface);
	sink->error = text->output.error;
}

static void text_flush(struct sink *sink)
{
	sink->error = output_flush(&text_sink(sink)->output);
}

static int text_fd(struct sink *sink)
{
	return text_sink(sink)->output.room;
}

static __u64 text_lost(struct sink *sink)
{
	return text_sink(sink)->output.lost;
}

/* The peer's name where one was configured, else its address. */
static const char *window_dst(const struct text_sink *text, const struct window *window,
			      char addr[ADDRESS_TEXT])
{
	const struct peers *peers = text->sink.peers;
	const char *name = NULL;

	if (peers)
		name = peers_name(peers, window->key.ifindex, &window->key.dst);
	return name ? name : address_format(&window->key.dst, addr);
}

static const char *window_place(const struct window *window, char place[PLACE_TEXT])
{
	return put_place(place, window->iface, interface_number_way(window->key.ifindex));
}

static struct widths table_widths(const struct text_sink *text)
{
	struct widths widths = {
		.iface = strlen("iface"), .src = strlen("src"), .dst = strlen("dst")};
	char addr[ADDRESS_TEXT], place[PLACE_TEXT];

	for (const struct window *w = text->windows.first; w; w = window_next(w)) {
		widen(&widths.iface, window_place(w, place));
		widen(&widths.src, address_format(&w->key.src, addr));
		widen(&widths.dst, window_dst(text, w, addr));
	}
	return widths;
}

static void write_table_line(struct text_sink *text, const struct widths *widths,
			     const struct window *window)
{
	const struct window_stats *stats = &window->stats;
	char src[ADDRESS_TEXT], dst[ADDRESS_TEXT], place[PLACE_TEXT];

	output_format(&text->output, "%-*s %-*s %-*s %10llu %9.3f %9.3f", widths->iface,
		      window_place(window, place), widths->src,
		      address_format(&window->key.src, src), widths->dst,
		      window_dst(text, window, dst), (unsigned long long)stats->count,
		      window_ticks_ms(stats->min), window_mean_ms(stats));
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		output_format(&text->output, " %9.3f", window_quantile_ms(window, quantiles[i]));
	output_format(&text->output, " %9.3f %9.3f\n", window_ticks_ms(stats->max),
		      window_jitter_ms(stats));
}

static void write_table(struct text_sink *text)
{
	struct widths widths = table_widths(text);

	if (!text->windows.first) {
		output_text(&text->output, "no round-trip times seen\n");
		return;
	}
	output_format(&text->output,
		      "\nround-trip times in ms\n"
		      "%-*s %-*s %-*s %10s %9s %9s %9s %9s %9s %9s %9s\n",
		      widths.iface, "iface", widths.src, "src", widths.dst, "dst", "samples", "min",
		      "mean", "p50", "p95", "p99", "max", "jitter");
	for (const struct window *w = text->windows.first; w; w = window_next(w))
		write_table_line(text, &widths, w);
}

static int text_close(struct sink *sink)
{
	struct text_sink *text = text_sink(sink);
	int error;

	window_group_count(&text->group);
	/* A full backlog would have no room for all of the table. */
	if (!sink->error && !output_drain(&text->output))
		write_table(text);
	error = output_close(&text->output);
	if (text->group.lost)
		log_error("out of memory: %llu samples are missing from the table",
			  (unsigned long long)text->group.lost);
	window_group_close(&text->group);
	windows_clear(&text->windows);
	free(text);
	return error;
}

static const struct sink_ops text_ops = {
	.name = "text",
	.batch_limit = 1,
	.take = text_take,
	.flush = text_flush,
	.close = text_close,
	.fd = text_fd,
	.resume = text_flush,
	.lost = text_lost,
};

int sink_text_open(struct sink **sink, const struct peers *peers)
{
	struct text_sink *text = calloc(1, sizeof(*text));
	int err = text ? window_group_open(&text->group, &text->windows) : -ENOMEM;

	if (!err) {
		err = output_open(&text->output, STDOUT_FILENO);
		if (err)
			window_group_close(&text->group);
	}
	if (err) {
		log_error("cannot start text output: %s", strerror(-err));
		free(text);
		return err;
	}
	text->sink.ops = &text_ops;
	text->sink.peers = peers;
	text->windows.keep_histograms = true;
	timestamp_init(&text->timestamp, TIMESTAMP_CLOCK);
	*sink = &text->sink;
	return 0;
}
