/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * https://prometheus.io/docs/instrumenting/exposition_formats/ and
 * https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md say how it has
 * to look. 10,000 series are 270,000 lines: those of a series differ in their ends alone, so most
 * of the work is copying.
 */
#include "exposition.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"
#include "label_escape.h"
#include "record.h"
#include "units.h"

#ifndef METRO_VERSION
#define METRO_VERSION "unknown"
#endif

#define NAME         "bpf_metro_"
#define RTT          NAME "tcp_rtt_seconds"
#define HANDSHAKE    NAME "tcp_handshake_seconds"
#define RETRANS      NAME "tcp_retransmissions"
#define NUMBER_TEXT  32 /* at most 20 digits, a point and nine more */
#define LINE_ROOM    1024
#define PIECE        (64 * 1024) /* that is packed at once: it is still in the processor's cache */
#define ESCAPED_TEXT (2 * SNAPSHOT_TEXT)

/* ---- text that grows ---- */

struct text {
	char *bytes; /* NULL: out of memory; then nothing is added */
	size_t length, room;
	enum exposition_format format;
	struct gzip *gzip; /* takes it piece by piece; NULL: it stays as it is */
};

static void pack_piece(struct text *text)
{
	gzip_add(text->gzip, text->bytes, text->length);
	text->length = 0;
}

/* Where the next bytes go, of which there may be so many. NULL: out of memory. */
static char *make_room(struct text *text, size_t more)
{
	size_t room = text->room;
	char *bytes;

	if (!text->bytes)
		return NULL;
	if (text->gzip && text->length >= PIECE)
		pack_piece(text);
	if (text->length + more > room) {
		while (text->length + more > room)
			room *= 2;
		bytes = realloc(text->bytes, room);
		if (!bytes) {
			free(text->bytes);
			text->bytes = NULL;
			return NULL;
		}
		text->bytes = bytes;
		text->room = room;
	}
	return text->bytes + text->length;
}

static void __attribute__((format(printf, 2, 3))) say(struct text *text, const char *format, ...)
{
	char *at = make_room(text, LINE_ROOM);
	va_list args;
	int n;

	if (!at)
		return;
	va_start(args, format);
	n = vsnprintf(at, LINE_ROOM, format, args);
	va_end(args);
	text->length += n < LINE_ROOM ? (size_t)n : LINE_ROOM - 1;
}

static char *copy(char *at, const char *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

static char *copy_text(char *at, const char *text)
{
	return copy(at, text, strlen(text));
}

static char *write_whole(char *at, __u64 value)
{
	char digits[20];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + value % 10);
	while (value /= 10);
	return copy(at, digits + n, sizeof(digits) - n);
}

/* Exactly, with one decimal at least: OpenMetrics wants "1.0" for bounds, and one name for each. */
static char *write_seconds(char *at, __u64 ns)
{
	unsigned int fraction = (unsigned int)(ns % NS_PER_S), digit = NS_PER_S / 10;

	at = write_whole(at, ns / NS_PER_S);
	*at++ = '.';
	do {
		*at++ = (char)('0' + fraction / digit % 10);
		fraction %= digit;
		digit /= 10;
	} while (fraction);
	return at;
}

/* ---- families ---- */

/* A counter's family is named without _total in OpenMetrics, and with it before. */
static void begin_family(struct text *text, const char *name, const char *type, const char *unit,
			 const char *help)
{
	bool new = text->format == EXPOSITION_OPENMETRICS;
	const char *ending = !new && !strcmp(type, "counter") ? "_total" : "";

	say(text, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, ending, help, name, ending, type);
	if (new &&*unit)
		say(text, "# UNIT %s %s\n", name, unit);
}

/* ---- peers ---- */

/* "NAME{LABELS", to be gone on with. */
static char *begin_line(char *at, const char *name, const struct snapshot_series *series)
{
	at = copy_text(at, name);
	*at++ = '{';
	return copy(at, series->labels, series->labels_length);
}

static char *write_line(char *at, const char *name, const struct snapshot_series *series,
			bool seconds, __u64 value)
{
	at = begin_line(at, name, series);
	at = copy_text(at, "} ");
	at = seconds ? write_seconds(at, value) : write_whole(at, value);
	*at++ = '\n';
	return at;
}

/* The texts of all bounds, each with what stands around it in a line. */
struct ladder {
	unsigned int count;
	unsigned int lengths[BUCKETS_MAX + 1];
	char texts[BUCKETS_MAX + 1][NUMBER_TEXT + 16];
};

static void make_ladder(struct ladder *ladder, const struct bucket_bounds *bounds)
{
	char *at;

	ladder->count = bounds->count + 1;
	for (unsigned int i = 0; i < ladder->count; i++) {
		at = copy_text(ladder->texts[i], ",le=\"");
		at = i < bounds->count ? write_seconds(at, bounds->ns[i]) : copy_text(at, "+Inf");
		at = copy_text(at, "\"} ");
		ladder->lengths[i] = (unsigned int)(at - ladder->texts[i]);
	}
}

static void write_histogram(struct text *text, const struct snapshot_series *series,
			    const struct ladder *ladder)
{
	size_t line = sizeof(RTT "_bucket{") + series->labels_length + 2 * NUMBER_TEXT + 16;
	char *at = make_room(text, line * (ladder->count + 2)), *begin = at;
	size_t begin_length;
	__u64 below = 0;

	if (!at)
		return;
	for (unsigned int i = 0; i < ladder->count; i++) {
		if (i) {
			at = copy(at, begin, begin_length);
		} else {
			at = begin_line(at, RTT "_bucket", series);
			begin_length = (size_t)(at - begin);
		}
		below += series->buckets[i];
		at = copy(at, ladder->texts[i], ladder->lengths[i]);
		at = write_whole(at, below);
		*at++ = '\n';
	}
	at = write_line(at, RTT "_sum", series, true, series->sum * TICK_NS);
	at = write_line(at, RTT "_count", series, false, below);
	text->length = (size_t)(at - text->bytes);
}

static void write_handshakes(struct text *text, const struct snapshot_series *series)
{
	size_t line = sizeof(HANDSHAKE "_count{") + series->labels_length + NUMBER_TEXT + 16;
	char *at = make_room(text, 2 * line);

	if (!at)
		return;
	at = write_line(at, HANDSHAKE "_sum", series, true, series->handshake_sum * TICK_NS);
	at = write_line(at, HANDSHAKE "_count", series, false, series->handshakes);
	text->length = (size_t)(at - text->bytes);
}

static void write_retransmissions(struct text *text, const struct snapshot_series *series)
{
	char *at = make_room(text,
			     sizeof(RETRANS "_total{") + series->labels_length + NUMBER_TEXT + 16);

	if (!at)
		return;
	at = write_line(at, RETRANS "_total", series, false, series->retransmissions);
	text->length = (size_t)(at - text->bytes);
}

static void write_peers(struct text *text, const struct snapshot *s)
{
	struct ladder ladder;

	make_ladder(&ladder, &s->bounds);
	begin_family(text, RTT, "histogram", "seconds",
		     "Time from a data segment to the ACK that covers it.");
	for (unsigned int i = 0; i < s->series; i++)
		write_histogram(text, snapshot_at(s, i), &ladder);
	begin_family(text, HANDSHAKE, "summary", "seconds",
		     "Time from SYN to SYN-ACK, or from SYN-ACK to ACK.");
	for (unsigned int i = 0; i < s->series; i++)
		write_handshakes(text, snapshot_at(s, i));
	begin_family(text, RETRANS, "counter", "", "Segments sent again.");
	for (unsigned int i = 0; i < s->series; i++)
		write_retransmissions(text, snapshot_at(s, i));
}

/* ---- bpf-metro ---- */

static const char *escape(const char *value, char escaped[ESCAPED_TEXT])
{
	char *at = escaped, *end = escaped + ESCAPED_TEXT - 1;
	const char *text;
	size_t length;

	while (*value) {
		text = label_escape(&value, &length);
		if (length > (size_t)(end - at))
			break;
		at = copy(at, text, length);
	}
	*at = '\0';
	return escaped;
}

static void write_gauge(struct text *text, const char *name, const char *unit, const char *help,
			double value)
{
	begin_family(text, name, "gauge", unit, help);
	say(text, "%s %.15g\n", name, value);
}

static void write_interfaces(struct text *text, const struct snapshot_facts *facts)
{
	char escaped[ESCAPED_TEXT];

	begin_family(text, NAME "interfaces", "gauge", "",
		     "Interfaces that are measured, and those that are not there or down.");
	say(text, NAME "interfaces{state=\"measured\"} %u\n", facts->measured);
	say(text, NAME "interfaces{state=\"awaited\"} %u\n", facts->awaited);
	begin_family(text, NAME "interface_measured", "gauge", "",
		     "Whether the interface is measured.");
	for (unsigned int i = 0; i < facts->interfaces_count; i++)
		say(text, NAME "interface_measured{iface=\"%s\"} %d\n",
		    escape(facts->interfaces[i].name, escaped), facts->interfaces[i].measured);
}

static void write_backend(struct text *text, const struct snapshot_facts *facts)
{
	char escaped[ESCAPED_TEXT];

	begin_family(text, NAME "build_info", "gauge", "", "The version.");
	say(text, NAME "build_info{version=\"" METRO_VERSION "\"} 1\n");
	begin_family(text, NAME "backend_info", "gauge", "",
		     "What measures, where its programs run, and why it is not BPF.");
	say(text, NAME "backend_info{backend=\"%s\",hook=\"%s\",fallback=\"%s\"} 1\n",
	    facts->backend, facts->hook, escape(facts->fallback, escaped));
}

static void write_counters(struct text *text, const struct snapshot_facts *facts)
{
	char name[SNAPSHOT_TEXT];

	for (unsigned int i = 0; i < facts->counters_count; i++) {
		const struct snapshot_counter *counter = &facts->counters[i];

		snprintf(name, sizeof(name), NAME "%s", counter->name);
		begin_family(text, name, "counter", "", counter->help);
		say(text, "%s_total %llu\n", name, counter->value);
	}
}

static void write_own(struct text *text, const struct snapshot *s)
{
	const struct snapshot_facts *facts = &s->facts;

	write_backend(text, facts);
	write_gauge(text, NAME "healthy", "", "Whether bpf-metro --health finds it well.",
		    facts->healthy);
	write_interfaces(text, facts);
	write_gauge(text, NAME "series", "", "Series of each metric of peers.", s->series);
	write_gauge(text, NAME "report_interval_seconds", "seconds", "Time between two reports.",
		    facts->interval_s);
	write_gauge(text, NAME "report_timestamp_seconds", "seconds",
		    "When the last interval ended, since 1970.", facts->reported_s);
	write_gauge(text, NAME "start_time_seconds", "seconds",
		    "When bpf-metro started, since 1970.", facts->started_s);
	write_counters(text, facts);
}

/* ---- all of it ---- */

const char *exposition_type(enum exposition_format format)
{
	static const char *const types[] = {
		[EXPOSITION_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
		[EXPOSITION_OPENMETRICS] =
			"application/openmetrics-text; version=1.0.0; charset=utf-8",
	};

	return types[format];
}

static void write_all(struct text *text, const struct snapshot *s)
{
	text->bytes = malloc(text->room);
	write_own(text, s);
	write_peers(text, s);
	if (text->format == EXPOSITION_OPENMETRICS)
		say(text, "# EOF\n");
}

char *exposition_write(const struct snapshot *s, enum exposition_format format, size_t *length)
{
	struct text text = {.format = format, .room = PIECE};

	write_all(&text, s);
	*length = text.length;
	return text.bytes;
}

char *exposition_pack(const struct snapshot *s, enum exposition_format format, size_t *length)
{
	struct gzip gzip;
	struct text text = {.format = format, .room = 2 * PIECE, .gzip = &gzip};
	char *packed;

	gzip_begin(&gzip);
	write_all(&text, s);
	if (text.bytes)
		pack_piece(&text);
	packed = gzip_end(&gzip, length);
	if (!text.bytes) {
		free(packed);
		packed = NULL;
	}
	free(text.bytes);
	return packed;
}
