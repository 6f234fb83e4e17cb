/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a daemon tells of its live view, and how it is read: a JSON object for all peers, and one
 * for the page of a peer.
 *
 *   {"how":"..","fallback":"..","losses":"..","for_s":12.3,"left_out":0,"unplaced":0,
 *    "columns":["peer","address","iface","connections","rate",..,"interval_p50","number"],
 *    "rows":[["db","192.0.2.1","eth0",3,40,..],..]}
 *
 *   {"edges":[0.001,0.002,..],"spread":[0,0,17,..],
 *    "columns":["local","local_port","peer_port","samples","last","min","mean","max",
 *               "retransmissions"],
 *    "connections":[["192.0.2.9",40000,443,17,..],..],"more":0}
 *
 * Times are ms; null: there is none. What a spread's figures count is said in detail.h.
 */
#ifndef METRO_LIVE_WIRE_H
#define METRO_LIVE_WIRE_H

#include "draw.h"
#include "json.h"
#include "rows.h"

#define WIRE_ROWS 20000 /* at most; a daemon has no more than LIVE_PEERS */

/* Writes it. The rows are those that live_collect_show has made. */
void wire_write(struct json *json, const struct live_header *header, struct live_row **rows,
		size_t count);

/* What was read, answer after answer: a row stays where it is, so that histories grow. */
struct wire_rows {
	struct live_row **rows;
	size_t count;
	unsigned int round; /* of reading */
};

/* Rows that are no longer there go. Returns 0, or -EBADMSG: it is none, or -ENOMEM; then some rows
 * may be new and others old. */
int wire_read(const char *text, struct live_header *header, struct wire_rows *rows);
void wire_free(struct wire_rows *rows);

/* detail: NULL: the peer is not there. */
void wire_write_detail(struct json *json, const struct live_detail *detail);

/* Returns 0, or -EBADMSG: it is none, or -ENOENT: the peer is not there; detail is then of no use.
 */
int wire_read_detail(const char *text, struct live_detail *detail);

#endif
