/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The pages of the live view, on the screen. */
#ifndef METRO_LIVE_DRAW_H
#define METRO_LIVE_DRAW_H

#include "detail.h"
#include "rows.h"
#include "view.h"

#define LIVE_HEADER 512

/* What is said above and below. */
struct live_header {
	char how[LIVE_HEADER];      /* what is measured, with what */
	char fallback[LIVE_HEADER]; /* why it is libpcap and not BPF; "" */
	char losses[LIVE_HEADER];   /* what was lost since the start; "" */
	double samples_per_s;
	double left_out; /* samples of peers for which there was no room */
	double unplaced; /* samples of connections for which there was none */
	double for_s;    /* how long figures have been gathered */
	size_t peers;
};

/* detail: of the selected row, where its page is to be drawn; NULL: not known. */
void live_draw(struct live_view *view, struct live_row **rows, const struct live_header *header,
	       const struct live_detail *detail);

/* ---- among the files that draw ---- */

#define DRAW_BOTTOM 1

void draw_table(struct live_view *view, struct live_row **rows, int from, int to);
void draw_detail(struct live_view *view, struct live_row *row, const struct live_detail *detail,
		 int from, int to);
void draw_help(int from, int to);

#endif
