/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A capture file in the live view: pictures and keys while it is read, and after that for as long
 * as somebody looks. With a sink that has no terminal, nothing of it does anything. */
#ifndef METRO_SHOWING_H
#define METRO_SHOWING_H

#include "backend.h"
#include "sink.h"

struct showing {
	struct sink *sink; /* NULL: it has no terminal */
	const char *name;  /* of the file, without directories; borrowed */
	__u64 begun_ms, next_ms;
};

void showing_begin(struct showing *showing, struct sink *sink, const char *path);

/* Takes keys, and draws a few times a second. To be called after each step of reading. */
void showing_go_on(struct showing *showing, struct backend *backend);

/* How long the next picture may be waited for, in ms; -1: there will be none. */
int showing_wait_ms(const struct showing *showing);

/* A signal about the terminal. */
void showing_terminal(struct showing *showing, int signal);

/* Nothing more is read: err is what reading ended with, or 0. The sink has finished. */
void showing_end(struct showing *showing, struct backend *backend, int err);

/* Waits until the user has seen enough, or a signal but that of another size comes. */
void showing_stay(struct showing *showing, int signals);

#endif
