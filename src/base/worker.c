/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Starts threads that leave signals to the event loop. */
#include "worker.h"

#include <pthread.h>
#include <signal.h>

int worker_start(void *(*work)(void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = -pthread_create(&thread, &attr, work, arg);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}
