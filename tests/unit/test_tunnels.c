/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Link layers and tunnels: the connection inside is found, whole or cut; what is not read is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pcap/dlt.h>

#include "array.h"
#include "parsing.h"

/*
 * What stands in front of a packet: bytes in hexadecimal, and words for headers with what they say
 * follows. Where this depends on the packet's IP version, T is its EtherType, P the IP protocol
 * that carries it, Q and q the protocol of PPP in two bytes and one, N the NLPID. After a question
 * mark, what is cut short may be something else.
 */
struct kind {
	const char *what;
	int dlt;
	const char *front;
	const char *passed; /* NULL: no tunnel, or one that packet.h looks through;
			       of IPv4|of IPv6 */
};

static const struct kind kinds[] = {
	{"PPP", DLT_PPP, "ff03 Q", NULL},
	{"PPP without address and control", DLT_PPP, "Q", NULL},
	{"PPP, protocol of one byte", DLT_PPP, "ff03 q", NULL},
	{"PPP over HDLC", DLT_PPP_SERIAL, "ff03 Q", NULL},
	{"Cisco HDLC on a PPP line", DLT_PPP_SERIAL, "0f00 T", NULL},
	{"PPP with direction", DLT_PPP_WITH_DIR, "01 ff03 Q", NULL},
	{"PPP of pppd", DLT_PPP_PPPD, "0003 Q", NULL},
	{"Cisco HDLC", DLT_C_HDLC, "0f00 T", NULL},
	{"Cisco HDLC with direction", DLT_C_HDLC_WITH_DIR, "00 8f00 T", NULL},
	{"frame relay", DLT_FRELAY, "1841 03 N", NULL},
	{"frame relay, long address", DLT_FRELAY, "18404041 03 N", NULL},
	{"frame relay with SNAP", DLT_FRELAY, "1841 03 00 80 000000 T", NULL},
	{"frame relay of Cisco", DLT_FRELAY, "1841 T", NULL},
	{"FDDI", DLT_FDDI, "50 020000000002020000000001 aaaa03 000000 T", NULL},
	{"ATM", DLT_ATM_RFC1483, "aaaa03 000000 T", NULL},
	{"ATM in a file", 100, "aaaa03 000000 T", NULL},
	{"ATM with NLPID", 100, "fefe03 N", NULL},
	{"fibre channel", DLT_IP_OVER_FC, "00000000000000020000000000000001 aaaa03 000000 T", NULL},
	{"LLC/SNAP", DLT_EN10MB, "eth.0060 aaaa03 000000 T", NULL},
	{"LLC/SNAP behind a tag", DLT_EN10MB, "eth.8100 0007 0060 aaaa03 000000 T", NULL},
	{"LLC/SNAP, bridge tunnel", DLT_EN10MB, "eth.0060 aaaa03 0000f8 T", NULL},
	{"LLC with IP", DLT_EN10MB, "eth.0060 060603", NULL},
	{"jumbo LLC", DLT_EN10MB, "eth.8870 aaaa03 000000 T", NULL},
	{"LLC in Linux cooked", DLT_LINUX_SLL, "0000000100060200000000010000 0004 aaaa03 000000 T",
	 NULL},
	{"802.11", DLT_IEEE802_11, "08010000 macs 1000 aaaa03 000000 T", NULL},
	{"802.11, four addresses, QoS", DLT_IEEE802_11,
	 "88030000 macs 1000 020000000004 0000 aaaa03 000000 T", NULL},
	{"802.11, HT control", DLT_IEEE802_11, "88810000 macs 1000 0000 00000000 aaaa03 000000 T",
	 NULL},
	{"radiotap", DLT_IEEE802_11_RADIO,
	 "00000a0000000000 0000 08020000 macs 1000 aaaa03 000000 T", NULL},
	{"radiotap, padded, with a time", DLT_IEEE802_11_RADIO,
	 "00001a00 030000a0 00000020 00000000 1122334455667788 20 00 88020000 macs 1000 0000 0000 "
	 "aaaa03 000000 T",
	 NULL},
	{"NFLOG, little endian", DLT_NFLOG, "02000000 08000100 08000100 05000a00 61000000 08000900",
	 NULL},
	{"NFLOG, big endian", DLT_NFLOG, "02000000 00080001 08000100 00080009", NULL},
	{"IPsec of OpenBSD", DLT_ENC, "000000020000000000000000", NULL},
	{"PPPoE", DLT_EN10MB, "eth.8864 11000001 0000 Q", NULL},
	{"PPPoE behind a tag", DLT_EN10MB, "eth.8100 0007 8864 11000001 0000 Q", NULL},
	{"PPPoE alone", DLT_PPP_ETHER, "11000001 0000 Q", "PPPoE"},
	{"PPPoE in Linux cooked", DLT_LINUX_SLL2,
	 "8864 00000000000200010006020000000001 0000 11000001 0000 Q", NULL},
	{"MPLS", DLT_EN10MB, "eth.8847 00010140", NULL},
	{"MPLS, three labels", DLT_EN10MB, "eth.8847 00010040 00010040 00010140", NULL},
	{"MPLS, five labels", DLT_EN10MB, "eth.8847 00010040 00010040 00010040 00010040 00010140",
	 "MPLS"},
	{"MPLS over PPP", DLT_PPP, "ff03 0281 00010040 00010140", "MPLS"},
	{"MPLS pseudowire", DLT_EN10MB, "? eth.8847 00010140 eth.T", "MPLS"},
	{"MPLS pseudowire, control word", DLT_EN10MB, "? eth.8847 00010140 00000000 eth.T", "MPLS"},
	{"802.1ah", DLT_EN10MB, "eth.88a8 0007 88e7 00000007 eth.T", "802.1ah"},
	{"IP in IPv4", DLT_EN10MB, "eth.0800 ip4.P", "IPIP|6in4"},
	{"IP in IPv6", DLT_EN10MB, "eth.86dd ip6.P", "4in6|6in6"},
	{"IP in IPv4, raw", DLT_RAW, "ip4.P", "IPIP|6in4"},
	{"IP in IPv4, loopback", DLT_NULL, "02000000 ip4.P", "IPIP|6in4"},
	{"IP in IPv4 with options", DLT_RAW,
	 "46000000 00010000 40 P 0000 c0000201 c0000202 94040000", "IPIP|6in4"},
	{"IP in IPv6, extensions", DLT_RAW, "ip6.3c 2c00000000000000 P00000000000001", "4in6|6in6"},
	{"IP in authenticated IPv4", DLT_RAW,
	 "ip4.33 P 04000000000001 00000001 000000000000000000000000", "IPIP|6in4"},
	{"IP in IP in IP", DLT_RAW, "ip4.04 ip4.29 ip6.P", "IPIP"},
	{"GRE", DLT_RAW, "ip4.2f 0000 T", "GRE"},
	{"GRE over IPv6", DLT_RAW, "ip6.2f 0000 T", "GRE"},
	{"GRE, key", DLT_RAW, "ip4.2f 2000 T 00000001", "GRE"},
	{"GRE, sequence", DLT_RAW, "ip4.2f 1000 T 00000001", "GRE"},
	{"GRE, all", DLT_RAW, "ip4.2f b000 T 00000000 00000001 00000002", "GRE"},
	{"GRE, Ethernet", DLT_RAW, "ip4.2f 0000 6558 eth.T", "GRE"},
	{"GRE, Ethernet, tag", DLT_RAW, "ip4.2f 0000 6558 eth.8100 0007 T", "GRE"},
	{"GRE, MPLS", DLT_RAW, "ip4.2f 0000 8847 00010140", "GRE"},
	{"GRE, WCCP", DLT_RAW, "? ip4.2f 0000 883e 00000000", "GRE"},
	{"GRE, WCCP version 1", DLT_RAW, "? ip4.2f 0000 883e", "GRE"},
	{"GRE of PPTP", DLT_RAW, "ip4.2f 3081 880b 00000001 00000001 00000001 ff03 Q", "GRE"},
	{"ERSPAN", DLT_RAW, "ip4.2f 0000 88be eth.T", "ERSPAN"},
	{"ERSPAN II", DLT_RAW, "ip4.2f 1000 88be 00000001 1000000000000000 eth.T", "ERSPAN"},
	{"ERSPAN III", DLT_RAW, "ip4.2f 1000 22eb 00000001 200000000000000000000000 eth.T",
	 "ERSPAN"},
	{"ERSPAN III, subheader", DLT_RAW,
	 "ip4.2f 1000 22eb 00000001 200000000000000000000001 0000000000000000 eth.T", "ERSPAN"},
	{"EtherIP", DLT_RAW, "ip4.61 3000 eth.T", "EtherIP"},
	{"MPLS in IP", DLT_RAW, "ip4.89 00010140", "MPLS"},
	{"MPLS in UDP", DLT_RAW, "ip4.11 udp.19eb 00010140", "MPLS"},
	{"VXLAN", DLT_EN10MB, "eth.0800 ip4.11 udp.12b5 0800000000000100 eth.T", "VXLAN"},
	{"VXLAN over IPv6", DLT_RAW, "ip6.11 udp.12b5 0800000000000100 eth.T", "VXLAN"},
	{"VXLAN of Linux, policy", DLT_RAW, "ip4.11 udp.2118 8800000100000100 eth.T", "VXLAN"},
	{"VXLAN, tag", DLT_RAW, "ip4.11 udp.12b5 0800000000000100 eth.8100 0007 T", "VXLAN"},
	{"VXLAN-GPE, Ethernet", DLT_RAW, "ip4.11 udp.12b6 0c00000300000100 eth.T", "VXLAN"},
	{"VXLAN-GPE, MPLS", DLT_RAW, "ip4.11 udp.12b6 0c00000500000100 00010140", "VXLAN"},
	{"Geneve", DLT_RAW, "ip4.11 udp.17c1 00006558 00000100 eth.T", "Geneve"},
	{"Geneve, options", DLT_RAW, "ip4.11 udp.17c1 02406558 00000100 0102800100000000 eth.T",
	 "Geneve"},
	{"Geneve, IP", DLT_RAW, "ip6.11 udp.17c1 0000 T 00000100", "Geneve"},
	{"GTP-U", DLT_RAW, "ip4.11 udp.0868 30ff 0000 00000001", "GTP-U"},
	{"GTP-U, sequence", DLT_RAW, "ip4.11 udp.0868 32ff 0000 00000001 00010000", "GTP-U"},
	{"GTP-U, extensions", DLT_RAW,
	 "ip4.11 udp.0868 34ff 0000 00000001 00000085 01100085 0200000000000000", "GTP-U"},
	{"VXLAN, PPPoE", DLT_RAW, "ip4.11 udp.12b5 0800000000000100 eth.8864 11000001 0000 Q",
	 "VXLAN"},
};

static void put_depending(struct bytes *b, char what, bool v6)
{
	switch (what) {
	case 'T':
		put16(b, v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
		break;
	case 'P':
		put8(b, v6 ? 41 : 4);
		break;
	case 'Q':
		put8(b, 0);
		/* fall through */
	case 'q':
		put8(b, v6 ? 0x57 : 0x21);
		break;
	case 'N':
		put8(b, v6 ? 0x8e : 0xcc);
		break;
	default:
		fail_msg("%c in a front", what);
	}
}

static void put_hex(struct bytes *b, const char *hex, bool v6)
{
	unsigned int byte;

	while (*hex && *hex != ' ') {
		if (strchr("TPQqN", *hex)) {
			put_depending(b, *hex++, v6);
			continue;
		}
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		put8(b, byte);
		hex += 2;
	}
}

static void put_front(struct bytes *b, const char *front, bool v6)
{
	static const struct {
		const char *word, *before, *after;
	} words[] = {
		{"eth.", "020000000002020000000001", ""},
		{"ip4.", "450000000001000040", "0000c0000201c0000202"},
		{"ip6.", "600000000000",
		 "4020010db800000000000000000000000120010db8000000000000000000000002"},
		{"udp.", "c000", "00000000"},
		{"macs", "020000000001020000000002020000000003", ""},
		{"ends", "c0000201c0000202", ""},
		{"?", "", ""},
		{"", "", ""},
	};

	for (; *front; front += strcspn(front, " ")) {
		size_t i = 0;

		front += strspn(front, " ");
		while (strncmp(front, words[i].word, strlen(words[i].word)))
			i++;
		put_hex(b, words[i].before, v6);
		front += strlen(words[i].word);
		put_hex(b, front, v6);
		put_hex(b, words[i].after, v6);
	}
}

static void put_segment(struct bytes *b, bool v6, __u32 payload)
{
	if (v6)
		ipv6(b, PROTOCOL_TCP);
	else
		ipv4(b, PROTOCOL_TCP);
	tcp(b, 20, payload);
}

/* Parses an exact copy, as parse_cut does. */
static enum packet_kind look(enum link_layer link, const struct bytes *b, size_t captured,
			     struct packet *p, struct inside *inside)
{
	__u8 *copy = malloc(captured ? captured : 1);
	enum packet_kind kind;

	memcpy(copy, b->at, captured);
	kind = frame_parse(link, copy, captured, b->size, p, inside);
	free(copy);
	return kind;
}

static void assert_passed(const char *passed, const char *expected, bool v6)
{
	const char *six = expected ? strchr(expected, '|') : NULL;
	char name[32];

	if (!expected) {
		assert_null(passed);
		return;
	}
	snprintf(name, sizeof(name), "%s", six && v6 ? six + 1 : expected);
	if (six && !v6)
		name[six - expected] = '\0';
	assert_non_null(passed);
	assert_string_equal(passed, name);
}

static void assert_kind(const struct kind *kind, bool v6)
{
	enum link_layer link;
	struct inside inside;
	struct bytes b = {0};
	struct packet p;

	assert_int_equal(frame_link_layer(kind->dlt, &link), 0);
	put_front(&b, kind->front, v6);
	put_segment(&b, v6, 77);
	assert_segment(link, &b, 77);
	for (size_t n = 0; n < b.size; n++) {
		enum packet_kind found = look(link, &b, n, &p, &inside);

		if (n >= b.tcp + 20)
			assert_int_equal(found, PACKET_TCP);
		else if (kind->front[0] == '?')
			assert_int_not_equal(found, PACKET_TCP);
		else
			assert_int_equal(found, PACKET_BAD);
	}
	assert_int_equal(look(link, &b, b.size, &p, &inside), PACKET_TCP);
	assert_passed(inside.passed, kind->passed, v6);
	assert_null(inside.unread);
}

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		print_message("# %s\n", kinds[i].what);
		assert_kind(&kinds[i], false);
		assert_kind(&kinds[i], true);
	}
}

/* All kinds of tunnel in all others: the outermost gives the name. */
static void test_nested(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(kinds); j++) {
			enum link_layer link;
			struct bytes b = {0};

			if (kinds[j].dlt != DLT_RAW)
				continue;
			frame_link_layer(kinds[i].dlt, &link);
			put_front(&b, kinds[i].front, !strncmp(kinds[j].front, "ip6", 3));
			put_front(&b, kinds[j].front, true);
			put_segment(&b, true, 5);
			assert_segment(link, &b, 5);
		}
	}
}

static void test_too_deep(void **state)
{
	struct bytes b = {0};
	struct inside inside;
	struct packet p;

	(void)state;
	for (int i = 0; i < 100; i++)
		put_front(&b, "ip4.04", false);
	put_segment(&b, false, 1);
	assert_int_equal(look(LINK_IP, &b, b.size, &p, &inside), PACKET_OTHER);
	assert_string_equal(inside.unread, "nested too deep");
}

/* What may hold TCP, but is not read, has a name; what cannot has none. */
static void test_unread(void **state)
{
	static const struct {
		int dlt;
		const char *front, *name;
	} unread[] = {
		{DLT_RAW, "ip4.32 00000001", "ESP"},
		{DLT_RAW, "ip6.32 00000001", "ESP"},
		{DLT_RAW, "ip4.11 udp.1194 00000001", "ESP"},
		{DLT_RAW, "ip4.11 udp.1194 00000000", NULL},
		{DLT_RAW, "ip4.11 1194c00000000000 00000001", "ESP"},
		{DLT_RAW, "ip4.33 06 04000000000001 00000001 000000000000000000000000", "AH"},
		{DLT_RAW, "ip4.6c 00000000", "IPComp"},
		{DLT_RAW, "ip4.73 00000001", "L2TP"},
		{DLT_RAW, "ip4.11 udp.06a5 4002", "L2TP"},
		{DLT_RAW, "ip4.11 udp.06a5 c802", NULL},
		{DLT_RAW, "ip4.11 udp.ca6c 04000000", "WireGuard"},
		{DLT_RAW, "ip4.11 udp.ca6c 01000000", NULL},
		{DLT_RAW, "ip4.11 udp.04aa", "OpenVPN"},
		{DLT_RAW, "ip4.11 udp.147f", "CAPWAP"},
		{DLT_RAW, "ip4.11 udp.0035", NULL},
		{DLT_RAW, "ip4.11 udp.12b5 0000000000000100", NULL},
		{DLT_RAW, "ip4.11 udp.12b6 0c00000400000100", "VXLAN-GPE"},
		{DLT_RAW, "ip4.11 udp.0868 3001", NULL},
		{DLT_RAW, "ip4.11 udp.0868 30ff 0000 00000001 00", "GTP-U without IP"},
		{DLT_RAW, "ip4.2f 4000 T 00000000", "GRE"},
		{DLT_RAW, "ip4.2f 0000 2001", NULL},
		{DLT_RAW, "ip4.2f 2081 880b 00000001 00000001", NULL},
		{DLT_RAW, "ip4.84", NULL},
		{DLT_EN10MB, "eth.88e5", "MACsec"},
		{DLT_EN10MB, "eth.894f", "NSH"},
		{DLT_EN10MB, "eth.8863 11090000 0000", NULL},
		{DLT_EN10MB, "eth.8864 11000001 0000 c021", NULL},
		{DLT_EN10MB, "eth.8864 11000001 0000 002d", "PPP with Van Jacobson compression"},
		{DLT_PPP, "ff03 003d", "PPP multilink"},
		{DLT_PPP, "ff03 fd", "compressed or encrypted PPP"},
		{DLT_PPP, "ff03 0031", "PPP bridging"},
		{DLT_EN10MB, "eth.8847 00010140 10000021", NULL},
		{DLT_EN10MB, "eth.8847 00010140 20000021", "MPLS pseudowire"},
		{DLT_EN10MB, "eth.0026 424203", NULL},
		{DLT_IEEE802_11, "08410000 macs 1000", "encrypted 802.11"},
		{DLT_IEEE802_11, "88010000 macs 1000 8000", "aggregated 802.11"},
		{DLT_IEEE802_11, "80000000 macs 1000", NULL},
		{DLT_IEEE802_11, "d4000000 020000000001", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unread); i++) {
		enum link_layer link;
		struct bytes b = {0};
		struct inside inside;
		struct packet p;

		print_message("# %s: %s\n", unread[i].front, unread[i].name);
		frame_link_layer(unread[i].dlt, &link);
		put_front(&b, unread[i].front, false);
		put_zeroes(&b, 8);
		assert_int_equal(look(link, &b, b.size, &p, &inside), PACKET_OTHER);
		if (unread[i].name) {
			assert_non_null(inside.unread);
			assert_string_equal(inside.unread, unread[i].name);
		} else {
			assert_null(inside.unread);
		}
	}
}

/* Fragments of what carries a tunnel, and fragments that are carried. */
static void test_fragments(void **state)
{
	static const struct {
		const char *front;
		enum packet_kind kind;
	} fragments[] = {
		{"45000000 00012000 40 04 0000 ends", PACKET_FRAGMENT},
		{"45000000 00010010 40 04 0000 ends", PACKET_FRAGMENT},
		{"45000000 00010010 40 2f 0000 ends", PACKET_FRAGMENT},
		{"45000000 00012000 40 11 0000 ends udp.12b5", PACKET_FRAGMENT},
		{"45000000 00012000 40 11 0000 ends udp.0035", PACKET_OTHER},
		{"45000000 00010010 40 11 0000 ends udp.12b5", PACKET_OTHER},
		{"ip6.2c 0400000100000001", PACKET_FRAGMENT},
		{"ip6.2c 0400001000000001", PACKET_FRAGMENT},
		{"ip4.04 45000000 00012000 40 06 0000 ends", PACKET_FRAGMENT},
		{"ip4.29 ip6.2c 0600001000000001", PACKET_FRAGMENT},
		{"ip4.2f 0000 86dd ip6.2c 0600000100000001", PACKET_FRAGMENT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fragments); i++) {
		struct bytes b = {0};
		struct inside inside;
		struct packet p;

		put_front(&b, fragments[i].front, false);
		put_segment(&b, false, 5);
		assert_int_equal(look(LINK_IP, &b, b.size, &p, &inside), fragments[i].kind);
	}
}

static __u64 noise = 1;

static __u8 random_byte(void)
{
	noise = noise * 6364136223846793005ull + 1442695040888963407ull;
	return noise >> 56;
}

/* Good packets with some bytes changed, cut somewhere: no read beyond, and always an end. */
static void test_damaged(void **state)
{
	(void)state;
	for (int turn = 0; turn < 200000; turn++) {
		const struct kind *kind = &kinds[(size_t)turn % ARRAY_SIZE(kinds)];
		enum link_layer link;
		struct bytes b;
		struct inside inside;
		struct packet p;

		b.size = 0;
		frame_link_layer(kind->dlt, &link);
		put_front(&b, kind->front, turn & 1);
		put_segment(&b, turn & 1, 5);
		for (int i = random_byte() % 6; i >= 0; i--)
			b.at[random_byte() % b.size] = random_byte();
		look(link, &b, random_byte() % (b.size + 1), &p, &inside);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(kinds), S(nested), S(too_deep), S(unread), S(fragments), S(damaged),
	};

	return cmocka_run_group_tests_name("tunnels", tests, NULL, NULL);
}
