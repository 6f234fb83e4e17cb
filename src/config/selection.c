/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes a selection apart and holds links against its terms. */
#include "selection.h"

#include <fnmatch.h>
#include <string.h>

static enum selection_kind kind_of(const char *text)
{
	if (!strcmp(text, "default"))
		return SELECT_DEFAULT;
	return strpbrk(text, "*?[") ? SELECT_PATTERN : SELECT_NAME;
}

bool selection_next(const char **at, struct selection_term *term)
{
	const char *text = *at + strspn(*at, " ");
	size_t length = strcspn(text, " ");

	*at = text + length;
	if (!length)
		return false;
	term->leaves_out = *text == '!';
	text += term->leaves_out;
	length -= term->leaves_out;
	if (length >= sizeof(term->text))
		length = sizeof(term->text) - 1;
	memcpy(term->text, text, length);
	term->text[length] = '\0';
	term->kind = kind_of(term->text);
	return true;
}

bool selection_term_means(const struct selection_term *term, const struct link *link)
{
	bool pattern = term->kind == SELECT_PATTERN;

	if (term->kind == SELECT_DEFAULT)
		return link->is_default;
	for (const char *name = NULL; (name = link_next_name(link, name));)
		if (pattern ? !fnmatch(term->text, name, 0) : !strcmp(term->text, name))
			return !pattern || !(link->flags & IFF_LOOPBACK);
	return false;
}

bool selection_has(const char *selection, const struct link *link)
{
	struct selection_term term;
	bool has = false;

	while (selection_next(&selection, &term)) {
		if (!selection_term_means(&term, link))
			continue;
		if (term.leaves_out)
			return false;
		has = true;
	}
	return has;
}

bool selection_asks_routes(const char *selection)
{
	struct selection_term term;

	while (selection_next(&selection, &term))
		if (term.kind == SELECT_DEFAULT)
			return true;
	return false;
}

bool selection_config_asks_routes(const struct config *config)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (selection_asks_routes(config->instances[i].interface))
			return true;
	return false;
}
