/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the peers as an expression that libpcap compiles in time: with many, as fewer and wider
 * networks. */
#include "pcap_filter.h"
#include "addresses.h"
#include "array.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

/* libpcap's "tcp" looks at the first next-header field alone (and behind a fragment header), so
 * with IPv6 every packet with an extension header is let through. */
#define IP6_TCP                                                                                    \
	"(ip6[6] == 6 or ip6[6] == 0 or ip6[6] == 43 or ip6[6] == 44 or ip6[6] == 51 "             \
	"or ip6[6] == 60)"

/* libpcap's time to compile grows with the third power of the number of networks: these take 0.1 s
 * and at most 3000 instructions; the kernel takes 4096. */
#define NETS_MAX_V4 64
#define NETS_MAX_V6 32

/* More ranges of ports than this are left out: each makes the filter longer, for every packet. */
#define RANGES_MAX 16

/* Networks that together contain the peers of one family, those for all ports or the others. */
struct nets {
	struct prefix *at;
	size_t count;
};

/* Of what is written. */
struct scope {
	const struct peers *peers;
	__u32 set;
	__u64 lists; /* of ports, that the set's instances have */
	bool any;    /* one of them has none: it is for all ports */
	bool narrow; /* write ports */
};

static bool is_v4(const struct prefix *prefix)
{
	return prefix->bits >= ADDRESS_V4_PREFIX && address_is_v4(&prefix->addr);
}

static int collect(struct nets *nets, const struct scope *s, bool v4, bool few_ports)
{
	nets->count = 0;
	nets->at = calloc(peers_count(s->peers) + 1, sizeof(*nets->at));
	if (!nets->at)
		return -ENOMEM;
	for (size_t i = 0; i < peers_count(s->peers); i++) {
		const struct peer *peer = peers_at(s->peers, i);

		if ((peer->set == s->set || s->set == PCAP_FILTER_ALL) &&
		    is_v4(&peer->prefix) == v4 && (s->narrow && peer->instance->ports) == few_ports)
			nets->at[nets->count++] = peer->prefix;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b; /* which end in padding */
	int order = address_compare(&x->addr, &y->addr);

	return order ? order : x->bits - y->bits;
}

static void cut(struct prefix *prefix, unsigned int bits)
{
	if (prefix->bits <= bits)
		return;
	prefix->bits = (__u8)bits;
	for (size_t i = bits / 8; i < sizeof(prefix->addr.bytes); i++)
		prefix->addr.bytes[i] &= i == bits / 8 ? (__u8)(0xff00 >> (bits % 8)) : 0;
}

/* Makes long prefixes shorter, bit by bit, until there are few enough. What then passes needlessly
 * is sorted out in user space. Sorted prefixes stay sorted when they are cut. */
static void widen(struct nets *nets, size_t max)
{
	unsigned int bits = PREFIX_BITS;

	nets->count = array_make_set(nets->at, nets->count, sizeof(*nets->at), compare);
	while (nets->count > max) {
		bits--;
		for (size_t i = 0; i < nets->count; i++)
			cut(&nets->at[i], bits);
		nets->count = array_merge_equal(nets->at, nets->count, sizeof(*nets->at), compare);
	}
}

/* Calls fn for each range of ports that is in some of these lists. */
static void each_range(const struct peers_ports *ports, __u64 lists,
		       void (*fn)(void *arg, __u32 first, __u32 last), void *arg)
{
	__u32 first = 0; /* 0: no range has begun */

	for (size_t i = 0; i < ports->count; i++) {
		if (!first && ports->spans[i].lists & lists)
			first = ports->spans[i].first;
		if (!first || ports->spans[i].lists & lists)
			continue;
		fn(arg, first, ports->spans[i].first - 1);
		first = 0;
	}
}

static void count_range(void *arg, __u32 first, __u32 last)
{
	(void)first, (void)last;
	++*(size_t *)arg;
}

/* A condition that is being written: what stands before its next part. */
struct terms {
	FILE *out;
	const char *separator;
};

static void write_range(void *arg, __u32 first, __u32 last)
{
	struct terms *terms = arg;

	if (first == last)
		fprintf(terms->out, "%stcp port %u", terms->separator, first);
	else
		fprintf(terms->out, "%stcp portrange %u-%u", terms->separator, first, last);
	terms->separator = " or ";
}

/* libpcap finds the ports of IPv6 only where TCP follows at once. */
static void write_ports(FILE *out, const struct scope *s, bool v4)
{
	struct terms terms = {out, ""};

	fputs(v4 ? " and (" : " and (ip6[6] != 6 or ", out);
	each_range(peers_ports(s->peers), s->lists, write_range, &terms);
	fputs(")", out);
}

static void write_nets(FILE *out, const struct nets *nets, bool v4)
{
	char text[ADDRESS_TEXT];

	fputs(v4 ? "(tcp and (" : "(" IP6_TCP " and (", out);
	for (size_t i = 0; i < nets->count; i++)
		fprintf(out, "%s%s net %s/%d", i ? " or " : "", v4 ? "ip" : "ip6",
			address_format(&nets->at[i].addr, text),
			nets->at[i].bits - (v4 ? ADDRESS_V4_PREFIX : 0));
	fputs(")", out);
}

/* Those for all ports, or those for few. */
static int write_family(FILE *out, const struct scope *s, bool v4, bool few_ports, size_t *count)
{
	size_t max = v4 ? NETS_MAX_V4 : NETS_MAX_V6;
	struct nets nets;
	int err = collect(&nets, s, v4, few_ports);

	if (err)
		return err;
	widen(&nets, s->narrow && s->any ? max / 2 : max);
	if (nets.count) {
		fputs(*count ? " or " : "", out);
		write_nets(out, &nets, v4);
		if (few_ports)
			write_ports(out, s, v4);
		fputs(")", out);
	}
	*count += nets.count;
	free(nets.at);
	return 0;
}

static struct scope scope_of(const struct peers *peers, __u32 set)
{
	struct scope s = {.peers = peers, .set = set};
	size_t ranges = 0;

	for (size_t i = 0; i < peers_count(peers); i++) {
		const struct peer *peer = peers_at(peers, i);

		if (peer->set != set && set != PCAP_FILTER_ALL)
			continue;
		s.lists |= instance_port_lists(peer->instance);
		s.any |= !peer->instance->ports;
	}
	each_range(peers_ports(peers), s.lists, count_range, &ranges);
	s.narrow = ranges && ranges <= RANGES_MAX;
	return s;
}

static char *peers_text(const struct scope *s, size_t *count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int err = 0;

	if (!out)
		return NULL;
	for (int i = 0; i < 4 && !err; i++)
		err = write_family(out, s, i < 2, i % 2, count);
	if (!fclose(out) && !err)
		return text;
	free(text);
	return NULL;
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

/* Returns 1, or 0 if there are no peers, or -errno. */
static int compile_peers(pcap_t *pcap, const struct scope *s, bool tags,
			 struct bpf_program *program)
{
	size_t count = 0;
	char *core = peers_text(s, &count);
	int err;

	if (!core)
		return -ENOMEM;
	err = count ? compile(pcap, core, tags, program) : 0;
	free(core);
	return err ? err : count > 0;
}

static bool is_too_long(const struct bpf_program *program)
{
	return program->bf_len > PCAP_FILTER_INSTRUCTIONS;
}

int pcap_filter_compile(pcap_t *pcap, const struct peers *peers, __u32 set, bool tags,
			struct bpf_program *program)
{
	struct scope s = scope_of(peers, set);
	int status = compile_peers(pcap, &s, tags, program);

	if (status > 0 && is_too_long(program) && s.narrow) {
		pcap_freecode(program);
		s.narrow = false;
		status = compile_peers(pcap, &s, tags, program);
	}
	if (status > 0 && is_too_long(program)) {
		int err;

		pcap_freecode(program);
		err = compile(pcap, "(tcp or " IP6_TCP ")", tags, program);
		status = err ? err : 1;
	}
	return status;
}

/* The kernel's own call just swaps the filters. */
static int swap(pcap_t *pcap, const struct bpf_program *program)
{
	struct sock_fprog kernel = {
		.len = (unsigned short)program->bf_len,
		.filter = (struct sock_filter *)program->bf_insns, /* the same, field by field */
	};

	return setsockopt(pcap_get_selectable_fd(pcap), SOL_SOCKET, SO_ATTACH_FILTER, &kernel,
			  sizeof(kernel));
}

/* pcap_setfilter(3) costs samples. It lets nothing through for a moment, and then holds at least
 * one more block of the ring, which may be 40 ms of packets, by that filter in user space: even
 * if we have swapped it for another since. Packets of former peers are sorted out later anyway. */
int pcap_filter_install(pcap_t *pcap, struct bpf_program *program, bool *by_libpcap)
{
	int link = pcap_datalink(pcap);
	/* In cooked mode libpcap rewrites the filter's offsets, so there libpcap must install it.
	 */
	bool as_compiled = link == DLT_EN10MB || link == DLT_RAW;

	if (as_compiled && !*by_libpcap && !swap(pcap, program))
		return 0;
	*by_libpcap = true;
	return pcap_setfilter(pcap, program) ? -EIO : 0;
}

static struct bpf_insn nothing[] = {{BPF_RET | BPF_K, 0, 0, 0}};
static struct bpf_program none = {.bf_len = 1, .bf_insns = nothing};

int pcap_filter_nothing(pcap_t *pcap)
{
	return swap(pcap, &none) ? -errno : 0;
}

/* ---- those that are compiled ---- */

struct pcap_filter {
	__u32 set;
	int link;  /* the handles' type */
	bool some; /* else there are no peers, and no program */
	struct bpf_program program;
	struct pcap_filter *next;
};

static struct pcap_filter *filter_new(pcap_t *pcap, const struct peers *peers, __u32 set, bool tags,
				      int *err)
{
	struct pcap_filter *filter = calloc(1, sizeof(*filter));
	int some = filter ? pcap_filter_compile(pcap, peers, set, tags, &filter->program) : -ENOMEM;

	if (some < 0) {
		free(filter);
		*err = some;
		return NULL;
	}
	filter->set = set;
	filter->link = pcap_datalink(pcap);
	filter->some = some;
	return filter;
}

int pcap_filters_use(struct pcap_filters *filters, pcap_t *pcap, const struct peers *peers,
		     __u32 set, bool tags, bool *by_libpcap)
{
	struct pcap_filter *filter;
	int err = 0;

	LL_FOREACH (filters->first, filter)
		if (filter->set == set && filter->link == pcap_datalink(pcap))
			break;
	if (!filter) {
		filter = filter_new(pcap, peers, set, tags, &err);
		if (!filter)
			return err;
		LL_PREPEND(filters->first, filter);
	}
	return pcap_filter_install(pcap, filter->some ? &filter->program : &none, by_libpcap);
}

void pcap_filters_forget(struct pcap_filters *filters)
{
	struct pcap_filter *filter, *next;

	LL_FOREACH_SAFE(filters->first, filter, next)
	{
		if (filter->some)
			pcap_freecode(&filter->program);
		free(filter);
	}
	filters->first = NULL;
}
