/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts into datagrams what systemd and those who ask for a reload are told. */
#include "supervisor.h"

#include "clock.h"
#include "descriptor.h"
#include "log.h"
#include "reload_reply.h"
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_SIZE (STATUS_SIZE + 128)

/* ---- messages ---- */

static bool is_told(const struct supervisor *s)
{
	return s->socket >= 0 && s->manager.length;
}

static void __attribute__((format(printf, 3, 4)))
tell(const struct supervisor *s, bool wait, const char *format, ...)
{
	char text[MESSAGE_SIZE];
	va_list args;
	int err;

	if (!is_told(s))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err = notify_send(s->socket, &s->manager, text, wait);
	if (err && wait)
		log_warning("cannot tell the service manager ($NOTIFY_SOCKET): %s", strerror(-err));
}

static const char *staleness(const struct supervisor *s)
{
	return s->stale ? "the last reload failed, see the log; " : "";
}

void supervisor_ready(struct supervisor *s, const char *status)
{
	tell(s, true, "READY=1\nSTATUS=%s%s", staleness(s), status);
}

void supervisor_reloading(const struct supervisor *s)
{
	tell(s, true, "RELOADING=1\nMONOTONIC_USEC=%llu",
	     (unsigned long long)(monotonic_ns() / NS_PER_US));
}

void supervisor_reloaded(struct supervisor *s, int err, const char *status)
{
	s->stale = err != 0;
	supervisor_ready(s, status);
}

void supervisor_stopping(const struct supervisor *s)
{
	tell(s, true, "STOPPING=1\nSTATUS=stopping");
}

void supervisor_say(const struct supervisor *s, const char *status)
{
	tell(s, false, "STATUS=%s%s", staleness(s), status);
}

void supervisor_reply(const struct supervisor *s, int value, int err)
{
	struct notify_address asker;
	char text[16];

	if (s->socket < 0 || !reload_wants_reply(value))
		return;
	snprintf(text, sizeof(text), "@" RELOAD_NAME_FORMAT, value & RELOAD_NAME_MASK);
	if (notify_address_parse(text, &asker))
		return;
	snprintf(text, sizeof(text), "%d", err);
	err = notify_send(s->socket, &asker, text, false);
	if (err)
		log_debug("nobody waits for how the reload went: %s", strerror(-err));
}

/* ---- the watchdog ---- */

static void feed(void *arg, int fd)
{
	const struct supervisor *s = arg;

	event_timer_take(fd);
	tell(s, false, "WATCHDOG=1");
}

/* Seconds that it waits for, or 0: none watches this process. */
static double watchdog_s(void)
{
	const char *pid = getenv("WATCHDOG_PID"), *usec = getenv("WATCHDOG_USEC");

	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return (double)strtoull(usec, NULL, 10) / 1e6;
}

static void start_watchdog(struct supervisor *s)
{
	double patience_s = watchdog_s();
	int err;

	if (!is_told(s) || patience_s <= 0)
		return;
	s->watchdog = event_timer(patience_s / 2);
	err = s->watchdog < 0 ? s->watchdog : event_loop_add(s->loop, s->watchdog, feed, s);
	if (!err)
		return;
	log_error("cannot feed the watchdog: %s", strerror(-err));
	descriptor_close(&s->watchdog);
}

/* ---- life ---- */

void supervisor_start(struct supervisor *s, struct event_loop *loop)
{
	const char *manager = getenv("NOTIFY_SOCKET");

	*s = (struct supervisor){.loop = loop, .socket = notify_socket(), .watchdog = -1};
	if (s->socket < 0)
		log_warning("cannot tell anybody about starts and reloads: %s",
			    strerror(-s->socket));
	if (manager && *manager && notify_address_parse(manager, &s->manager))
		log_warning("NOTIFY_SOCKET=%s is no address: the service manager is told nothing",
			    manager);
	start_watchdog(s);
}

void supervisor_stop(struct supervisor *s)
{
	if (s->watchdog >= 0)
		event_loop_remove(s->loop, s->watchdog);
	descriptor_close(&s->watchdog);
	descriptor_close(&s->socket);
}
