/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Gathers the capture files of a configuration, and reads one after the other. */
#include "captures.h"

#include "counter_names.h"
#include "descriptor.h"
#include "event_loop.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utlist.h>

#define PATIENCE_S 5 /* for host names; without their addresses, they are not measured */

/* A word in a list of different ones. */
struct word {
	struct word *next;
	char text[];
};

struct captures {
	struct word *paths; /* yet to be read; the first is under way if there is a backend */
	struct word *hosts; /* yet to be heard of */
	struct backend *backend;
	int timer;
	int error; /* the first */
};

static int add_word(struct word **words, const char *text)
{
	struct word *word;

	LL_FOREACH (*words, word)
		if (!strcmp(word->text, text))
			return 0;
	word = malloc(sizeof(*word) + strlen(text) + 1);
	if (!word)
		return -ENOMEM;
	strcpy(word->text, text);
	LL_APPEND(*words, word);
	return 0;
}

static void drop_first(struct word **words)
{
	struct word *first = *words;

	LL_DELETE(*words, first);
	free(first);
}

static int gather(struct captures *c, const struct config *config)
{
	int err = 0;

	for (size_t i = 0; i < config->instances_count && !err; i++) {
		const struct instance *instance = &config->instances[i];

		if (!instance->pcap)
			continue;
		err = add_word(&c->paths, instance->pcap);
		for (size_t j = 0; j < instance->hosts_count && !err; j++)
			err = add_word(&c->hosts, instance->hosts[j]);
	}
	return err;
}

static void captures_free(struct captures *c)
{
	if (c->backend)
		c->backend->ops->close(c->backend);
	while (c->paths)
		drop_first(&c->paths);
	while (c->hosts)
		drop_first(&c->hosts);
	descriptor_close(&c->timer);
	free(c);
}

int captures_new(struct captures **captures, const struct config *config)
{
	struct captures *c = calloc(1, sizeof(*c));
	int err;

	*captures = NULL;
	if (!c)
		return -ENOMEM;
	c->timer = -1;
	err = gather(c, config);
	if (!err && c->hosts) {
		c->timer = event_timer(PATIENCE_S);
		err = c->timer < 0 ? c->timer : 0;
	}
	if (err || !c->paths)
		captures_free(c);
	else
		*captures = c;
	return err;
}

enum captures_state captures_state(const struct captures *c)
{
	if (!c || !c->paths)
		return CAPTURES_DONE;
	return c->hosts ? CAPTURES_WAITING : CAPTURES_READING;
}

int captures_timer(const struct captures *c)
{
	return c ? c->timer : -1;
}

void captures_wait_no_longer(struct captures *c)
{
	if (c->hosts)
		log_warning("%s and perhaps other hosts have no address yet: they are not measured "
			    "in capture files",
			    c->hosts->text);
	while (c->hosts)
		drop_first(&c->hosts);
}

void captures_heard(struct captures *c, const char *host)
{
	struct word *word, *next;

	if (!c)
		return;
	LL_FOREACH_SAFE(c->hosts, word, next)
	{
		if (strcmp(word->text, host))
			continue;
		LL_DELETE(c->hosts, word);
		free(word);
	}
}

/* Reading a pipe could block for any length of time. */
static int check_file(const char *path, char reason[BACKEND_REASON])
{
	struct stat file;

	if (stat(path, &file) || S_ISREG(file.st_mode) || S_ISDIR(file.st_mode))
		return 0; /* what cannot be read, backend_file_open says why */
	snprintf(reason, BACKEND_REASON,
		 "%.100s is not a regular file; for a pipe or a device, run bpf-metro -r PATH",
		 path);
	return -EINVAL;
}

static int open_first(struct captures *c, const struct backend_settings *settings,
		      const struct peers *peers)
{
	struct backend_settings own = *settings;
	char reason[BACKEND_REASON] = "out of memory";
	const char *path = c->paths->text;
	int err = check_file(path, reason);

	own.max_flows = BACKEND_FILE_FLOWS;
	own.file_index = peers_file_index(peers, path);
	if (!err)
		err = backend_file_open(&c->backend, &own, path, NULL, 0, reason);
	if (err)
		log_error("%s", reason);
	else
		log_info("measuring the capture file %s", path);
	return err;
}

/* All samples of the file go out; there are no more to come. If nothing could be read, the error
 * has said enough. */
static void deliver_rest(struct captures *c, int err)
{
	__u64 counters[COUNTERS];
	struct seen seen;

	while (!c->backend->ops->sweep(c->backend))
		;
	c->backend->ops->counters(c->backend, counters);
	backend_file_tell_refused(c->paths->text, counters);
	counters_log(counters);
	c->backend->ops->seen(c->backend, &seen);
	if (!err || seen.packets)
		seen_log(&seen, counters, c->paths->text);
}

static void end_first(struct captures *c, int err)
{
	if (c->backend) {
		deliver_rest(c, err);
		c->backend->ops->close(c->backend);
		c->backend = NULL;
	}
	c->error = c->error ? c->error : err;
	drop_first(&c->paths);
}

void captures_step(struct captures *c, const struct backend_settings *settings,
		   const struct peers *peers)
{
	int status = c->backend ? 0 : open_first(c, settings, peers);

	if (!status) {
		c->backend->ops->set_peers(c->backend, peers);
		status = c->backend->ops->read(c->backend);
	}
	if (status)
		end_first(c, status < 0 ? status : 0);
}

int captures_end(struct captures *c, const struct peers *peers)
{
	int err;

	if (!c)
		return 0;
	if (c->backend) {
		log_warning("%s was not read to its end", c->paths->text);
		c->backend->ops->set_peers(c->backend, peers);
		deliver_rest(c, 0);
	}
	err = c->error;
	captures_free(c);
	return err;
}
