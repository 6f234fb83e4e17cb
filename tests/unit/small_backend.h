/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two backends that measure nothing: they note what they are asked to do, in order, and answer as a
 * test wishes. Include after cmocka.h.
 */
#ifndef METRO_TEST_SMALL_BACKEND_H
#define METRO_TEST_SMALL_BACKEND_H

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend.h"

struct small_backend {
	struct backend backend;
	struct backend_ops ops;
	const char *name;
	struct backend_settings settings;
	const struct peers *peers; /* that were set last */
	int fd;                    /* -1: not open */
	unsigned int step;         /* of the present walk */
	struct hold *holds[16];
	unsigned int holds_count;

	/* The answers. */
	int open_error, peers_error, attach_error, adopt_error, check_error, read_error;
	unsigned int ended;   /* the interface whose hold has */
	unsigned int removed; /* with each attaching */
	bool tell_shut;
	unsigned int slow_ms;        /* how long the next attaching takes */
	unsigned int peers_failures; /* how often peers_error is given; 0: always */
	unsigned int steps;          /* that a walk has; 0 is one, too */
	struct census_figures figures;
	unsigned int ways; /* that it was opened for last */
};

static struct small_backend small_bpf = {.name = "bpf", .fd = -1};
static struct small_backend small_pcap = {.name = "pcap", .fd = -1};

static char asked[4096]; /* "bpf.open bpf.peers .." */

static inline void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
	static pthread_mutex_t lock =
		PTHREAD_MUTEX_INITIALIZER; /* jobs beside the loop note, too */
	size_t length;
	va_list args;

	pthread_mutex_lock(&lock);
	length = strlen(asked);
	va_start(args, format);
	if (length && length < sizeof(asked) - 1)
		asked[length++] = ' ';
	vsnprintf(asked + length, sizeof(asked) - length, format, args);
	va_end(args);
	pthread_mutex_unlock(&lock);
}

/* What was asked since the last call is this. */
#define assert_asked(expected)                                                                     \
	do {                                                                                       \
		assert_string_equal(asked, expected);                                              \
		asked[0] = '\0';                                                                   \
	} while (0)

static inline struct small_backend *small(struct backend *backend)
{
	return (struct small_backend *)backend;
}

static inline int small_answer(const struct small_backend *s, const char *what, int err,
			       char reason[BACKEND_REASON])
{
	if (err)
		snprintf(reason, BACKEND_REASON, "%s cannot %s", s->name, what);
	return err;
}

static inline int small_open_hold(struct backend *backend, const struct interface *interface,
				  unsigned int ways, struct hold **hold,
				  char reason[BACKEND_REASON])
{
	struct small_backend *s = small(backend);
	struct hold *made;

	note("%s.attach:%s", s->name, interface->name);
	usleep(1000 * s->slow_ms);
	if (s->attach_error)
		return small_answer(s, "attach", s->attach_error, reason);
	made = calloc(1, sizeof(*made));
	made->interface = *interface;
	made->ways = ways;
	s->ways = ways;
	snprintf(made->how, sizeof(made->how), "%s", s->name);
	made->removed = s->removed;
	*hold = made;
	return 0;
}

static inline int small_adopt(struct backend *backend, struct hold *hold,
			      char reason[BACKEND_REASON])
{
	struct small_backend *s = small(backend);

	if (s->adopt_error)
		return small_answer(s, "adopt", s->adopt_error, reason);
	s->holds[s->holds_count++] = hold;
	return 0;
}

static inline struct hold *small_release(struct backend *backend, unsigned int ifindex)
{
	struct small_backend *s = small(backend);

	note("%s.detach:%u", s->name, ifindex);
	for (unsigned int i = 0; i < s->holds_count; i++) {
		struct hold *hold = s->holds[i];

		if (hold->interface.ifindex != ifindex)
			continue;
		s->holds[i] = s->holds[--s->holds_count];
		return hold;
	}
	return NULL;
}

static inline void small_shut(struct hold *hold)
{
	if (small_bpf.tell_shut)
		note("bpf.shut");
	free(hold);
}

static inline int small_check(struct hold *hold, const struct interface *interface,
			      char reason[BACKEND_REASON])
{
	(void)hold, (void)interface;
	return small_answer(&small_bpf, "be found", small_bpf.check_error, reason);
}

static inline unsigned int small_ended(struct backend *backend)
{
	unsigned int ended = small(backend)->ended;

	small(backend)->ended = 0;
	return ended;
}

static inline void small_rename(struct backend *backend, const struct interface *interface)
{
	note("%s.rename:%s", small(backend)->name, interface->name);
}

static inline int small_set_peers(struct backend *backend, const struct peers *peers)
{
	struct small_backend *s = small(backend);
	int err = s->peers_error;

	note("%s.peers", s->name);
	s->peers = peers; /* some of them are in force also when that fails */
	if (s->peers_failures && !--s->peers_failures)
		s->peers_error = 0;
	return err;
}

static inline int small_set_interfaces(struct backend *backend, const struct peers *peers)
{
	note("%s.interfaces", small(backend)->name);
	small(backend)->peers = peers;
	return 0;
}

static inline int small_fd(struct backend *backend)
{
	return small(backend)->fd;
}

static inline int small_read(struct backend *backend)
{
	eventfd_t count;

	eventfd_read(small(backend)->fd, &count);
	note("%s.read", small(backend)->name);
	return small(backend)->read_error;
}

static inline bool small_sweep(struct backend *backend)
{
	struct small_backend *s = small(backend);

	note("%s.sweep", s->name);
	if (++s->step < s->steps)
		return false;
	s->step = 0;
	return true;
}

static inline void small_refresh(struct backend *backend)
{
	note("%s.refresh", small(backend)->name);
}

static inline void small_settle(struct backend *backend)
{
	note("%s.settle", small(backend)->name);
}

static inline void small_drain(struct backend *backend)
{
	note("%s.drain", small(backend)->name);
}

static inline void small_follow(struct backend *backend, const struct backend_settings *settings)
{
	note("%s.follow", small(backend)->name);
	small(backend)->settings = *settings;
}

static inline struct census_figures small_figures(struct backend *backend, __u32 number)
{
	(void)number;
	return small(backend)->figures;
}

static inline void small_look_out(struct backend *backend, __u32 number, bool on)
{
	note("%s.look_out:%u:%s", small(backend)->name, number, on ? "on" : "off");
}

static inline void small_counters(struct backend *backend, __u64 values[COUNTERS])
{
	note("%s.counters", small(backend)->name);
	memset(values, 0, COUNTERS * sizeof(*values));
	values[COUNTER_SAMPLES] = 7;
}

static inline void small_close(struct backend *backend)
{
	struct small_backend *s = small(backend);

	note("%s.close", s->name);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static const struct backend_ops small_ops = {
	.open = small_open_hold,
	.adopt = small_adopt,
	.release = small_release,
	.check = small_check,
	.shut = small_shut,
	.ended = small_ended,
	.rename = small_rename,
	.set_peers = small_set_peers,
	.set_interfaces = small_set_interfaces,
	.fd = small_fd,
	.read = small_read,
	.sweep = small_sweep,
	.refresh = small_refresh,
	.settle = small_settle,
	.drain = small_drain,
	.follow = small_follow,
	.figures = small_figures,
	.look_out = small_look_out,
	.counters = small_counters,
	.close = small_close,
};

static inline int small_open(struct small_backend *s, struct backend **backend,
			     const struct backend_settings *settings, char reason[BACKEND_REASON])
{
	note("%s.open", s->name);
	if (s->open_error)
		return small_answer(s, "open", s->open_error, reason);
	s->ops = small_ops;
	s->ops.name = s->name;
	s->backend.ops = &s->ops;
	s->settings = *settings;
	s->step = 0;
	s->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	*backend = &s->backend;
	return 0;
}

static inline int small_open_bpf(struct backend **backend, const struct backend_settings *settings,
				 char reason[BACKEND_REASON])
{
	return small_open(&small_bpf, backend, settings, reason);
}

static inline int small_open_pcap(struct backend **backend, const struct backend_settings *settings,
				  char reason[BACKEND_REASON])
{
	return small_open(&small_pcap, backend, settings, reason);
}

/* Answers that are all well, and nothing asked. */
static inline void small_backends_reset(void)
{
	small_bpf = (struct small_backend){.name = "bpf", .fd = -1};
	small_pcap = (struct small_backend){.name = "pcap", .fd = -1};
	asked[0] = '\0';
}

#endif
