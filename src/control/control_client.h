/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks a daemon by its control socket. */
#ifndef METRO_CONTROL_CLIENT_H
#define METRO_CONTROL_CLIENT_H

#define CONTROL_ANSWER_MAX (16 << 20) /* bytes; longer answers are none of ours */

/* Asks one verb, and waits for the answer, timeout_ms at most. Returns 0 and the line without its
 * newline, to be freed by the caller; or -errno: -ETIMEDOUT; -ECONNREFUSED, -ENOENT: no daemon;
 * -EACCES: this user may not ask; -EPIPE: it ended the connection; -EMSGSIZE; -ENOMEM. */
int control_ask(const char *path, const char *verb, unsigned int timeout_ms, char **answer);

#endif
