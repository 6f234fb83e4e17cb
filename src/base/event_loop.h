/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Waits for descriptors and calls what belongs to them: a thin layer over epoll(7). */
#ifndef METRO_EVENT_LOOP_H
#define METRO_EVENT_LOOP_H

#include <signal.h>
#include <stdbool.h>

struct event_loop;

/* Called when the descriptor is readable, or what else is awaited. */
typedef void (*event_handler)(void *arg, int fd);

/* Returns 0 or -errno. */
int event_loop_new(struct event_loop **loop);
void event_loop_free(struct event_loop *loop);

/* The caller keeps the descriptor, and removes it from the loop before closing it. Returns 0 or
 * -errno. */
int event_loop_add(struct event_loop *loop, int fd, event_handler handler, void *arg);
void event_loop_remove(struct event_loop *loop, int fd);

/* From now on the handler is called when the descriptor takes data, or, with false, again when it
 * is readable. */
void event_loop_await_room(struct event_loop *loop, int fd, bool room);

/* Waits for at least one event and calls its handler; returns at once if wait is false. Returns 0
 * or -errno. */
int event_loop_once(struct event_loop *loop, bool wait);

/* A descriptor from which the signals of the set are read, now blocked for the process. */
int event_signals(const sigset_t *set);
/* The next signal, or 0 if there is none. The value is the one that sigqueue(3) was given, or 0;
 * NULL where nobody asks. */
int event_signal_take(int fd, int *value);

/* A descriptor that is readable once every interval; set changes it. Return it or -errno. */
int event_timer(double interval_s);
int event_timer_set(int fd, double interval_s);
void event_timer_take(int fd);

#endif
