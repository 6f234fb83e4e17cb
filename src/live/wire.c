/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The live view of another process, as JSON. */
#include "wire.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "json_reader.h"
#include "printable.h"

/* ---- writing ---- */

static const char *const columns[] = {"peer",
				      "address",
				      "iface",
				      "connections",
				      "rate",
				      "last",
				      "min",
				      "mean",
				      "p50",
				      "p95",
				      "p99",
				      "jitter",
				      "retransmissions",
				      "samples",
				      "interval_p50",
				      "number"};

/* Numbers of things have as many digits as it takes. */
static void write_figure(struct json *json, enum live_column column, double figure)
{
	if (column == LIVE_RETRANSMISSIONS)
		json_whole(json, NULL, (__u64)figure);
	else
		json_number(json, NULL, figure);
}

static void write_row(struct json *json, struct live_row *row)
{
	json_open(json, NULL, '[');
	json_text(json, NULL, row->name);
	json_text(json, NULL, row->address);
	json_text(json, NULL, row->place);
	for (int i = LIVE_CONNECTIONS; i < LIVE_COLUMNS; i++)
		write_figure(json, (enum live_column)i, live_figure(row, (enum live_column)i));
	json_whole(json, NULL, (__u64)row->samples);
	json_number(json, NULL,
		    isnan(row->history[LIVE_HISTORY - 1]) ? LIVE_NONE
							  : row->history[LIVE_HISTORY - 1]);
	json_whole(json, NULL, row->number);
	json_close(json, ']');
}

void wire_write(struct json *json, const struct live_header *header, struct live_row **rows,
		size_t count)
{
	json_open(json, NULL, '{');
	json_text(json, "how", header->how);
	json_text(json, "fallback", header->fallback);
	json_text(json, "losses", header->losses);
	json_number(json, "for_s", header->for_s);
	json_number(json, "left_out", header->left_out);
	json_number(json, "unplaced", header->unplaced);
	json_open(json, "columns", '[');
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		json_text(json, NULL, columns[i]);
	json_close(json, ']');
	json_open(json, "rows", '[');
	for (size_t i = 0; i < count; i++)
		write_row(json, rows[i]);
	json_close(json, ']');
	json_close(json, '}');
}

/* ---- reading ---- */

static __u32 read_number(struct json_reader *r)
{
	double number = json_reader_number(r, 0);

	return number >= 0 && number <= UINT32_MAX ? (__u32)number : 0;
}

static void read_row(struct json_reader *r, struct live_row *row)
{
	bool first = false;
	float newest;

	json_reader_text(r, row->name, sizeof(row->name));
	json_reader_expect(r, ',');
	json_reader_text(r, row->address, sizeof(row->address));
	json_reader_expect(r, ',');
	json_reader_text(r, row->place, sizeof(row->place));
	for (int i = LIVE_CONNECTIONS; i < LIVE_COLUMNS; i++) {
		json_reader_expect(r, ',');
		row->figures[i] = json_reader_number(r, LIVE_NONE);
	}
	json_reader_expect(r, ',');
	row->samples = json_reader_number(r, 0);
	json_reader_expect(r, ',');
	newest = (float)json_reader_number(r, NAN);
	json_reader_expect(r, ',');
	row->number = read_number(r);
	while (json_reader_more(r, ']', &first))
		json_reader_skip(r); /* of a newer daemon */
	row->history[LIVE_HISTORY - 1] = newest;
	printable(row->name);
	printable(row->address);
	printable(row->place);
}

static int compare_rows(const void *one, const void *other)
{
	const struct live_row *a = *(struct live_row *const *)one,
			      *b = *(struct live_row *const *)other;
	int sign = strcmp(a->address, b->address);

	return sign ? sign : (a->number > b->number) - (a->number < b->number);
}

static struct live_row *open_row(struct wire_rows *rows)
{
	struct live_row **all = rows->count == WIRE_ROWS
					? NULL
					: array_grow(rows->rows, rows->count, sizeof(*all)),
			*row;

	if (!all)
		return NULL;
	rows->rows = all;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	for (size_t i = 0; i < LIVE_HISTORY; i++)
		row->history[i] = NAN;
	rows->rows[rows->count++] = row;
	return row;
}

static void copy_row(struct live_row *to, const struct live_row *from)
{
	float newest = from->history[LIVE_HISTORY - 1];
	float history[LIVE_HISTORY];

	memcpy(history, to->history, sizeof(history));
	*to = *from;
	memmove(to->history, history + 1, sizeof(history) - sizeof(float));
	to->history[LIVE_HISTORY - 1] = newest;
}

/* sorted: the first known rows are, by compare_rows. */
static int take_row(struct wire_rows *rows, struct live_row **sorted, size_t known,
		    const struct live_row *read)
{
	struct live_row **found =
		known ? bsearch(&read, sorted, known, sizeof(*sorted), compare_rows) : NULL;
	struct live_row *row = found ? *found : open_row(rows);

	if (!row)
		return -ENOMEM;
	copy_row(row, read);
	row->round = rows->round;
	return 0;
}

/* Leaves those that were read in their order, which is that of the screen. */
static void drop_others(struct wire_rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (rows->rows[i]->round == rows->round)
			rows->rows[kept++] = rows->rows[i];
		else
			free(rows->rows[i]);
	}
	rows->count = kept;
}

static int read_rows(struct json_reader *r, struct wire_rows *rows)
{
	size_t known = rows->count;
	struct live_row **sorted = calloc(known + 1, sizeof(*sorted)), read = {};
	bool first = true;
	int err = sorted ? 0 : -ENOMEM;

	if (sorted && known) {
		memcpy(sorted, rows->rows, known * sizeof(*sorted));
		qsort(sorted, known, sizeof(*sorted), compare_rows);
	}
	rows->round++;
	json_reader_expect(r, '[');
	while (!err && json_reader_more(r, ']', &first)) {
		json_reader_expect(r, '[');
		read_row(r, &read);
		err = r->bad ? -EBADMSG : take_row(rows, sorted, known, &read);
	}
	free(sorted);
	if (!err && !r->bad)
		drop_others(rows);
	return err;
}

static int read_member(struct json_reader *r, const char *key, struct live_header *header,
		       struct wire_rows *rows)
{
	if (!strcmp(key, "how"))
		json_reader_text(r, header->how, sizeof(header->how));
	else if (!strcmp(key, "fallback"))
		json_reader_text(r, header->fallback, sizeof(header->fallback));
	else if (!strcmp(key, "losses"))
		json_reader_text(r, header->losses, sizeof(header->losses));
	else if (!strcmp(key, "for_s"))
		header->for_s = json_reader_number(r, 0);
	else if (!strcmp(key, "left_out"))
		header->left_out = json_reader_number(r, 0);
	else if (!strcmp(key, "unplaced"))
		header->unplaced = json_reader_number(r, 0);
	else if (!strcmp(key, "rows"))
		return read_rows(r, rows);
	else
		json_reader_skip(r);
	return 0;
}

static void finish_header(struct live_header *header, const struct wire_rows *rows)
{
	header->samples_per_s = 0;
	header->peers = rows->count;
	for (size_t i = 0; i < rows->count; i++)
		header->samples_per_s += rows->rows[i]->figures[LIVE_RATE];
	printable(header->how);
	printable(header->fallback);
	printable(header->losses);
}

int wire_read(const char *text, struct live_header *header, struct wire_rows *rows)
{
	struct json_reader reader = {.at = text};
	bool first = true, any = false;
	char key[32];
	int err = 0;

	json_reader_expect(&reader, '{');
	while (!err && json_reader_more(&reader, '}', &first)) {
		json_reader_text(&reader, key, sizeof(key));
		json_reader_expect(&reader, ':');
		any |= !strcmp(key, "rows");
		err = read_member(&reader, key, header, rows);
	}
	finish_header(header, rows);
	return err ? err : reader.bad || !any ? -EBADMSG : 0;
}

void wire_free(struct wire_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->rows[i]);
	free(rows->rows);
	*rows = (struct wire_rows){};
}
