/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A ring of pieces: the thread fills them in order, whoever measures takes them in order. */
#include "read_ahead.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define PIECE  (128 * 1024) /* with its neighbours it fits into the second level of a cache */
#define PIECES 8
#define BURST  4 /* once all are full, this many have to be free before the thread goes on */

struct piece {
	long length; /* or what read returned in the end */
	__u8 front[READ_AHEAD_FRONT];
	__u8 bytes[PIECE];
};

struct read_ahead {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below, but what the pieces hold */
	pthread_cond_t changed;
	long (*read)(void *arg, __u8 *to, size_t size); /* NULL: not begun */
	void *arg;
	bool stopped;
	unsigned int filled, taken; /* of all so far; what is taken holds the two last ones */
	struct piece pieces[PIECES];
};

/* How many the thread may not touch: those to be taken, the last one taken, and the one before,
 * whose rest has yet to be copied in front of it. */
static unsigned int held(const struct read_ahead *a)
{
	unsigned int before = a->taken < 2 ? a->taken : 2;

	return a->filled - (a->taken - before);
}

/* Waits for a piece to fill. Returns NULL if it is time to end. */
static struct piece *wait_to_fill(struct read_ahead *a)
{
	struct piece *piece = NULL;
	unsigned int most;

	pthread_mutex_lock(&a->lock);
	most = held(a) == PIECES ? PIECES - BURST : PIECES - 1;
	while (!a->stopped && (!a->read || held(a) > most))
		pthread_cond_wait(&a->changed, &a->lock);
	if (!a->stopped)
		piece = &a->pieces[a->filled % PIECES];
	pthread_mutex_unlock(&a->lock);
	return piece;
}

static void hand_over(struct read_ahead *a, struct piece *piece, long length)
{
	piece->length = length;
	pthread_mutex_lock(&a->lock);
	a->filled++;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

static void *work(void *arg)
{
	struct read_ahead *a = arg;
	struct piece *piece;
	long n = 1, length = 0;

	while ((piece = wait_to_fill(a))) {
		if (n <= 0) {
			hand_over(a, piece, n);
			break;
		}
		for (length = 0; length < PIECE; length += n) {
			n = a->read(a->arg, piece->bytes + length, (size_t)(PIECE - length));
			if (n <= 0)
				break;
		}
		if (length)
			hand_over(a, piece, length);
	}
	return NULL;
}

static int start(struct read_ahead *a)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&a->thread, NULL, work, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

int read_ahead_new(struct read_ahead **ahead)
{
	struct read_ahead *a = malloc(sizeof(*a)); /* most of it is never touched in small files */
	int err;

	if (!a)
		return -ENOMEM;
	a->read = NULL;
	a->stopped = false;
	a->filled = a->taken = 0;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	err = start(a);
	if (err) {
		free(a);
		return err;
	}
	*ahead = a;
	return 0;
}

void read_ahead_free(struct read_ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stopped = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void read_ahead_begin(struct read_ahead *a, long (*read)(void *arg, __u8 *to, size_t size),
		      void *arg)
{
	pthread_mutex_lock(&a->lock);
	a->arg = arg;
	a->read = read;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

long read_ahead_next(struct read_ahead *a, __u8 **piece)
{
	struct piece *next = &a->pieces[a->taken % PIECES];

	pthread_mutex_lock(&a->lock);
	while (a->filled == a->taken)
		pthread_cond_wait(&a->changed, &a->lock);
	a->taken += next->length > 0;
	if (held(a) <= PIECES - BURST)
		pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	*piece = next->bytes;
	return next->length;
}
