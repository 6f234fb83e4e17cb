/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of a peer of another process, as JSON. */
#include "wire.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "array.h"
#include "json_reader.h"
#include "printable.h"

/* ---- writing ---- */

static const char *const columns[] = {"local", "local_port", "peer_port", "samples",        "last",
				      "min",   "mean",       "max",       "retransmissions"};

static void write_line(struct json *json, const struct live_line *line)
{
	json_open(json, NULL, '[');
	json_text(json, NULL, line->local);
	json_whole(json, NULL, line->local_port);
	json_whole(json, NULL, line->peer_port);
	json_whole(json, NULL, (__u64)line->samples);
	json_number(json, NULL, line->last);
	json_number(json, NULL, line->min);
	json_number(json, NULL, line->mean);
	json_number(json, NULL, line->max);
	json_whole(json, NULL, (__u64)line->retransmissions);
	json_close(json, ']');
}

static void write_spread(struct json *json, const struct live_detail *detail)
{
	json_open(json, "edges", '[');
	for (unsigned int i = 0; i < LIVE_EDGES; i++)
		json_number(json, NULL, live_edge(i));
	json_close(json, ']');
	json_open(json, "spread", '[');
	for (unsigned int i = 0; i <= LIVE_EDGES; i++)
		json_whole(json, NULL, detail->spread[i]);
	json_close(json, ']');
}

void wire_write_detail(struct json *json, const struct live_detail *detail)
{
	json_open(json, NULL, '{');
	if (!detail) {
		json_text(json, "error", "unknown peer");
		json_close(json, '}');
		return;
	}
	write_spread(json, detail);
	json_open(json, "columns", '[');
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		json_text(json, NULL, columns[i]);
	json_close(json, ']');
	json_open(json, "connections", '[');
	for (unsigned int i = 0; i < detail->count; i++)
		write_line(json, &detail->lines[i]);
	json_close(json, ']');
	json_whole(json, "more", detail->more);
	json_close(json, '}');
}

/* ---- reading ---- */

/* A count that fits; 0: it does not. */
static __u64 read_whole(struct json_reader *r, double most)
{
	double number = json_reader_number(r, 0);

	return number >= 0 && number <= most ? (__u64)number : 0;
}

static void read_line(struct json_reader *r, struct live_line *line)
{
	double *const figures[] = {&line->last, &line->min, &line->mean, &line->max};
	bool first = false;

	json_reader_expect(r, '[');
	json_reader_text(r, line->local, sizeof(line->local));
	printable(line->local);
	json_reader_expect(r, ',');
	line->local_port = (__u16)read_whole(r, UINT16_MAX);
	json_reader_expect(r, ',');
	line->peer_port = (__u16)read_whole(r, UINT16_MAX);
	json_reader_expect(r, ',');
	line->samples = json_reader_number(r, 0);
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		json_reader_expect(r, ',');
		*figures[i] = json_reader_number(r, LIVE_NONE);
	}
	json_reader_expect(r, ',');
	line->retransmissions = json_reader_number(r, 0);
	while (json_reader_more(r, ']', &first))
		json_reader_skip(r); /* of a newer daemon */
}

static void read_lines(struct json_reader *r, struct live_detail *detail)
{
	bool first = true;

	json_reader_expect(r, '[');
	while (json_reader_more(r, ']', &first)) {
		if (detail->count == LIVE_SHOWN_MOST)
			json_reader_skip(r);
		else
			read_line(r, &detail->lines[detail->count++]);
	}
}

static void read_spread(struct json_reader *r, struct live_detail *detail)
{
	bool first = true;
	unsigned int i = 0;

	json_reader_expect(r, '[');
	while (json_reader_more(r, ']', &first)) {
		__u64 count = read_whole(r, 1e15);

		detail->spread[i < LIVE_EDGES ? i : LIVE_EDGES] += count;
		i++;
	}
}

int wire_read_detail(const char *text, struct live_detail *detail)
{
	struct json_reader reader = {.at = text};
	bool first = true, any = false, unknown = false;
	char key[32];

	*detail = (struct live_detail){};
	json_reader_expect(&reader, '{');
	while (json_reader_more(&reader, '}', &first)) {
		json_reader_text(&reader, key, sizeof(key));
		json_reader_expect(&reader, ':');
		any |= !strcmp(key, "connections");
		unknown |= !strcmp(key, "error");
		if (!strcmp(key, "spread"))
			read_spread(&reader, detail);
		else if (!strcmp(key, "connections"))
			read_lines(&reader, detail);
		else if (!strcmp(key, "more"))
			detail->more = (unsigned int)read_whole(&reader, UINT32_MAX);
		else
			json_reader_skip(&reader);
	}
	if (reader.bad)
		return -EBADMSG;
	return unknown ? -ENOENT : any ? 0 : -EBADMSG;
}
