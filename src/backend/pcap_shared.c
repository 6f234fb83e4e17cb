/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A search tree of interface indices in the kernel's packet filter, in front of what libpcap makes
 * of the peers. */
#include "pcap_shared.h"
#include "array.h"
#include "packet.h"
#include "pcap_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Interfaces that come together mostly have indices in a row, so that 200 of them are few ranges.
 * Those of more ranges grow into each other where that lets the fewest others through, which user
 * space leaves out: a range takes six instructions. */
#define RANGES_MAX 256

struct range {
	__u32 first, last;
};

/* ---- the filter ---- */

int pcap_shared_peers_compile(struct pcap_shared_peers *compiled, const struct peers *peers,
			      unsigned int snaplen)
{
	pcap_t *dead = pcap_open_dead(DLT_RAW, (int)snaplen);
	int some;

	*compiled = (struct pcap_shared_peers){.snaplen = snaplen};
	if (!dead)
		return -ENOMEM;
	some = pcap_filter_compile(dead, peers, PCAP_FILTER_ALL, false, &compiled->program);
	compiled->any = some == 1;
	pcap_close(dead);
	return some < 0 ? some : 0;
}

void pcap_shared_peers_free(struct pcap_shared_peers *compiled)
{
	if (compiled->any)
		pcap_freecode(&compiled->program);
	*compiled = (struct pcap_shared_peers){};
}

static int compare(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return (x > y) - (x < y);
}

/* Ranges that lie at most so far apart become one. Returns how many there are then. */
static size_t ranges_make(struct range *ranges, const __u32 *indices, size_t count, __u32 apart)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (n && indices[i] - ranges[n - 1].last <= apart)
			ranges[n - 1].last = indices[i];
		else if (n++ < RANGES_MAX)
			ranges[n - 1] = (struct range){indices[i], indices[i]};
		else
			return n; /* too many */
	}
	return n;
}

/* A program under way; a jump to ACCEPT has yet to be told how far. */
struct writer {
	struct bpf_insn *at;
	size_t count;
};

#define ACCEPT 0xffffffff

static void put(struct writer *w, int code, int yes, int no, __u32 k)
{
	w->at[w->count++] = (struct bpf_insn){(u_short)code, (u_char)yes, (u_char)no, k};
}

/* The index, which is loaded, is in one of them, or the packet is not let through. Conditional
 * jumps reach 255 instructions, the others everywhere. */
static void put_ranges(struct writer *w, const struct range *ranges, size_t count)
{
	size_t half = count / 2, jump;

	if (count == 1) {
		put(w, BPF_JMP | BPF_JGE | BPF_K, 0, 2, ranges->first);
		put(w, BPF_JMP | BPF_JGT | BPF_K, 1, 0, ranges->last);
		put(w, BPF_JMP | BPF_JA, 0, 0, ACCEPT);
		put(w, BPF_RET | BPF_K, 0, 0, 0);
		return;
	}
	put(w, BPF_JMP | BPF_JGE | BPF_K, 0, 1, ranges[half].first);
	jump = w->count;
	put(w, BPF_JMP | BPF_JA, 0, 0, 0);
	put_ranges(w, ranges, half);
	w->at[jump].k = (__u32)(w->count - jump - 1);
	put_ranges(w, ranges + half, count - half);
}

static void accept_here(struct writer *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->at[i].code == (BPF_JMP | BPF_JA) && w->at[i].k == ACCEPT)
			w->at[i].k = (__u32)(w->count - i - 1);
}

/* What has headers in front of IP is left to user space. The kernel's data begins behind Ethernet's
 * header, and mostly behind the first tag. */
static void put_protocols(struct writer *w, __u32 snaplen)
{
	static const __u16 others[] = {ETHERTYPE_VLAN, ETHERTYPE_QINQ, ETHERTYPE_QINQ_1,
				       ETHERTYPE_MPLS, ETHERTYPE_PPPOE};
	int left = ARRAY_SIZE(others);

	put(w, BPF_LD | BPF_H | BPF_ABS, 0, 0, (__u32)(SKF_AD_OFF + SKF_AD_PROTOCOL));
	put(w, BPF_JMP | BPF_JEQ | BPF_K, left + 3, 0, ETHERTYPE_IPV4);
	put(w, BPF_JMP | BPF_JEQ | BPF_K, left + 2, 0, ETHERTYPE_IPV6);
	for (int i = 0; i < (int)ARRAY_SIZE(others); i++, left--)
		put(w, BPF_JMP | BPF_JEQ | BPF_K, left, 0, others[i]);
	put(w, BPF_RET | BPF_K, 0, 0, 0);
	put(w, BPF_RET | BPF_K, 0, 0, snaplen);
}

size_t pcap_shared_program(struct bpf_insn program[PCAP_SHARED_INSTRUCTIONS], __u32 *indices,
			   size_t count, const struct pcap_shared_peers *compiled)
{
	struct range ranges[RANGES_MAX + 1];
	struct writer w = {.at = program};
	size_t n, apart = 1;

	if (!count || !compiled->any) {
		put(&w, BPF_RET | BPF_K, 0, 0, 0);
		return w.count;
	}
	qsort(indices, count, sizeof(*indices), compare);
	while ((n = ranges_make(ranges, indices, count, (__u32)apart)) > RANGES_MAX)
		apart *= 2;
	put(&w, BPF_LD | BPF_W | BPF_ABS, 0, 0, (__u32)(SKF_AD_OFF + SKF_AD_IFINDEX));
	put_ranges(&w, ranges, n);
	accept_here(&w);
	put_protocols(&w, compiled->snaplen);
	if (w.count + compiled->program.bf_len > PCAP_SHARED_INSTRUCTIONS) {
		put(&w, BPF_RET | BPF_K, 0, 0, compiled->snaplen);
		return w.count;
	}
	memcpy(program + w.count, compiled->program.bf_insns,
	       compiled->program.bf_len * sizeof(*program));
	return w.count + compiled->program.bf_len;
}

/* libpcap would compile it anew for cooked packets, and throw away what waits to be read. */
int pcap_shared_filter(pcap_t *pcap, __u32 *indices, size_t count,
		       const struct pcap_shared_peers *compiled)
{
	struct bpf_insn *program = calloc(PCAP_SHARED_INSTRUCTIONS, sizeof(*program));
	struct sock_fprog kernel;
	int err = 0;

	if (!program)
		return -ENOMEM;
	kernel = (struct sock_fprog){
		.len = (unsigned short)pcap_shared_program(program, indices, count, compiled),
		.filter = (struct sock_filter *)program, /* the same, field by field */
	};
	if (setsockopt(pcap_get_selectable_fd(pcap), SOL_SOCKET, SO_ATTACH_FILTER, &kernel,
		       sizeof(kernel)))
		err = -errno;
	free(program);
	return err;
}

/* ---- packets ---- */

/* draft-ietf-opsawg-pcaplinktype, LINKTYPE_LINUX_SLL2 */
struct cooked_header {
	__be16 protocol;
	__be16 reserved;
	__be32 ifindex;
	__be16 hardware_type;
	__u8 packet_type;
	__u8 address_length;
	__u8 address[8];
};

/* Until Linux 6.11, what leaves with a tag that the card does not make is told to be tagged, but
 * the tag is not there. Is this an IP header where one should be? */
static bool lacks_its_tag(const struct cooked_header *header, const __u8 *bytes, __u32 captured)
{
	const __u8 *tag = bytes + sizeof(*header);

	if (!ethertype_is_vlan(ntohs(header->protocol)) || captured < sizeof(*header) + 4)
		return false;
	switch (tag[2] << 8 | tag[3]) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
		return false;
	default:
		return tag[0] == 0x45 || tag[0] >> 4 == 6;
	}
}

bool pcap_shared_packet(const __u8 *bytes, const struct pcap_pkthdr *header,
			struct shared_packet *packet)
{
	struct cooked_header cooked;

	if (header->caplen < sizeof(cooked))
		return false;
	memcpy(&cooked, bytes, sizeof(cooked));
	*packet = (struct shared_packet){
		.ifindex = ntohl(cooked.ifindex),
		.leaves = cooked.packet_type == PACKET_OUTGOING,
	};
	if (lacks_its_tag(&cooked, bytes, header->caplen)) {
		packet->ip = bytes + sizeof(cooked);
		packet->captured = header->caplen - (__u32)sizeof(cooked);
		packet->wire_length = header->len - (__u32)sizeof(cooked);
	}
	return true;
}
