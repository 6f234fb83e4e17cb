/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses what a series calls its peer: an address, its network, or the entry that names it. */
#include "label.h"

#include <stdio.h>
#include <string.h>

static char *end_well(char text[PREFIX_TEXT])
{
	size_t length = strlen(text);

	if (text[length - 1] == ':')
		strcpy(text + length, "0");
	return text;
}

const char *label_address(const struct address *addr, char text[PREFIX_TEXT])
{
	return end_well(address_format(addr, text));
}

static const char *network_of(const struct aggregate *aggregate, const struct address *addr,
			      char text[PREFIX_TEXT])
{
	unsigned int bits = address_is_v4(addr) ? aggregate->bits_v4 : aggregate->bits_v6;
	char address[ADDRESS_TEXT];
	struct prefix prefix;

	snprintf(text, PREFIX_TEXT, "%s/%u", address_format(addr, address), bits);
	prefix_parse(text, &prefix); /* clears the bits beyond */
	return end_well(prefix_format(&prefix, text));
}

static const char *entry_of(const struct peers *peers, const struct flow_key *flow,
			    char text[PREFIX_TEXT])
{
	const char *entry = peers_entry(peers, flow, text);

	return entry == text ? end_well(text) : entry;
}

const char *label_of(const struct aggregate *aggregate, const struct peers *peers,
		     const struct flow_key *flow, char text[PREFIX_TEXT])
{
	switch (aggregate->by) {
	case AGGREGATE_NETWORK:
		return network_of(aggregate, &flow->peer, text);
	case AGGREGATE_CONFIGURED:
		return peers ? entry_of(peers, flow, text) : NULL;
	default:
		return peers ? peers_name(peers, flow->ifindex, &flow->peer) : NULL;
	}
}
