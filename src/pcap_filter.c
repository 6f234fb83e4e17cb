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

/* Compiles the expression, also behind one and two tags: "vlan" moves what follows it behind one
 * more (pcap-filter(7)). */
static int compile(pcap_t *pcap, const char *core, bool tags, struct bpf_program *program)
{
	char *text;
	int err;

	if (asprintf(&text, tags ? "%s or (vlan and (%s or (vlan and (%s))))" : "%s", core, core,
		     core) < 0)
		return -ENOMEM;
	err = pcap_compile(pcap, program, text, 1, PCAP_NETMASK_UNKNOWN) ? -EINVAL : 0;
	log_debug("filter: %s", text);
	free(text);
	return err;
}

int pcap_filter_compile(pcap_t *pcap, const struct peers *peers, unsigned int ifindex, bool tags,
			struct bpf_program *program)
{
	size_t count = 0;
	char *core = peers_text(peers, ifindex, &count);
	int err;

	if (!core)
		return -ENOMEM;
	err = count ? compile(pcap, core, tags, program) : 0;
	free(core);
	if (err || !count)
		return err;
	if (program->bf_len > PCAP_FILTER_INSTRUCTIONS) {
		pcap_freecode(program);
		err = compile(pcap, "(tcp or " IP6_TCP ")", tags, program);
	}
	return err ? err : 1;
}
