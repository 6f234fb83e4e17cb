/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The headers of tunnels. Over UDP they are known by their port alone, so what does not look like
 * one is taken for something else. */
#include "layers.h"

static bool is_ip(const __u8 *at)
{
	return at[0] >> 4 == 4 || at[0] >> 4 == 6;
}

/* Does an Ethernet header that carries something known begin at bytes ahead? */
static bool ethernet_ahead(const struct walk *w, __u32 at)
{
	const __u8 *header = ahead(w, at + ETHERNET_HEADER);
	__u16 type;

	if (!header)
		return false;
	type = be16_at(header + at + ETHERNET_TYPE);
	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6 || type == 0x0806 /* ARP */ ||
	       ethertype_is_vlan(type);
}

/* Labels do not say what is behind the last of them (RFC 4928): IP by its version, else Ethernet,
 * with a control word that begins with a zero (RFC 4448), or without. */
enum layer layer_mpls(struct walk *w)
{
	const __u8 *at;

	do {
		at = ahead(w, 4);
		if (!at)
			return END_BAD;
		w->offset += 4;
	} while (!(at[2] & 1));
	at = ahead(w, 1);
	if (!at)
		return END_BAD;
	if (is_ip(at))
		return through(w, "MPLS", LAYER_IP);
	if (at[0] >> 4 == 1) /* RFC 5586: for the path itself */
		return END_OTHER;
	if (ethernet_ahead(w, 0))
		return through(w, "MPLS", LAYER_ETHERNET);
	if (at[0] >> 4 || !ethernet_ahead(w, 4))
		return unread(w, "MPLS pseudowire");
	w->offset += 4;
	return through(w, "MPLS", LAYER_ETHERNET);
}

enum {
	GRE_CHECKSUM = 0x8000, /* RFC 2784, RFC 2890 */
	GRE_ROUTING = 0x4000,  /* RFC 1701 */
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACK = 0x0080, /* RFC 2637: PPTP, in version 1 */
	GRE_VERSION = 0x0007,

	GRE_ERSPAN = 0x88be, /* draft-foschiano-erspan */
	GRE_ERSPAN_3 = 0x22eb,
	GRE_WCCP = 0x883e,
};

/* A mirrored frame, behind a header that has a length of its own. */
static enum layer layer_erspan(struct walk *w, __u16 flags)
{
	const __u8 *header;

	if (w->type == GRE_ERSPAN) { /* type I has none, and no sequence number in GRE */
		w->offset += flags & GRE_SEQUENCE ? 8 : 0;
		return through(w, "ERSPAN", LAYER_ETHERNET);
	}
	header = ahead(w, 12);
	if (!header)
		return END_BAD;
	w->offset += header[11] & 1 ? 20 : 12;
	return through(w, "ERSPAN", LAYER_ETHERNET);
}

static __u32 gre_size(__u16 flags)
{
	return 4 + (flags & (GRE_CHECKSUM | GRE_ROUTING) ? 4 : 0) + (flags & GRE_KEY ? 4 : 0) +
	       (flags & GRE_SEQUENCE ? 4 : 0) + (flags & GRE_ACK ? 4 : 0);
}

enum layer layer_gre(struct walk *w)
{
	const __u8 *header = ahead(w, 4);
	__u16 flags;

	if (!header)
		return END_BAD;
	flags = be16_at(header);
	w->type = be16_at(header + 2);
	if ((flags & GRE_VERSION) > 1 || flags & GRE_ROUTING)
		return unread(w, "GRE");
	if (!(flags & GRE_VERSION))
		flags &= ~GRE_ACK;
	else if (!(flags & GRE_SEQUENCE)) /* acknowledges, and carries nothing */
		return END_OTHER;
	w->offset += gre_size(flags);
	if (w->type == GRE_ERSPAN || w->type == GRE_ERSPAN_3)
		return layer_erspan(w, flags);
	if (w->type ==
	    GRE_WCCP) { /* in version 2, what a router redirects has a header of its own */
		const __u8 *at = ahead(w, 1);

		if (!at)
			return END_BAD;
		w->offset += is_ip(at) ? 0 : 4;
		w->type = ETHERTYPE_IPV4; /* or 6: its version tells */
	}
	/* NHRP, keep-alives and the like have types that LAYER_TYPE does not know. */
	return through(w, "GRE", w->type <= 1500 ? END_OTHER : LAYER_TYPE);
}

/* With flag P, the last of the reserved bytes says what follows. */
enum layer layer_vxlan(struct walk *w)
{
	enum { NETWORK = 0x08, PROTOCOL = 0x04, IP4 = 1, IP6 = 2, ETHERNET = 3, MPLS = 5 };
	const __u8 *header = ahead(w, 8);

	if (!header)
		return END_BAD;
	if (!(header[0] & NETWORK))
		return END_OTHER;
	w->offset += 8;
	if (!(header[0] & PROTOCOL) || header[3] == ETHERNET)
		return through(w, "VXLAN", LAYER_ETHERNET);
	if (header[3] == IP4 || header[3] == IP6)
		return through(w, "VXLAN", LAYER_IP);
	if (header[3] == MPLS)
		return through(w, "VXLAN", LAYER_MPLS);
	return unread(w, "VXLAN-GPE");
}

/* RFC 8926. */
enum layer layer_geneve(struct walk *w)
{
	const __u8 *header = ahead(w, 8);

	if (!header)
		return END_BAD;
	if (header[0] >> 6) /* version */
		return END_OTHER;
	w->type = be16_at(header + 2);
	w->offset += 8 + (header[0] & 0x3f) * 4;
	return through(w, "Geneve", w->type <= 1500 ? END_OTHER : LAYER_TYPE);
}

/* Extension headers, each with its length in words, and the type of the next in its last byte. */
static bool gtp_extensions(struct walk *w, __u8 type)
{
	const __u8 *length;

	while (type) {
		length = ahead(w, 1);
		if (!length || !*length || !ahead(w, *length * 4u))
			return false;
		type = length[*length * 4 - 1];
		w->offset += *length * 4u;
	}
	return true;
}

/* 3GPP TS 29.281, 5.1: of version 1, and a message that carries a packet. */
enum layer layer_gtp(struct walk *w)
{
	enum { VERSION = 0xf0, GTP_1 = 0x30, OPTIONS = 0x07, EXTENSION = 0x04, G_PDU = 255 };
	const __u8 *header = ahead(w, 8), *options;

	if (!header)
		return END_BAD;
	if ((header[0] & VERSION) != GTP_1 || header[1] != G_PDU)
		return END_OTHER;
	w->offset += 8;
	if (header[0] & OPTIONS) {
		options = ahead(w, 4);
		if (!options)
			return END_BAD;
		w->offset += 4;
		if (header[0] & EXTENSION && !gtp_extensions(w, options[3]))
			return END_BAD;
	}
	header = ahead(w, 1);
	if (!header)
		return END_BAD;
	return is_ip(header) ? through(w, "GTP-U", LAYER_IP) : unread(w, "GTP-U without IP");
}

/* RFC 4380, 5.1.1. Packets that do not begin with IPv6, but with authentication, say, only set the
 * tunnel up. */
enum layer layer_teredo(struct walk *w)
{
	const __u8 *at = ahead(w, 1);

	if (!at)
		return END_BAD;
	return at[0] >> 4 == 6 ? through(w, "Teredo", LAYER_IP) : END_OTHER;
}

/* RFC 2661, 3.1, and RFC 3931, 4.1.2: data messages of versions 2 and 3. */
enum layer layer_l2tp(struct walk *w)
{
	const __u8 *header = ahead(w, 2);
	__u8 version;

	if (!header)
		return END_BAD;
	version = header[1] & 0x0f;
	if (header[0] & 0x80 || version < 2 || version > 3)
		return END_OTHER;
	return unread(w, "L2TP");
}

/* RFC 3948, 2: key exchange begins with four zero bytes, and a single byte keeps the path open. */
enum layer layer_nat_t(struct walk *w)
{
	const __u8 *at = ahead(w, 4);

	return at && (at[0] | at[1] | at[2] | at[3]) ? unread(w, "ESP") : END_OTHER;
}

enum layer layer_wireguard(struct walk *w)
{
	const __u8 *at = ahead(w, 4);

	return at && at[0] == 4 && !(at[1] | at[2] | at[3]) ? unread(w, "WireGuard") : END_OTHER;
}
