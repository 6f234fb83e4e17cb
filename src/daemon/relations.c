/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds bonds, bridges, VLANs and the like beside what they are made of. */
#include "relations.h"

#include "array.h"
#include "log.h"
#include "selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define NAMES 3 /* that are said */

struct relation_told {
	size_t instance;
	unsigned int ifindex; /* of the upper one */
	struct relation_told *next;
};

/* Kinds whose packets pass another interface as they are. A tunnel's do not: there they are inside
 * of others. */
static const struct {
	const char *kind;
	bool master;      /* of others, which say so; else it lies on one */
	const char *said; /* between its name and theirs */
} kinds[] = {
	{"bond", true, "in it"},
	{"team", true, "in it"},
	{"bridge", true, "its ports"},
	{"vrf", true, "in it"},
	{"vlan", false, "its parent"},
	{"macvlan", false, "what it lies on"},
	{"macvtap", false, "what it lies on"},
	{"ipvlan", false, "what it lies on"},
	{"ipvtap", false, "what it lies on"},
};

static int kind_of(const struct link *link)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].kind, link->kind))
			return (int)i;
	return -1;
}

static bool is_part(const struct link *upper, bool master, const struct link *link)
{
	return master ? link->master == upper->interface.ifindex
		      : upper->lower_netns < 0 && upper->lower == link->interface.ifindex;
}

/* Writes the names of those parts that the selection has. Returns how many there are. */
static unsigned int list_parts(const struct link *upper, bool master, const struct links *links,
			       const char *selection, char text[NAMES * IF_NAMESIZE + 8])
{
	unsigned int count = 0;
	char *at = text;

	for (size_t i = 0; i < links->count; i++) {
		const struct link *link = &links->at[i];

		if (!is_part(upper, master, link) || !selection_has(selection, link))
			continue;
		if (count < NAMES)
			at += sprintf(at, "%s%s", count ? ", " : "", link->interface.name);
		if (count == NAMES)
			strcpy(at, ", ...");
		count++;
	}
	return count;
}

static bool is_told(const struct relations *relations, size_t instance, unsigned int ifindex)
{
	const struct relation_told *told;

	LL_FOREACH (relations->told, told)
		if (told->instance == instance && told->ifindex == ifindex)
			return true;
	return false;
}

static void note_told(struct relations *relations, size_t instance, unsigned int ifindex)
{
	struct relation_told *told = calloc(1, sizeof(*told));

	if (!told)
		return; /* it is said again */
	*told = (struct relation_told){.instance = instance, .ifindex = ifindex};
	LL_PREPEND(relations->told, told);
}

static void look_at(struct relations *relations, const struct config *config, size_t instance,
		    const struct links *links, const struct link *upper, int kind)
{
	const char *selection = config->instances[instance].interface;
	char parts[NAMES * IF_NAMESIZE + 8];

	if (config->instances[instance].pcap || !selection_has(selection, upper) ||
	    is_told(relations, instance, upper->interface.ifindex) ||
	    !list_parts(upper, kinds[kind].master, links, selection, parts))
		return;
	note_told(relations, instance, upper->interface.ifindex);
	log_warning("instances[%zu] measures %s (%s) and %s (%s): what passes both is counted "
		    "twice; \"!%s\" leaves one side out",
		    instance, upper->interface.name, upper->kind, parts, kinds[kind].said,
		    upper->interface.name);
}

/* Bridges of containers come and go for days. */
static void forget_gone(struct relations *relations, const struct links *links)
{
	struct relation_told *told, *next;

	LL_FOREACH_SAFE(relations->told, told, next)
	{
		if (links_find(links, told->ifindex))
			continue;
		LL_DELETE(relations->told, told);
		free(told);
	}
}

void relations_look(struct relations *relations, const struct config *config,
		    const struct links *links)
{
	if (links->whole)
		forget_gone(relations, links);
	for (size_t i = 0; i < links->count; i++) {
		int kind = kind_of(&links->at[i]);

		for (size_t k = 0; kind >= 0 && k < config->instances_count; k++)
			look_at(relations, config, k, links, &links->at[i], kind);
	}
}

void relations_forget(struct relations *relations)
{
	struct relation_told *told, *next;

	LL_FOREACH_SAFE(relations->told, told, next)
	free(told);
	relations->told = NULL;
}
