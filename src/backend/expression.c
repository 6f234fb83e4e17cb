/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiles the expression for each link type it meets, and runs it by libpcap's own interpreter. */
#include "expression.h"

#include <ctype.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "packet.h"

#define CAPTURED_MAX 262144 /* as libpcap's own MAXIMUM_SNAPLEN, and our reader's */
#define MACS         12     /* bytes in front of the first tag or type */
#define TAG          4
#define LINKTYPE_RAW 101

/* The expression for one link type. */
struct compiled {
	int link_type;
	int err; /* the expression makes no sense for it */
	struct bpf_program program;
	struct compiled *next;
};

struct expression {
	const char *text;
	struct compiled *all, *current;
	bool sees_tags;
	__u8 *untagged; /* a packet without its tags: CAPTURED_MAX bytes */
};

static int compile(const char *text, int link_type, struct bpf_program *program, char *reason,
		   size_t reason_size)
{
	pcap_t *pcap =
		pcap_open_dead(link_type == LINKTYPE_RAW ? DLT_RAW : link_type, CAPTURED_MAX);
	int err = 0;

	if (!pcap) {
		snprintf(reason, reason_size, "out of memory");
		return -ENOMEM;
	}
	if (pcap_compile(pcap, program, text, 1, PCAP_NETMASK_UNKNOWN)) {
		snprintf(reason, reason_size, "%s", pcap_geterr(pcap));
		err = -EINVAL;
	}
	pcap_close(pcap);
	return err;
}

int expression_check(const char *text, char *reason, size_t reason_size)
{
	struct bpf_program program;
	int err = compile(text, DLT_EN10MB, &program, reason, reason_size);

	if (!err)
		pcap_freecode(&program);
	return err;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || strchr("_-.", c);
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || !is_name(at[-1])) && (!at[length] || !is_name(at[length])))
			return true;
	return false;
}

int expression_new(struct expression **result, const char *text)
{
	struct expression *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->text = text;
	e->sees_tags = has_word(text, "vlan");
	e->untagged = malloc(CAPTURED_MAX);
	if (!e->untagged) {
		free(e);
		return -ENOMEM;
	}
	*result = e;
	return 0;
}

void expression_free(struct expression *e)
{
	struct compiled *compiled, *next;

	if (!e)
		return;
	LL_FOREACH_SAFE(e->all, compiled, next)
	{
		if (!compiled->err)
			pcap_freecode(&compiled->program);
		free(compiled);
	}
	free(e->untagged);
	free(e);
}

int expression_follow(struct expression *e, int link_type, char *reason, size_t reason_size)
{
	struct compiled *compiled;

	LL_SEARCH_SCALAR(e->all, compiled, link_type, link_type);
	if (compiled && compiled->err)
		return -EALREADY;
	if (!compiled) {
		compiled = calloc(1, sizeof(*compiled));
		if (!compiled) {
			snprintf(reason, reason_size, "out of memory");
			return -ENOMEM;
		}
		compiled->link_type = link_type;
		compiled->err =
			compile(e->text, link_type, &compiled->program, reason, reason_size);
		LL_PREPEND(e->all, compiled);
	}
	if (!compiled->err)
		e->current = compiled;
	return compiled->err;
}

static __u32 tags_length(const __u8 *bytes, __u32 captured)
{
	__u32 length = 0;

	while (length < VLAN_DEPTH * TAG && captured >= MACS + length + TAG + 2 &&
	       ethertype_is_vlan((__u16)(bytes[MACS + length] << 8 | bytes[MACS + length + 1])))
		length += TAG;
	return length;
}

bool expression_matches(struct expression *e, const __u8 *bytes, __u32 captured, __u32 wire_length)
{
	struct pcap_pkthdr header = {.caplen = captured, .len = wire_length};
	__u32 tags = 0;

	if (captured > CAPTURED_MAX)
		header.caplen = CAPTURED_MAX;
	if (e->current->link_type == DLT_EN10MB && !e->sees_tags)
		tags = tags_length(bytes, header.caplen);
	if (tags) {
		header.caplen -= tags;
		header.len -= header.len >= tags ? tags : 0;
		memcpy(e->untagged, bytes, MACS);
		memcpy(e->untagged + MACS, bytes + MACS + tags, header.caplen - MACS);
		bytes = e->untagged;
	}
	return pcap_offline_filter(&e->current->program, &header, bytes);
}
