/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long this machine stood still for somebody who wanted to run every millisecond, on each CPU.
 * Until SIGTERM or SIGINT; then it prints the longest time, in microseconds: {"stall_us":N} */
#include "clock.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic __u64 longest; /* ns */

static void note(__u64 late)
{
	__u64 before = atomic_load(&longest);

	while (late > before && !atomic_compare_exchange_weak(&longest, &before, late))
		;
}

static void *watch(void *cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)(uintptr_t)cpu, &one);
	if (pthread_setaffinity_np(pthread_self(), sizeof(one), &one))
		return NULL; /* not ours */
	for (;;) {
		__u64 due = monotonic_ns() + NS_PER_MS, now;

		usleep(1000);
		now = monotonic_ns();
		if (now > due)
			note(now - due);
	}
}

int main(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	pthread_t thread;
	sigset_t ends;
	int sig;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	for (long cpu = 0; cpu < cpus; cpu++)
		if (pthread_create(&thread, NULL, watch, (void *)(uintptr_t)cpu)) {
			fprintf(stderr, "stalls: cannot start a thread\n");
			return 1;
		}
	sigwait(&ends, &sig);
	printf("{\"stall_us\":%llu}\n", (unsigned long long)(atomic_load(&longest) / 1000));
	return 0;
}
