/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Works out the phases of instances that measure a part of the time, and times their ends. */
#include "duty_cycle.h"

#include "clock.h"
#include "descriptor.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>

int duty_cycle_start(struct duty_cycle *cycle)
{
	cycle->start_ns = monotonic_ns();
	cycle->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return cycle->timer < 0 ? -errno : 0;
}

void duty_cycle_stop(struct duty_cycle *cycle)
{
	descriptor_close(&cycle->timer);
}

bool duty_cycle_pauses(const struct instance *instance, __u64 elapsed_ns, __u64 *left_ns)
{
	__u64 duration = instance->sample_duration_s * NS_PER_S;
	__u64 period = duration + instance->sample_interval_s * NS_PER_S;
	__u64 position;

	if (!instance->sample)
		return false;
	position = elapsed_ns % period;
	*left_ns = (position < duration ? duration : period) - position;
	return position >= duration;
}

/* To an absolute time: one that has passed meanwhile fires at once. 0 turns it off. Setting it also
 * makes it unreadable until then. */
static void set_timer(const struct duty_cycle *cycle, __u64 end_ns)
{
	const struct itimerspec at = {
		.it_value = {.tv_sec = (time_t)(end_ns / NS_PER_S),
			     .tv_nsec = (long)(end_ns % NS_PER_S)},
	};

	timerfd_settime(cycle->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

bool duty_cycle_apply(const struct duty_cycle *cycle, const struct config *config,
		      struct peers *peers)
{
	__u64 elapsed = monotonic_ns() - cycle->start_ns, left, soonest = UINT64_MAX;
	bool changed = false;

	for (size_t i = 0; i < config->instances_count; i++) {
		const struct instance *instance = &config->instances[i];
		bool pauses;

		if (!instance->sample)
			continue;
		pauses = duty_cycle_pauses(instance, elapsed, &left);
		soonest = left < soonest ? left : soonest;
		if (!peers_rest(peers, i, pauses))
			continue;
		log_debug("instances[%zu] on %s %s for %.1f s", i, instance->interface,
			  pauses ? "pauses" : "measures", (double)left / NS_PER_S);
		changed = true;
	}
	set_timer(cycle, soonest == UINT64_MAX ? 0 : cycle->start_ns + elapsed + soonest);
	return changed;
}
