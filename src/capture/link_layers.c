/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Link layers: Ethernet and what libpcap has beside it, PPP, frame relay. */
#include "layers.h"

#include <string.h>

#define LENGTH_MAX 1500 /* an Ethernet type field up to this is a length, and LLC follows */

enum ethertype {
	ETHERTYPE_TEB = 0x6558, /* transparent Ethernet bridging */
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_JUMBO_LLC = 0x8870,
	ETHERTYPE_MACSEC = 0x88e5,
	ETHERTYPE_I_TAG = 0x88e7, /* IEEE 802.1ah, provider backbone bridges */
	ETHERTYPE_NSH = 0x894f,   /* RFC 8300 */
};

enum layer layer_ethernet(struct walk *w)
{
	const __u8 *header = ahead(w, ETHERNET_HEADER);

	if (!header)
		return END_BAD;
	w->type = be16_at(header + ETHERNET_TYPE);
	w->offset += ETHERNET_HEADER;
	return LAYER_TYPE;
}

/* Goes behind tags; false: the last of them is cut short. */
static bool skip_tags(struct walk *w)
{
	for (int i = 0; i < VLAN_DEPTH && ethertype_is_vlan(w->type); i++) {
		const __u8 *tag = ahead(w, sizeof(struct vlan_tag));

		if (!tag)
			return false;
		w->type = be16_at(tag + 2);
		w->offset += sizeof(struct vlan_tag);
	}
	return true;
}

enum layer layer_type(struct walk *w)
{
	if (!skip_tags(w))
		return END_BAD;
	if (w->type <= LENGTH_MAX)
		return LAYER_LLC;
	switch (w->type) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
		return LAYER_IP;
	case ETHERTYPE_TEB:
		return LAYER_ETHERNET;
	case ETHERTYPE_PPP:
		return LAYER_PPP;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		return LAYER_MPLS;
	case ETHERTYPE_PPPOE:
		return LAYER_PPPOE;
	case ETHERTYPE_JUMBO_LLC:
		return LAYER_LLC;
	case ETHERTYPE_I_TAG:
		w->offset += 4;
		return through(w, "802.1ah", LAYER_ETHERNET);
	case ETHERTYPE_MACSEC:
		return unread(w, "MACsec");
	case ETHERTYPE_NSH:
		return unread(w, "NSH");
	default:
		return END_OTHER;
	}
}

/* Network layer protocol identifiers: RFC 2427. */
static enum layer network_protocol(__u8 nlpid)
{
	return nlpid == 0xcc || nlpid == 0x8e ? LAYER_IP : END_OTHER;
}

/* An organization, and its type: RFC 1042, and Apple's bridge tunnel, which is the same. */
static enum layer layer_snap(struct walk *w)
{
	const __u8 *snap = ahead(w, 5);

	if (!snap)
		return END_BAD;
	w->offset += 5;
	w->type = be16_at(snap + 3);
	if (memcmp(snap, "\0\0\0", 3) && memcmp(snap, "\0\0\xf8", 3))
		return END_OTHER;
	return w->type <= LENGTH_MAX ? END_OTHER : LAYER_TYPE;
}

/* Unnumbered information, from and to one of the service access points that carry IP. */
enum layer layer_llc(struct walk *w)
{
	const __u8 *llc = ahead(w, 3);

	if (!llc)
		return END_BAD;
	if (llc[0] != llc[1] || llc[2] != 0x03)
		return END_OTHER;
	w->offset += 3;
	if (llc[0] == 0xaa)
		return layer_snap(w);
	if (llc[0] == 0x06)
		return LAYER_IP;
	if (llc[0] != 0xfe)
		return END_OTHER;
	if (!ahead(w, 1))
		return END_BAD;
	w->offset++;
	return network_protocol(llc[3]);
}

static enum layer cooked(struct walk *w, __u32 type_at, __u32 size)
{
	const __u8 *header = ahead(w, size);

	if (!header)
		return END_BAD;
	w->type = be16_at(header + type_at);
	w->offset += size;
	if (w->type > LENGTH_MAX)
		return LAYER_TYPE;
	return w->type == 4 ? LAYER_LLC : END_OTHER; /* numbers of Linux' own */
}

enum layer layer_sll(struct walk *w)
{
	return cooked(w, 14, 16);
}

enum layer layer_sll2(struct walk *w)
{
	return cooked(w, 0, 20);
}

/* RFC 1661, 2; RFC 1332, RFC 5072, RFC 3032, RFC 1990, RFC 1962. */
static enum layer ppp_protocol(struct walk *w, __u16 protocol)
{
	switch (protocol) {
	case PPP_IPV4:
	case PPP_IPV6:
		return LAYER_IP;
	case 0x0281:
	case 0x0283:
		return LAYER_MPLS;
	case 0x002d:
	case 0x002f:
		return unread(w, "PPP with Van Jacobson compression");
	case 0x0031:
		return unread(w, "PPP bridging");
	case 0x003d:
		return unread(w, "PPP multilink");
	case 0x00fb:
	case 0x00fd:
	case 0x0053:
		return unread(w, "compressed or encrypted PPP");
	default:
		return END_OTHER;
	}
}

/* With or without the address and control of HDLC-like framing (RFC 1662, 3.1); a protocol of one
 * byte is odd (RFC 1661, 2). On serial lines it may be Cisco's in fact. */
enum layer layer_ppp(struct walk *w)
{
	const __u8 *at = ahead(w, 2);

	if (at && (at[0] == 0x0f || at[0] == 0x8f) && at[1] == 0)
		return LAYER_HDLC;
	if (at && at[0] == 0xff && at[1] == 0x03) {
		w->offset += 2;
		at = ahead(w, 2);
	}
	if (!at)
		return END_BAD;
	w->offset += at[0] & 1 ? 1 : 2;
	return ppp_protocol(w, at[0] & 1 ? at[0] : be16_at(at));
}

/* RFC 2516, 4. */
enum layer layer_pppoe(struct walk *w)
{
	const __u8 *header = ahead(w, 6);

	if (!header)
		return END_BAD;
	if (header[0] != PPPOE_VERSION_TYPE || header[1])
		return END_OTHER;
	w->offset += 6;
	return through(w, "PPPoE", LAYER_PPP);
}

enum layer layer_hdlc(struct walk *w)
{
	const __u8 *header = ahead(w, 4);

	if (!header)
		return END_BAD;
	w->type = be16_at(header + 2);
	w->offset += 4;
	return w->type <= LENGTH_MAX ? END_OTHER : LAYER_TYPE;
}

/* An address of two to four bytes, of which the last is odd, then as RFC 2427 has it, or as Cisco
 * does, who puts an EtherType there. */
enum layer layer_frame_relay(struct walk *w)
{
	const __u8 *at;
	int i = 0;

	do {
		at = ahead(w, 1);
		if (!at || i++ == 4)
			return END_BAD;
		w->offset++;
	} while (!(*at & 1));
	at = ahead(w, 2);
	if (!at)
		return END_BAD;
	w->offset += 2;
	if (at[0] != 0x03) {
		w->type = be16_at(at);
		return w->type <= LENGTH_MAX ? END_OTHER : LAYER_TYPE;
	}
	if (at[1] == 0x00) { /* pads to an even number of bytes */
		if (!ahead(w, 1))
			return END_BAD;
		at++;
		w->offset++;
	}
	return at[1] == 0x80 ? layer_snap(w) : network_protocol(at[1]);
}

/* Attributes, each with its length and type in the byte order of the host that captured; there are
 * few types, so their upper byte is zero. One of them holds the packet from its IP header on. */
enum layer layer_nflog(struct walk *w)
{
	enum { HEADER = 4, ATTRIBUTE = 4, PAYLOAD = 9 };
	const __u8 *at = ahead(w, HEADER);
	__u32 length, type;

	if (!at)
		return END_BAD;
	w->offset += HEADER;
	while ((at = ahead(w, ATTRIBUTE))) {
		bool little = !at[3];

		length = little ? (__u32)(at[1] << 8 | at[0]) : be16_at(at);
		type = little ? at[2] : at[3];
		if (length < ATTRIBUTE)
			return END_BAD;
		if (type == PAYLOAD) {
			w->offset += ATTRIBUTE;
			at = ahead(w, 1);
			if (!at)
				return END_BAD;
			return at[0] >> 4 == 4 || at[0] >> 4 == 6 ? LAYER_IP : END_OTHER;
		}
		w->offset += (length + 3) & ~3u;
	}
	return END_BAD;
}
