/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IP that carries something else than TCP: other IP, or a tunnel over UDP or a protocol of its own.
 */
#include "array.h"
#include "layers.h"

enum tunnel_protocol {
	PROTOCOL_IPV4 = 4,
	PROTOCOL_UDP = 17,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_GRE = 47,
	PROTOCOL_ESP = 50,
	PROTOCOL_ETHERIP = 97,
	PROTOCOL_IPCOMP = 108,
	PROTOCOL_L2TP = 115, /* version 3 */
	PROTOCOL_MPLS = 137,
};

static enum layer layer_ipv4(struct walk *w, const __u8 *ip)
{
	__u32 header = (ip[0] & 0x0f) * 4;
	__u16 fragment = be16_at(ip + 6);

	if (ip[9] == PROTOCOL_TCP)
		return END_TCP;
	if (header < sizeof(struct ipv4_header))
		return END_BAD;
	w->in_ipv6 = false;
	w->fragment = fragment & 0x1fff   ? FRAGMENT_LATER
		      : fragment & 0x2000 ? FRAGMENT_FIRST
					  : FRAGMENT_NONE;
	w->type = ip[9];
	w->offset += header;
	return LAYER_PROTOCOL;
}

static bool is_extension(__u16 next)
{
	return next == PROTOCOL_HOP_BY_HOP || next == PROTOCOL_ROUTING ||
	       next == PROTOCOL_DESTINATION || next == PROTOCOL_FRAGMENT || next == PROTOCOL_AH;
}

/* One of the extension headers that packet_extensions in packet.h looks through. */
static bool skip_extension(struct walk *w)
{
	const __u8 *header = ahead(w, 8);
	__u32 size;

	if (!header)
		return false;
	size = (header[1] + 1) * 8;
	if (w->type == PROTOCOL_AH)
		size = (header[1] + 2) * 4;
	if (w->type == PROTOCOL_FRAGMENT) {
		size = 8;
		if (header[2] || header[3] & 0xf8)
			w->fragment = FRAGMENT_LATER;
		else if (header[3] & 0x01)
			w->fragment = FRAGMENT_FIRST;
	}
	w->type = header[0];
	w->offset += size;
	return true;
}

static enum layer layer_ipv6(struct walk *w, const __u8 *ip)
{
	__u32 start = w->offset;

	w->in_ipv6 = true;
	w->fragment = FRAGMENT_NONE;
	w->type = ip[6];
	w->offset += sizeof(struct ipv6_header);
	for (int i = 0; i < EXTENSIONS_DEPTH && is_extension(w->type); i++) {
		if (!skip_extension(w))
			return END_BAD;
		if (w->fragment == FRAGMENT_LATER)
			break; /* what follows is no header */
	}
	if (w->type != PROTOCOL_TCP)
		return LAYER_PROTOCOL;
	w->offset = start;
	return w->fragment ? END_FRAGMENT : END_TCP;
}

enum layer layer_ip(struct walk *w)
{
	const __u8 *ip = ahead(w, sizeof(struct ipv4_header));

	if (!ip)
		return END_BAD;
	if (ip[0] >> 4 == 4)
		return layer_ipv4(w, ip);
	ip = ahead(w, sizeof(struct ipv6_header));
	return ip && ip[0] >> 4 == 6 ? layer_ipv6(w, ip) : END_BAD;
}

/* IPv4 with an authentication header; that of IPv6 is one of its extension headers. */
static enum layer layer_ah(struct walk *w)
{
	const __u8 *header = ahead(w, 8);

	if (!header)
		return END_BAD;
	w->type = header[0];
	w->offset += (header[1] + 2) * 4;
	return w->type == PROTOCOL_TCP ? unread(w, "AH") : LAYER_PROTOCOL;
}

static enum layer carried(struct walk *w)
{
	switch (w->type) {
	case PROTOCOL_IPV4:
		return through(w, w->in_ipv6 ? "4in6" : "IPIP", LAYER_IP);
	case PROTOCOL_IPV6:
		return through(w, w->in_ipv6 ? "6in6" : "6in4", LAYER_IP);
	case PROTOCOL_GRE:
		return LAYER_GRE;
	case PROTOCOL_MPLS:
		return LAYER_MPLS;
	case PROTOCOL_ETHERIP:
		w->offset += 2;
		return through(w, "EtherIP", LAYER_ETHERNET);
	case PROTOCOL_AH:
		return layer_ah(w);
	default:
		return END_OTHER;
	}
}

enum layer layer_protocol(struct walk *w)
{
	enum layer next;

	switch (w->type) {
	case PROTOCOL_ESP:
		return unread(w, "ESP");
	case PROTOCOL_IPCOMP:
		return unread(w, "IPComp");
	case PROTOCOL_L2TP:
		return unread(w, "L2TP");
	case PROTOCOL_UDP:
		return w->fragment == FRAGMENT_LATER ? END_OTHER : LAYER_UDP;
	default:
		next = carried(w);
		return w->fragment && next != END_OTHER ? END_FRAGMENT : next;
	}
}

/* Tunnels over UDP, by the server's port. In an answer of a server it is the source port; tunnels
 * between equals always send to the known port, from any source port. */
static const struct tunnel {
	__u16 port;
	bool answers;     /* the port may be the source */
	enum layer layer; /* LAYERS: is not read */
	const char *name;
} tunnels[] = {
	{4789, false, LAYER_VXLAN, "VXLAN"}, /* RFC 7348, and draft-ietf-nvo3-vxlan-gpe */
	{4790, false, LAYER_VXLAN, "VXLAN-GPE"},
	{8472, false, LAYER_VXLAN, "VXLAN"}, /* Linux' default, and so flannel's and Cilium's */
	{6081, false, LAYER_GENEVE, "Geneve"},
	{6635, false, LAYER_MPLS, "MPLS"}, /* RFC 7510 */
	{2152, true, LAYER_GTP, "GTP-U"},
	{3544, true, LAYER_TEREDO, "Teredo"},
	{1701, true, LAYER_L2TP, "L2TP"},
	{4500, true, LAYER_NAT_T, "ESP"}, /* RFC 3948 */
	{51820, true, LAYER_WIREGUARD, "WireGuard"},
	{1194, true, LAYERS, "OpenVPN"},
	{5247, true, LAYERS, "CAPWAP"},
	{4341, false, LAYERS, "LISP"},
	{6080, false, LAYERS, "GUE"},
	{37008, false, LAYERS, "TZSP"},
};

static const struct tunnel *tunnel_find(__u16 source, __u16 destination)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++)
		if (tunnels[i].port == destination ||
		    (tunnels[i].answers && tunnels[i].port == source))
			return &tunnels[i];
	return NULL;
}

enum layer layer_udp(struct walk *w)
{
	const __u8 *udp = ahead(w, 8);
	const struct tunnel *tunnel;

	if (!udp)
		return END_BAD;
	tunnel = tunnel_find(be16_at(udp), be16_at(udp + 2));
	if (!tunnel)
		return END_OTHER;
	if (w->fragment)
		return END_FRAGMENT;
	w->offset += 8;
	return tunnel->layer == LAYERS ? unread(w, tunnel->name) : tunnel->layer;
}
