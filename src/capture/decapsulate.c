/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walks from layer to layer, by a table of them, until TCP is found or nothing more is known. */
#include "array.h"
#include "layers.h"

#include <errno.h>
#include <pcap/dlt.h>

#define STEPS_MAX 64 /* layers gone through: about seven tunnels, one in the other */

/* Where a walk begins: with which layer, after how many bytes. */
struct start {
	int type; /* DLT_ */
	__u32 skip;
	enum layer first;
};

/* For enum link_layer up to LINK_OTHERS. */
static const struct start plain[LINK_OTHERS] = {
	[LINK_ETHERNET] = {DLT_EN10MB, 0, LAYER_ETHERNET},
	[LINK_IP] = {DLT_RAW, 0, LAYER_IP},
	[LINK_SLL] = {DLT_LINUX_SLL, 0, LAYER_SLL},
	[LINK_SLL2] = {DLT_LINUX_SLL2, 0, LAYER_SLL2},
	[LINK_NULL] = {DLT_NULL, 4, LAYER_IP},
};

/* From LINK_OTHERS on. Numbers above 100 are the same as DLT_ and as LINKTYPE_. */
static const struct start others[] = {
	{DLT_PPP, 0, LAYER_PPP},
	{DLT_PPP_ETHER, 0, LAYER_PPPOE},
	{DLT_C_HDLC, 0, LAYER_HDLC},
	{DLT_FRELAY, 0, LAYER_FRAME_RELAY},
	{DLT_FDDI, 13, LAYER_LLC},
	{DLT_IEEE802_11, 0, LAYER_WIFI},
	{DLT_IEEE802_11_RADIO, 0, LAYER_RADIOTAP},
	{DLT_NFLOG, 0, LAYER_NFLOG},
	{DLT_ENC, 12, LAYER_IP}, /* IPsec of OpenBSD, after decryption */
	{DLT_PPP_SERIAL, 0, LAYER_PPP},
	{DLT_PPP_WITH_DIR, 1, LAYER_PPP},
	{DLT_PPP_PPPD, 2, LAYER_PPP}, /* direction in place of an address, and control */
	{DLT_C_HDLC_WITH_DIR, 1, LAYER_HDLC},
	{DLT_FRELAY_WITH_DIR, 1, LAYER_FRAME_RELAY},
	{DLT_ATM_RFC1483, 0, LAYER_LLC},
	{100, 0, LAYER_LLC}, /* the same in files */
	{DLT_IP_OVER_FC, 16, LAYER_LLC},
};

static enum layer (*const layers[LAYERS])(struct walk *w) = {
	[LAYER_ETHERNET] = layer_ethernet,
	[LAYER_TYPE] = layer_type,
	[LAYER_LLC] = layer_llc,
	[LAYER_SLL] = layer_sll,
	[LAYER_SLL2] = layer_sll2,
	[LAYER_PPP] = layer_ppp,
	[LAYER_PPPOE] = layer_pppoe,
	[LAYER_HDLC] = layer_hdlc,
	[LAYER_FRAME_RELAY] = layer_frame_relay,
	[LAYER_WIFI] = layer_wifi,
	[LAYER_RADIOTAP] = layer_radiotap,
	[LAYER_NFLOG] = layer_nflog,
	[LAYER_IP] = layer_ip,
	[LAYER_PROTOCOL] = layer_protocol,
	[LAYER_MPLS] = layer_mpls,
	[LAYER_GRE] = layer_gre,
	[LAYER_UDP] = layer_udp,
	[LAYER_VXLAN] = layer_vxlan,
	[LAYER_GENEVE] = layer_geneve,
	[LAYER_GTP] = layer_gtp,
	[LAYER_TEREDO] = layer_teredo,
	[LAYER_L2TP] = layer_l2tp,
	[LAYER_NAT_T] = layer_nat_t,
	[LAYER_WIREGUARD] = layer_wireguard,
};

int decapsulate_link(int type, enum link_layer *link)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (others[i].type != type)
			continue;
		*link = LINK_OTHERS + i;
		return 0;
	}
	return -ENOTSUP;
}

enum packet_kind decapsulate(enum link_layer link, const __u8 *bytes, __u32 captured,
			     struct inside *inside)
{
	const struct start *start = link < LINK_OTHERS ? &plain[link] : &others[link - LINK_OTHERS];
	struct walk w = {
		.bytes = bytes, .captured = captured, .offset = start->skip, .inside = inside};
	enum layer layer = start->first;

	*inside = (struct inside){};
	for (int i = 0; i < STEPS_MAX && layer < LAYERS; i++)
		layer = layers[layer](&w);
	inside->offset = w.offset;
	switch (layer) {
	case END_TCP:
		return PACKET_TCP;
	case END_FRAGMENT:
		return PACKET_FRAGMENT;
	case END_BAD:
		return PACKET_BAD;
	case END_OTHER:
	case END_UNREAD:
		return PACKET_OTHER;
	default:
		unread(&w, "nested too deep");
		return PACKET_OTHER;
	}
}
