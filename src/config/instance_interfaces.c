/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks names and patterns of interfaces by the kernel's own rules. */
#include "instance_interfaces.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selection.h"

/* The kernel's own rule (dev_valid_name). A pattern may have a : in [[:digit:]]. */
static bool is_valid(const char *name, bool pattern)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (*name == '/' || (*name == ':' && !pattern) || isspace((unsigned char)*name) ||
		    iscntrl((unsigned char)*name))
			return false;
	return true;
}

/* `ip link` shows NAME@PEER, or NAME@ifN for a peer in another namespace, and a colon at the end.
 * The kernel allows an @ in a name, but no colon. */
static bool is_from_ip_link(const char *name)
{
	size_t length = strcspn(name, "@:");

	if (!length || !name[length])
		return false;
	return name[length] == '@' ? !if_nametoindex(name) : !name[length + 1];
}

static bool has_open_bracket(const char *pattern)
{
	const char *open = strchr(pattern, '[');

	return open && !strchr(open, ']');
}

static bool check_pattern(struct mistakes *mistakes, const char *text)
{
	char quoted[QUOTED_TEXT];

	mistake_quote(text, quoted);
	if (strlen(text) >= SELECTION_TERM)
		mistake(mistakes,
			"%s is too long; accepted: a pattern of at most %d characters, such as "
			"veth*",
			quoted, SELECTION_TERM - 1);
	else if (!is_valid(text, true))
		mistake(mistakes,
			"%s cannot match an interface's name; accepted: a pattern without spaces "
			"and /, such as veth*",
			quoted);
	else if (has_open_bracket(text))
		mistake(mistakes, "%s has a [ without its ]; accepted: a pattern such as eth[0-9]",
			quoted);
	else
		return true;
	return false;
}

static bool check_name(struct mistakes *mistakes, const char *name)
{
	char quoted[QUOTED_TEXT];

	mistake_quote(name, quoted);
	if (is_from_ip_link(name))
		mistake(mistakes,
			"%s has more than the interface's name, as `ip link` shows it; accepted: "
			"%.*s",
			quoted, (int)strcspn(name, "@:"), name);
	else if (strlen(name) >= IFNAMSIZ)
		mistake(mistakes,
			"%s is too long; accepted: the name of a network interface, at most %d "
			"characters",
			quoted, IFNAMSIZ - 1);
	else if (!is_valid(name, false))
		mistake(mistakes,
			"%s cannot be an interface's name; accepted: a name without spaces, / "
			"and :",
			quoted);
	else
		return true;
	return false;
}

/* A comma may stand in a name, but several names in one text are meant more often. */
static bool is_list(const char *text)
{
	return strchr(text, ',') && !if_nametoindex(text);
}

static bool check_term(struct mistakes *mistakes, const char *text)
{
	char quoted[QUOTED_TEXT];

	if (!*text)
		mistake(mistakes, "is empty; accepted: the name of a network interface, as `ip "
				  "link` shows it");
	else if (!strcmp(text, "!"))
		mistake(mistakes, "leaves nothing out; accepted: a name or a pattern after the "
				  "!, such as \"!veth0\"");
	else if (is_list(text))
		mistake(mistakes,
			"%s has a comma; accepted: one name or pattern, or a list of them, such as "
			"[eth0, \"veth*\"]",
			mistake_quote(text, quoted));
	else if (strpbrk(text, "*?["))
		return check_pattern(mistakes, text + (*text == '!'));
	else
		return check_name(mistakes, text + (*text == '!'));
	return false;
}

static size_t count_terms(const char *selection)
{
	size_t count = 1;

	for (; *selection; selection++)
		count += *selection == ' ';
	return count;
}

int instance_add_interface(struct instance *instance, struct mistakes *mistakes, const char *text)
{
	char *all = instance->interface, *longer;

	if (!check_term(mistakes, text))
		return 0;
	if (all && count_terms(all) == INTERFACE_TERMS_MAX) {
		mistake(mistakes,
			"is one too many; accepted: up to %d, or a pattern in their place",
			INTERFACE_TERMS_MAX);
		return 0;
	}
	if (asprintf(&longer, "%s%s%s", all ? all : "", all ? " " : "", text) < 0)
		return -ENOMEM;
	free(all);
	instance->interface = longer;
	return 0;
}

void instance_check_interfaces(const struct instance *instance, struct mistakes *mistakes)
{
	const char *at = instance->interface;
	struct selection_term term;
	bool takes = false, file = false;
	size_t count = 0;

	if (!at)
		return; /* there was a mistake in each */
	for (; selection_next(&at, &term); count++) {
		takes |= !term.leaves_out;
		file |= !strcmp(term.text, "file");
	}
	if (!takes)
		mistake(mistakes, "only leaves interfaces out; accepted: with something to leave "
				  "them out of, such as [\"*\", \"!eth0\"]");
	else if (file && count > 1)
		mistake(mistakes, "\"file\" means a capture file, and stands alone; accepted: "
				  "interface: file, in an entry of its own");
}
