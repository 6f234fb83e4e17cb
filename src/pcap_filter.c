/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "pcap_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* libpcap's "tcp" looks at the first next-header field alone (and behind a fragment header), so
 * with IPv6 every packet with an extension header is let through. */
#define IP6_TCP                                                                                    \
	"(ip6[6] == 6 or ip6[6] == 0 or ip6[6] == 43 or ip6[6] == 44 or ip6[6] == 51 "             \
	"or ip6[6] == 60)"

static void write_prefix(FILE *out, const struct prefix *prefix)
{
	bool v4 = address_is_v4(&prefix->addr) && prefix->bits >= ADDRESS_V4_PREFIX;
	char text[ADDRESS_TEXT];

	fprintf(out, v4 ? "(tcp and ip net %s/%d)" : "(" IP6_TCP " and ip6 net %s/%d)",
		address_format(&prefix->addr, text),
		v4 ? prefix->bits - ADDRESS_V4_PREFIX : prefix->bits);
}

static size_t write_peers(FILE *out, const struct peers *peers, unsigned int ifindex)
{
	size_t n = 0;

	for (size_t i = 0; i < peers_count(peers); i++) {
		const struct peer *peer = peers_at(peers, i);

		if (peer->ifindex != ifindex)
			continue;
		if (n++)
			fputs(" or ", out);
		write_prefix(out, &peer->prefix);
	}
	return n;
}

static char *peers_text(const struct peers *peers, unsigned int ifindex, size_t *count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	*count = write_peers(out, peers, ifindex);
	return fclose(out) ? NULL : text;
}

int pcap_filter_text(const struct peers *peers, unsigned int ifindex, char **text)
{
	const char *all = "(tcp or " IP6_TCP ")";
	size_t count = 0;
	char *untagged = peers_text(peers, ifindex, &count);
	const char *core = count > PCAP_FILTER_PREFIXES ? all : untagged;
	int n;

	*text = NULL;
	if (!untagged)
		return -ENOMEM;
	if (count == 0) {
		free(untagged);
		return 0;
	}
	/* "vlan" moves what follows it behind one more tag (pcap-filter(7)): none, one, two. */
	n = asprintf(text, "%s or (vlan and (%s or (vlan and (%s))))", core, core, core);
	free(untagged);
	return n < 0 ? -ENOMEM : 1;
}
