/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rules for being well (docs/health.md states them), and their words. */
#include "health.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"

#ifndef METRO_VERSION
#define METRO_VERSION "unknown"
#endif

#define SLACK_MS   1000 /* intervals may be as short as the pauses of a busy machine */
#define NAMES_TOLD 3

/* ---- words ---- */

struct words {
	char *text;
	size_t length;
};

/* Another part of the sentence. What does not fit is left out. */
static void __attribute__((format(printf, 3, 4)))
say(struct words *words, const char *between, const char *format, ...)
{
	size_t room = HEALTH_TEXT - words->length;
	va_list args;
	int n;

	n = snprintf(words->text + words->length, room, "%s", words->length ? between : "");
	if (n < 0 || (size_t)n >= room)
		return;
	words->length += (size_t)n;
	va_start(args, format);
	n = vsnprintf(words->text + words->length, room - (size_t)n, format, args);
	va_end(args);
	words->length = strlen(words->text);
}

static void say_names(struct words *words, const struct health_names *names)
{
	unsigned int told = names->known < NAMES_TOLD ? names->known : NAMES_TOLD;

	for (unsigned int i = 0; i < told; i++)
		say(words, i ? ", " : " ", "%s", names->at[i]);
	if (names->count > told)
		say(words, " ", "and %u more", names->count - told);
}

static double seconds_since(const struct health *h, __u64 ms)
{
	return (double)(h->now_ms - ms) / 1000;
}

/* ---- rules ---- */

void health_add_name(struct health_names *names, const char *name)
{
	char(*at)[HEALTH_NAME] = array_grow(names->at, names->known, HEALTH_NAME);

	names->count++;
	if (!at)
		return;
	names->at = at;
	snprintf(at[names->known++], HEALTH_NAME, "%s", name);
}

void health_clear(struct health *h)
{
	free(h->measured.at);
	free(h->awaited.at);
	h->measured = h->awaited = (struct health_names){};
}

bool health_is_measuring(const struct health *h)
{
	return h->reading || (h->backend && h->measured.count);
}

static bool is_late(const struct health *h)
{
	return !h->reading &&
	       (double)(h->now_ms - h->reported_ms) > 2 * h->interval_s * 1000 + SLACK_MS;
}

static bool is_out_of_reach(const struct health *h)
{
	return h->has_server && h->server.failing &&
	       (double)(h->now_ms - h->server.since_ms) > HEALTH_INTERVALS * h->interval_s * 1000;
}

/* ---- verdict ---- */

static void say_idle(const struct health *h, struct words *words)
{
	if (h->awaited.count) {
		say(words, "; ", "not measuring: waiting for");
		say_names(words, &h->awaited);
	} else {
		say(words, "; ", "not measuring: there is no interface to measure");
	}
}

static void say_what_is_wrong(const struct health *h, struct words *words)
{
	if (!health_is_measuring(h))
		say_idle(h, words);
	if (is_late(h))
		say(words, "; ", "the last report was %.1f s ago, one is due every %g s",
		    seconds_since(h, h->reported_ms), h->interval_s);
	if (is_out_of_reach(h))
		say(words, "; ", "StatsD server %s takes no metrics since %.0f s: %s",
		    h->server.server, seconds_since(h, h->server.since_ms), h->server.error);
}

static void say_measuring(const struct health *h, struct words *words)
{
	if (h->reading)
		say(words, "; ", "reading capture files");
	if (!h->measured.count)
		return;
	say(words, "; ", "measuring on");
	say_names(words, &h->measured);
	if (h->fallback)
		say(words, " ", "with libpcap (not BPF: %s)", h->fallback);
	else if (h->hook)
		say(words, " ", "with BPF at %s", h->hook);
	else
		say(words, " ", "with libpcap");
	if (!h->awaited.count)
		return;
	say(words, ", ", "waiting for");
	say_names(words, &h->awaited);
}

static void say_server(const struct health *h, struct words *words)
{
	if (!h->has_server)
		return;
	if (h->server.failing)
		say(words, "; ", "StatsD server %s: %s", h->server.server, h->server.error);
	else if (h->server.heard)
		say(words, "; ", "StatsD server %s takes metrics", h->server.server);
	else
		say(words, "; ", "nothing was sent to StatsD server %s yet", h->server.server);
}

bool health_verdict(const struct health *h, char text[HEALTH_TEXT])
{
	struct words words = {.text = text};
	bool well;

	*text = '\0';
	say_what_is_wrong(h, &words);
	well = !words.length;
	if (well) {
		say_measuring(h, &words);
		say(&words, "; ", "last report %.1f s ago", seconds_since(h, h->reported_ms));
		say_server(h, &words);
	}
	return well;
}

/* ---- JSON ---- */

static void write_names(struct json *json, const char *key, const struct health_names *names)
{
	json_open(json, key, '[');
	for (unsigned int i = 0; i < names->known && i < HEALTH_NAMES; i++)
		json_text(json, NULL, names->at[i]);
	json_close(json, ']');
}

static void write_server(struct json *json, const struct health *h)
{
	const struct statsd_state *server = &h->server;

	json_open(json, NULL, '{');
	json_text(json, "server", server->server);
	if (server->heard)
		json_bool(json, "reachable", !server->failing);
	else
		json_null(json, "reachable");
	json_text(json, "error", server->error);
	if (server->heard)
		json_seconds(json, "since_s", h->now_ms - server->since_ms);
	else
		json_null(json, "since_s");
	json_close(json, '}');
}

void health_write(const struct health *h, struct json *json)
{
	char text[HEALTH_TEXT];
	bool well = health_verdict(h, text);

	json_open(json, NULL, '{');
	json_bool(json, "healthy", well);
	json_text(json, "summary", text);
	json_bool(json, "measuring", health_is_measuring(h));
	json_text(json, "backend", h->backend);
	json_text(json, "hook", h->hook);
	json_text(json, "fallback", h->fallback);
	json_whole(json, "interfaces_measured", h->measured.count);
	write_names(json, "interfaces", &h->measured);
	write_names(json, "waiting_for", &h->awaited);
	json_seconds(json, "report_age_s", h->now_ms - h->reported_ms);
	json_seconds(json, "report_interval_s", (__u64)(h->interval_s * 1000 + 0.5));
	json_text(json, "output", h->sink);
	json_open(json, "servers", '[');
	if (h->has_server)
		write_server(json, h);
	json_close(json, ']');
	json_text(json, "version", METRO_VERSION);
	json_whole(json, "pid", (__u64)getpid());
	json_seconds(json, "uptime_s", h->now_ms - h->started_ms);
	json_close(json, '}');
}
