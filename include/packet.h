/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From bytes to a TCP segment: Ethernet with VLAN tags, MPLS labels or PPPoE, or bare IP, IPv4 with
 * options, IPv6 with extension headers. Nothing after the fixed part of the TCP header is read, so
 * neither TCP options nor payload need to be captured.
 *
 * Bytes come through a load function that copies them: that works for every part of a socket
 * buffer, linear or not, and demands less of the verifier (no pointer of variable offset, for which
 * some kernels want CAP_PERFMON).
 */
#ifndef METRO_PACKET_H
#define METRO_PACKET_H

#include "address.h"

/* Copies len bytes from offset on. Returns 0, or negative if the packet does not have them. */
typedef long (*packet_load)(void *ctx, __u32 offset, void *to, __u32 len);

enum link_layer {
	LINK_ETHERNET,
	LINK_IP,  /* the IP header comes first: tun, WireGuard, PPP */
	LINK_SLL, /* Linux cooked mode of libpcap: this and what follows never occur in the kernel
		   */
	LINK_SLL2,
	LINK_NULL,   /* loopback of BSD systems: an address family, then IP */
	LINK_OTHERS, /* these, and more, are not for packet_parse: src/capture/decapsulate.h */
};

enum packet_kind {
	PACKET_TCP,
	PACKET_OTHER,    /* not IP, or not TCP */
	PACKET_FRAGMENT, /* only the first has a TCP header, which does not say how much data there
			    is */
	PACKET_BAD,      /* cut short, or lengths that contradict each other */
};

/* Control bits, RFC 9293, 3.1 */
enum tcp_flag { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10 };

struct packet {
	struct address src;
	struct address dst;
	__u32 seq;
	__u32 ack;
	__u32 payload; /* bytes of data, on the wire and not only in the capture */
	__u16 sport;
	__u16 dport;
	__u16 window; /* as in the header, not scaled */
	__u16 id;     /* of IPv4; 0 with IPv6 */
	__u8 flags;   /* enum tcp_flag */
};

#define ETHERTYPE_IPV4   0x0800
#define ETHERTYPE_IPV6   0x86dd
#define ETHERTYPE_VLAN   0x8100
#define ETHERTYPE_QINQ   0x88a8
#define ETHERTYPE_QINQ_1 0x9100 /* used before IEEE 802.1ad */

#define ETHERTYPE_MPLS   0x8847
#define ETHERTYPE_PPPOE  0x8864 /* the session; discovery has its own type */

#define ETHERNET_TYPE    12 /* its offset in the header */
#define ETHERNET_HEADER  14

#define VLAN_DEPTH       4 /* tags that are looked through */
#define MPLS_DEPTH       4 /* labels, likewise */
#define EXTENSIONS_DEPTH 8 /* IPv6 extension headers that are looked through */

struct vlan_tag {
	__u16 control;
	__u16 type;
};

/* RFC 2516, 4, and the protocol of PPP behind it. */
struct pppoe_header {
	__u8 version_type;
	__u8 code; /* 0: the session */
	__u16 session;
	__u16 length;
	__u16 protocol;
};

#define PPPOE_VERSION_TYPE 0x11
#define PPP_IPV4           0x0021
#define PPP_IPV6           0x0057

struct ipv4_header {
	__u8 version_ihl;
	__u8 tos;
	__u16 total_length;
	__u16 id;
	__u16 fragment; /* flags and offset */
	__u8 ttl;
	__u8 protocol;
	__u16 checksum;
	__u32 source;
	__u32 destination;
};

struct ipv6_header {
	__u8 version_class;
	__u8 class_label[3];
	__u16 payload_length;
	__u8 next_header;
	__u8 hop_limit;
	struct address source;
	struct address destination;
};

struct tcp_header {
	__u16 source;
	__u16 destination;
	__u32 seq;
	__u32 ack;
	__u8 data_offset; /* in the upper four bits, in words of four bytes */
	__u8 flags;
	__u16 window;
	__u16 checksum;
	__u16 urgent;
};

enum ip_protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_TCP = 6,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AH = 51,
	PROTOCOL_DESTINATION = 60,
};

static __always_inline bool ethertype_is_vlan(__u16 type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_1;
}

/* The length of the link layer's header, and the offset of the EtherType in it. */
static __always_inline __u32 link_header_size(enum link_layer link, __u32 *type_offset)
{
	switch (link) {
	case LINK_SLL:
		*type_offset = 14;
		return 16;
	case LINK_SLL2:
		*type_offset = 0;
		return 20;
	default:
		*type_offset = ETHERNET_TYPE;
		return ETHERNET_HEADER;
	}
}

/* Skips the labels, if IP follows the last of them. They do not say what follows: the IP version
 * shows it (RFC 4928). */
static __always_inline enum packet_kind packet_mpls(void *ctx, packet_load load, __u32 *offset)
{
	__u8 label[5];

	for (int i = 0; i < MPLS_DEPTH; i++) {
		if (load(ctx, *offset, label, sizeof(label)))
			return PACKET_BAD;
		*offset += 4;
		if (label[2] & 1) /* the last one */
			return label[4] >> 4 == 4 || label[4] >> 4 == 6 ? PACKET_TCP : PACKET_OTHER;
	}
	return PACKET_OTHER;
}

static __always_inline enum packet_kind packet_pppoe(void *ctx, packet_load load, __u32 *offset)
{
	struct pppoe_header header;

	if (load(ctx, *offset, &header, sizeof(header)))
		return PACKET_BAD;
	*offset += sizeof(header);
	if (header.version_type != PPPOE_VERSION_TYPE || header.code)
		return PACKET_OTHER;
	header.protocol = be16_to_host(header.protocol);
	return header.protocol == PPP_IPV4 || header.protocol == PPP_IPV6 ? PACKET_TCP
									  : PACKET_OTHER;
}

/* Finds the IP header. Returns PACKET_TCP for "go on". */
static __always_inline enum packet_kind packet_link(void *ctx, packet_load load,
						    enum link_layer link, __u32 *offset)
{
	struct vlan_tag tag;
	__u32 type_offset;
	__u16 type;

	if (link == LINK_IP || link == LINK_NULL) {
		*offset = link == LINK_IP ? 0 : 4;
		return PACKET_TCP;
	}
	*offset = link_header_size(link, &type_offset);
	if (load(ctx, type_offset, &type, sizeof(type)))
		return PACKET_BAD;
	type = be16_to_host(type);
	for (int i = 0; i < VLAN_DEPTH && ethertype_is_vlan(type); i++) {
		if (load(ctx, *offset, &tag, sizeof(tag)))
			return PACKET_BAD;
		type = be16_to_host(tag.type);
		*offset += sizeof(tag);
	}
	if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6)
		return PACKET_TCP;
	if (type == ETHERTYPE_MPLS)
		return packet_mpls(ctx, load, offset);
	return type == ETHERTYPE_PPPOE ? packet_pppoe(ctx, load, offset) : PACKET_OTHER;
}

/* Moves *offset past the IPv4 header; *length becomes the length of what follows. */
static __always_inline enum packet_kind packet_ipv4(const struct ipv4_header *ip, __u32 wire_length,
						    __u32 *offset, __s32 *length, struct packet *p)
{
	__u32 header = (ip->version_ihl & 0x0f) * 4;
	__u32 total = be16_to_host(ip->total_length);

	if (ip->protocol != PROTOCOL_TCP)
		return PACKET_OTHER;
	if (header < sizeof(*ip))
		return PACKET_BAD;
	if (be16_to_host(ip->fragment) & 0x3fff) /* more fragments, or an offset */
		return PACKET_FRAGMENT;
	/* 0: a super-packet above 64 KB (BIG TCP, Linux 6.3), or one captured before segmentation
	 */
	if (total == 0)
		total = wire_length - *offset;
	if (total < header)
		return PACKET_BAD;
	address_set_v4(&p->src, ip->source);
	address_set_v4(&p->dst, ip->destination);
	p->id = ip->id;
	*offset += header;
	*length = total - header;
	return PACKET_TCP;
}

/* Walks the extension headers (RFC 8200, 4) as far as TCP. */
static __always_inline enum packet_kind packet_extensions(void *ctx, packet_load load, __u8 next,
							  __u32 *offset, __s32 *length)
{
	__u8 header[8];
	__u32 size;

	for (int i = 0; i < EXTENSIONS_DEPTH && next != PROTOCOL_TCP; i++) {
		if (next != PROTOCOL_HOP_BY_HOP && next != PROTOCOL_ROUTING &&
		    next != PROTOCOL_DESTINATION && next != PROTOCOL_FRAGMENT &&
		    next != PROTOCOL_AH)
			return PACKET_OTHER;
		if (load(ctx, *offset, header, sizeof(header)))
			return PACKET_BAD;
		size = (header[1] + 1) * 8;
		if (next == PROTOCOL_AH) /* RFC 4302, 2.2: in words of four bytes, minus two */
			size = (header[1] + 2) * 4;
		if (next == PROTOCOL_FRAGMENT) {
			/* An "atomic" fragment (RFC 6946) is a whole packet: offset 0, no more. */
			if (header[2] || header[3] & 0xf9)
				return PACKET_FRAGMENT;
			size = sizeof(header);
		}
		next = header[0];
		*offset += size;
		*length -= size;
	}
	return next == PROTOCOL_TCP ? PACKET_TCP : PACKET_OTHER;
}

static __always_inline enum packet_kind packet_ipv6(void *ctx, packet_load load, __u32 wire_length,
						    __u32 *offset, __s32 *length, struct packet *p)
{
	struct ipv6_header ip;

	if (load(ctx, *offset, &ip, sizeof(ip)))
		return PACKET_BAD;
	*offset += sizeof(ip);
	*length = be16_to_host(ip.payload_length);
	if (*length == 0) /* a jumbogram (RFC 2675), which is how BIG TCP looks */
		*length = wire_length - *offset;
	p->src = ip.source;
	p->dst = ip.destination;
	p->id = 0;
	return packet_extensions(ctx, load, ip.next_header, offset, length);
}

/* length: of TCP's header and data, by the IP header. */
static __always_inline enum packet_kind packet_tcp_fields(const struct tcp_header *tcp,
							  __s32 length, struct packet *p)
{
	__s32 header = (tcp->data_offset >> 4) * 4;

	if (header < (__s32)sizeof(*tcp) || header > length)
		return PACKET_BAD;
	p->sport = be16_to_host(tcp->source);
	p->dport = be16_to_host(tcp->destination);
	p->seq = be32_to_host(tcp->seq);
	p->ack = be32_to_host(tcp->ack);
	p->flags = tcp->flags;
	p->window = be16_to_host(tcp->window);
	p->payload = length - header;
	return PACKET_TCP;
}

static __always_inline enum packet_kind packet_tcp(void *ctx, packet_load load, __u32 offset,
						   __s32 length, struct packet *p)
{
	struct tcp_header tcp;

	if (load(ctx, offset, &tcp, sizeof(tcp)))
		return PACKET_BAD;
	return packet_tcp_fields(&tcp, length, p);
}

/* What nearly all packets look like, read in place: headers in one piece, Ethernet without tags, IP
 * without options or extension headers. Anything else is left to packet_parse. */
enum plain_kind {
	PLAIN_TCP,   /* *p is complete */
	PLAIN_OTHER, /* not IP, or IPv4 but not TCP */
	PLAIN_UNSURE,
};

static __always_inline enum plain_kind plain_ipv4(const __u8 *at, const __u8 *end, struct packet *p)
{
	struct ipv4_header ip;
	struct tcp_header tcp;

	if (at + sizeof(ip) + sizeof(tcp) > end)
		return PLAIN_UNSURE;
	header_copy(&ip, at);
	if (ip.protocol != PROTOCOL_TCP)
		return ip.version_ihl >> 4 == 4 ? PLAIN_OTHER : PLAIN_UNSURE;
	if (ip.version_ihl != 0x45 || be16_to_host(ip.fragment) & 0x3fff ||
	    be16_to_host(ip.total_length) < sizeof(ip))
		return PLAIN_UNSURE;
	address_set_v4(&p->src, ip.source);
	address_set_v4(&p->dst, ip.destination);
	p->id = ip.id;
	header_copy(&tcp, at + sizeof(ip));
	return packet_tcp_fields(&tcp, be16_to_host(ip.total_length) - sizeof(ip), p) == PACKET_TCP
		       ? PLAIN_TCP
		       : PLAIN_UNSURE;
}

static __always_inline enum plain_kind plain_ipv6(const __u8 *at, const __u8 *end, struct packet *p)
{
	struct ipv6_header ip;
	struct tcp_header tcp;

	if (at + sizeof(ip) + sizeof(tcp) > end)
		return PLAIN_UNSURE;
	header_copy(&ip, at);
	if (ip.version_class >> 4 != 6 || ip.next_header != PROTOCOL_TCP || !ip.payload_length)
		return PLAIN_UNSURE;
	p->src = ip.source;
	p->dst = ip.destination;
	p->id = 0;
	header_copy(&tcp, at + sizeof(ip));
	return packet_tcp_fields(&tcp, be16_to_host(ip.payload_length), p) == PACKET_TCP
		       ? PLAIN_TCP
		       : PLAIN_UNSURE;
}

/* An Ethernet frame, as far as it is in memory from data to end. */
static __always_inline enum plain_kind packet_plain(const __u8 *data, const __u8 *end,
						    struct packet *p)
{
	const __u8 *ip = data + ETHERNET_HEADER;
	__u16 type;

	if (ip > end)
		return PLAIN_UNSURE;
	header_copy(&type, data + ETHERNET_TYPE);
	type = be16_to_host(type);
	if (type == ETHERTYPE_IPV4)
		return plain_ipv4(ip, end, p);
	if (type == ETHERTYPE_IPV6)
		return plain_ipv6(ip, end, p);
	return ethertype_is_vlan(type) || type == ETHERTYPE_MPLS || type == ETHERTYPE_PPPOE
		       ? PLAIN_UNSURE
		       : PLAIN_OTHER;
}

/* Reads the headers of a packet that is wire_length bytes long, from its link layer on. *p is
 * complete if the result is PACKET_TCP. */
static __always_inline enum packet_kind packet_parse(void *ctx, packet_load load,
						     enum link_layer link, __u32 wire_length,
						     struct packet *p)
{
	struct ipv4_header ip;
	enum packet_kind kind;
	__u32 offset;
	__s32 length;

	kind = packet_link(ctx, load, link, &offset);
	if (kind != PACKET_TCP)
		return kind;
	if (load(ctx, offset, &ip, sizeof(ip)))
		return PACKET_BAD;
	if (ip.version_ihl >> 4 == 4)
		kind = packet_ipv4(&ip, wire_length, &offset, &length, p);
	else if (ip.version_ihl >> 4 == 6)
		kind = packet_ipv6(ctx, load, wire_length, &offset, &length, p);
	else
		return PACKET_BAD;
	if (kind != PACKET_TCP)
		return kind;
	return packet_tcp(ctx, load, offset, length, p);
}

/* As packet_parse, but faster if the bytes from data to end are the beginning of the packet. */
static __always_inline enum packet_kind packet_read(void *ctx, packet_load load,
						    enum link_layer link, const __u8 *data,
						    const __u8 *end, __u32 wire_length,
						    struct packet *p)
{
	enum plain_kind kind = PLAIN_UNSURE;

	if (link == LINK_ETHERNET)
		kind = packet_plain(data, end, p);
	if (likely(kind == PLAIN_TCP))
		return PACKET_TCP;
	if (kind == PLAIN_OTHER)
		return PACKET_OTHER;
	return packet_parse(ctx, load, link, wire_length, p);
}

#endif
