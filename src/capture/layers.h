/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A walk from header to header through captured bytes, to the IP header in front of TCP. Each layer
 * is a function that starts at its header, moves past it, and says what comes next. Bytes come from
 * anyone: a function reads nothing that ahead() did not grant it.
 */
#ifndef METRO_LAYERS_H
#define METRO_LAYERS_H

#include "decapsulate.h"

enum layer {
	LAYER_ETHERNET,
	LAYER_TYPE, /* what the EtherType in walk.type says */
	LAYER_LLC,
	LAYER_SLL,
	LAYER_SLL2,
	LAYER_PPP,
	LAYER_PPPOE,
	LAYER_HDLC, /* Cisco's */
	LAYER_FRAME_RELAY,
	LAYER_WIFI,
	LAYER_RADIOTAP,
	LAYER_NFLOG,
	LAYER_IP,
	LAYER_PROTOCOL, /* what the IP protocol in walk.type says */
	LAYER_MPLS,
	LAYER_GRE,
	LAYER_UDP,
	LAYER_VXLAN,
	LAYER_GENEVE,
	LAYER_GTP,
	LAYER_TEREDO,
	LAYER_L2TP,
	LAYER_NAT_T,
	LAYER_WIREGUARD,
	LAYERS,
	/* Here a walk ends. */
	END_TCP = LAYERS, /* at the IP header in front of it */
	END_OTHER,        /* no TCP in it */
	END_FRAGMENT,
	END_BAD,    /* cut short, or nonsense */
	END_UNREAD, /* walk.inside->unread says what */
};

enum fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

struct walk {
	const __u8 *bytes;
	__u32 captured;
	__u32 offset; /* of the header that is read next; never beyond captured when it is read */
	__u16 type;   /* of what comes next: an EtherType or an IP protocol */
	bool in_ipv6; /* the last IP header was IPv6 */
	enum fragment fragment; /* whether it belonged to a fragment */
	bool padded; /* the 802.11 header that follows is filled up to words of four bytes */
	struct inside *inside;
};

/* The next len bytes, or NULL if they were not captured. */
static inline const __u8 *ahead(const struct walk *w, __u32 len)
{
	if (w->offset > w->captured || len > w->captured - w->offset)
		return NULL;
	return w->bytes + w->offset;
}

static inline __u16 be16_at(const __u8 *at)
{
	return (__u16)(at[0] << 8 | at[1]);
}

/* Goes on into what follows. Messages name the outermost such layer. */
static inline enum layer through(struct walk *w, const char *name, enum layer next)
{
	if (!w->inside->passed)
		w->inside->passed = name;
	return next;
}

/* It may carry TCP, but we cannot read it. */
static inline enum layer unread(struct walk *w, const char *name)
{
	w->inside->unread = name;
	return END_UNREAD;
}

/* Link layers: link_layers.c */
enum layer layer_ethernet(struct walk *w);
enum layer layer_type(struct walk *w);
enum layer layer_llc(struct walk *w);
enum layer layer_sll(struct walk *w);
enum layer layer_sll2(struct walk *w);
enum layer layer_ppp(struct walk *w);
enum layer layer_pppoe(struct walk *w);
enum layer layer_hdlc(struct walk *w);
enum layer layer_frame_relay(struct walk *w);
enum layer layer_nflog(struct walk *w);

/* wifi.c */
enum layer layer_wifi(struct walk *w);
enum layer layer_radiotap(struct walk *w);

/* ip_layers.c */
enum layer layer_ip(struct walk *w);
enum layer layer_protocol(struct walk *w);
enum layer layer_udp(struct walk *w);

/* tunnels.c */
enum layer layer_mpls(struct walk *w);
enum layer layer_gre(struct walk *w);
enum layer layer_vxlan(struct walk *w);
enum layer layer_geneve(struct walk *w);
enum layer layer_gtp(struct walk *w);
enum layer layer_teredo(struct walk *w);
enum layer layer_l2tp(struct walk *w);
enum layer layer_nat_t(struct walk *w);
enum layer layer_wireguard(struct walk *w);

#endif
