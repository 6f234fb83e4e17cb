/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Threads that do beside the event loop what may take long. */
#ifndef METRO_WORKER_H
#define METRO_WORKER_H

/* Starts a detached thread that gets no signals: those are the event loop's. Returns 0 or -errno.
 */
int worker_start(void *(*work)(void *arg), void *arg);

#endif
