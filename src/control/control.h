/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon's control socket: who connects may ask what the daemon measures. A request is a line:
 * a verb, and behind a space what it is about, where it takes that; the answer is a line, one JSON
 * object; and so on, until either side closes the connection.
 *
 * Nothing here waits: an answer that a client does not take is kept for it, for a moment. Clients
 * are few, and one that is slow or silent loses its connection, so that there is room for the next.
 */
#ifndef METRO_CONTROL_H
#define METRO_CONTROL_H

#include "control_socket.h"
#include "event_loop.h"
#include "json.h"

#define CONTROL_REQUEST     64 /* bytes of a request, its newline included */
#define CONTROL_CLIENTS     8 /* at a time; one more takes the place of the one heard least lately */
#define CONTROL_PATIENCE_MS 5000 /* for a request to come, and for an answer to be taken */

/* What can be asked. */
struct control_verb {
	const char *name;
	/* Writes one JSON value. Must not take long: the event loop waits. about: what stood behind
	 * the verb, whoever sent it; "" unless it takes that. */
	void (*answer)(void *arg, const char *about, struct json *json);
	bool takes_about;
};

struct control;

/* Listens at the path. The verbs end with a row without a name. Returns 0 or the -errno of
 * control_socket_listen, or another; not reported. */
int control_new(struct control **control, struct event_loop *loop, const char *path,
		const struct control_verb *verbs, void *arg);

/* Closes all connections. NULL is ignored. */
void control_free(struct control *control);

const char *control_path(const struct control *control);

#endif
