/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Goes through the terms of all instances, each of them once. */
#include "awaited.h"

#include "log.h"
#include "selection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct awaited_term {
	struct selection_term term;
	bool wanted; /* by the configuration that is being gone through */
	bool said;   /* that it is missing */
	bool lost;   /* it was measured, and is gone */
	struct awaited_term *next;
};

static struct awaited_term *find(const struct awaited *awaited, const char *text)
{
	struct awaited_term *t;

	LL_FOREACH (awaited->first, t)
		if (!strcmp(t->term.text, text))
			return t;
	return NULL;
}

static int add(struct awaited *awaited, const char *selection)
{
	struct selection_term term;
	struct awaited_term *t;

	while (selection_next(&selection, &term)) {
		if (term.leaves_out)
			continue;
		t = find(awaited, term.text);
		if (!t) {
			t = calloc(1, sizeof(*t));
			if (!t)
				return -ENOMEM;
			t->term = term;
			LL_APPEND(awaited->first, t);
		}
		t->wanted = true;
	}
	return 0;
}

static void drop_unwanted(struct awaited *awaited)
{
	struct awaited_term *t, *next;

	LL_FOREACH_SAFE(awaited->first, t, next)
	{
		if (t->wanted)
			continue;
		LL_DELETE(awaited->first, t);
		free(t);
	}
}

int awaited_configure(struct awaited *awaited, const struct config *config)
{
	struct awaited_term *t;
	int err = 0;

	LL_FOREACH (awaited->first, t)
		t->wanted = false;
	for (size_t i = 0; i < config->instances_count && !err; i++)
		if (!config->instances[i].pcap)
			err = add(awaited, config->instances[i].interface);
	drop_unwanted(awaited);
	return err;
}

void awaited_free(struct awaited *awaited)
{
	struct awaited_term *t, *next;

	LL_FOREACH_SAFE(awaited->first, t, next)
	free(t);
	awaited->first = NULL;
}

static bool is_there(const struct awaited_term *t, const struct links *links)
{
	for (size_t i = 0; i < links->count; i++)
		if (selection_term_means(&t->term, &links->at[i]))
			return true;
	return false;
}

static void explain(const struct awaited_term *t, char *text, size_t size)
{
	if (t->term.kind == SELECT_NAME)
		snprintf(text, size, "interface %s does not exist", t->term.text);
	else if (t->term.kind == SELECT_PATTERN)
		snprintf(text, size, "no interface matches %s", t->term.text);
	else
		snprintf(text, size, "there is no default route");
}

void awaited_look(struct awaited *awaited, const struct links *links)
{
	char text[SELECTION_TERM + 32];
	struct awaited_term *t;

	LL_FOREACH (awaited->first, t) {
		bool missing = !is_there(t, links);

		if (missing && !t->said) {
			explain(t, text, sizeof(text));
			log_warning("%s; waiting for %s", text,
				    t->term.kind == SELECT_NAME ? "it" : "one");
		}
		t->said = missing;
	}
}

bool awaited_explain(const struct awaited *awaited, const struct links *links, char *text,
		     size_t size)
{
	struct awaited_term *t;

	LL_FOREACH (awaited->first, t)
		if (is_there(t, links))
			return false;
	snprintf(text, size, "there are no interfaces");
	if (awaited->first)
		explain(awaited->first, text, size);
	return true;
}

void awaited_each(const struct awaited *awaited, void (*each)(void *arg, const char *term),
		  void *arg)
{
	const struct awaited_term *t;

	LL_FOREACH (awaited->first, t)
		if (t->said)
			each(arg, t->term.text);
}

bool awaited_names(const struct awaited *awaited, const char *name)
{
	const struct awaited_term *t = find(awaited, name);

	return t && t->term.kind == SELECT_NAME;
}

void awaited_lose(struct awaited *awaited, const char *name)
{
	struct awaited_term *t = find(awaited, name);

	if (t)
		t->said = t->lost = true;
}

bool awaited_find(struct awaited *awaited, const char *name)
{
	struct awaited_term *t = find(awaited, name);
	bool lost = t && t->lost;

	if (t)
		t->lost = false;
	return lost;
}
