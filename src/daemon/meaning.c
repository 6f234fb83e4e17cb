/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Holds a link against the terms of all instances. */
#include "meaning.h"

#include "log.h"
#include "selection.h"

#include <stdio.h>
#include <string.h>

unsigned int meant_ways(const struct config *config, const struct link *link)
{
	unsigned int ways = 0;

	for (size_t i = 0; i < config->instances_count; i++)
		if (!config->instances[i].pcap &&
		    selection_has(config->instances[i].interface, link))
			ways |= direction_ways(config->instances[i].direction);
	return ways;
}

/* Calls fn for each term that means the link, in an instance that measures it. */
static void each_term(const struct config *config, const struct link *link,
		      void (*fn)(void *arg, const struct selection_term *term), void *arg)
{
	for (size_t i = 0; i < config->instances_count; i++) {
		const char *at = config->instances[i].interface;
		struct selection_term term;

		if (config->instances[i].pcap || !selection_has(at, link))
			continue;
		while (selection_next(&at, &term))
			if (!term.leaves_out && selection_term_means(&term, link))
				fn(arg, &term);
	}
}

struct choice {
	const struct link *link;
	bool own; /* name, by some term */
	char other[IF_NAMESIZE];
};

static void choose(void *arg, const struct selection_term *term)
{
	struct choice *c = arg;

	if (term->kind != SELECT_NAME || !strcmp(term->text, c->link->interface.name))
		c->own = true;
	else if (!c->other[0])
		snprintf(c->other, sizeof(c->other), "%.*s", IF_NAMESIZE - 1, term->text);
}

struct interface shown(const struct config *config, const struct link *link)
{
	struct choice choice = {.link = link};
	struct interface interface = link->interface;

	each_term(config, link, choose, &choice);
	if (!choice.own && choice.other[0])
		strcpy(interface.name, choice.other);
	return interface;
}

static void say_alias(void *arg, const struct selection_term *term)
{
	const char *name = arg;

	if (term->kind == SELECT_NAME && strcmp(term->text, name))
		log_info("%s and %s are the same interface: it is measured once, as %s", term->text,
			 name, name);
}

void say_aliases(const struct config *config, const struct link *link, const char *name)
{
	each_term(config, link, say_alias, (void *)name);
}
