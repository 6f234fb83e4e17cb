/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The capture filter, compiled and run as the kernel would: what must pass, and what must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "filters.h"

static const __u16 tag_types[] = {ETHERTYPE_VLAN, ETHERTYPE_QINQ, ETHERTYPE_QINQ_1};

static void check_v4(const struct filter *f, const char *peer, const char *other, int tags,
		     __u16 type)
{
	const char *us = "10.1.1.1";

	ASSERT_PASSES(f, v4_packet(tags, type, PROTOCOL_TCP, us, peer), true);
	ASSERT_PASSES(f, v4_packet(tags, type, PROTOCOL_TCP, peer, us), true);
	ASSERT_PASSES(f, v4_packet(tags, type, PROTOCOL_TCP, us, other), false);
	ASSERT_PASSES(f, v4_packet(tags, type, PROTOCOL_TCP, other, us), false);
	ASSERT_PASSES(f, v4_packet(tags, type, 17, us, peer), false);
	ASSERT_PASSES(f, v4_packet(tags, type, 1, peer, us), false);
}

static void check_v6(const struct filter *f, const char *peer, const char *other, int tags,
		     __u16 type)
{
	static const __u8 extensions[] = {PROTOCOL_TCP,      PROTOCOL_HOP_BY_HOP,
					  PROTOCOL_ROUTING,  PROTOCOL_DESTINATION,
					  PROTOCOL_FRAGMENT, PROTOCOL_AH};
	const char *us = "2001:db8:1::1";

	for (size_t i = 0; i < sizeof(extensions); i++) {
		ASSERT_PASSES(f, v6_packet(tags, type, extensions[i], us, peer), true);
		ASSERT_PASSES(f, v6_packet(tags, type, extensions[i], peer, us), true);
		ASSERT_PASSES(f, v6_packet(tags, type, extensions[i], us, other), false);
	}
	ASSERT_PASSES(f, v6_packet(tags, type, 17, us, peer), false);
	ASSERT_PASSES(f, v6_packet(tags, type, 58, peer, us), false);
}

static void each_tagging(const struct filter *f, const char *peer, const char *other,
			 void (*check)(const struct filter *, const char *, const char *, int,
				       __u16))
{
	check(f, peer, other, 0, 0);
	for (int tags = 1; tags <= 2; tags++)
		for (size_t t = 0; t < ARRAY_SIZE(tag_types); t++)
			check(f, peer, other, tags, tag_types[t]);
}

static void test_v4_host(void **state)
{
	struct filter f = filter_of(DLT_EN10MB, (const char *[]){"10.0.0.2"}, 1);

	(void)state;
	assert_int_equal(f.result, 1);
	each_tagging(&f, "10.0.0.2", "10.0.0.3", check_v4);
	filter_end(&f);
}

static void test_v4_networks(void **state)
{
	static const struct {
		const char *net, *in, *out;
	} cases[] = {
		{"10.2.0.0/15", "10.3.255.255", "10.4.0.0"},
		{"192.168.0.0/16", "192.168.0.0", "192.169.0.0"},
		{"10.0.0.2/31", "10.0.0.3", "10.0.0.4"},
		{"128.0.0.0/1", "255.1.2.3", "9.0.0.1"},
		{"10.0.0.4/32", "10.0.0.4", "10.0.0.5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter f = filter_of(DLT_EN10MB, &cases[i].net, 1);

		each_tagging(&f, cases[i].in, cases[i].out, check_v4);
		filter_end(&f);
	}
}

static void test_v6_peers(void **state)
{
	static const struct {
		const char *net, *in, *out;
	} cases[] = {
		{"fd00::2", "fd00::2", "fd00::3"},
		{"fd00:1:2::/48", "fd00:1:2:ffff::9", "fd00:1:3::"},
		{"fd00::2/127", "fd00::3", "fd00::4"},
		{"fc00::/7", "fdff::1", "fe00::1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter f = filter_of(DLT_EN10MB, &cases[i].net, 1);

		each_tagging(&f, cases[i].in, cases[i].out, check_v6);
		/* an IPv6 peer lets no IPv4 through */
		ASSERT_PASSES(&f, v4_packet(0, 0, PROTOCOL_TCP, "10.0.0.1", "10.0.0.2"), false);
		filter_end(&f);
	}
}

/* Everyone: of one family each. */
static void test_all(void **state)
{
	struct filter four = filter_of(DLT_EN10MB, (const char *[]){"0.0.0.0/0"}, 1);
	struct filter six = filter_of(DLT_EN10MB, (const char *[]){"::/0"}, 1);

	(void)state;
	for (int tags = 0; tags <= 2; tags++) {
		ASSERT_PASSES(&four, v4_packet(tags, 0x8100, 6, "10.0.0.1", "10.0.0.2"), true);
		ASSERT_PASSES(&four, v6_packet(tags, 0x8100, 6, "fd00::1", "fd00::2"), false);
		ASSERT_PASSES(&six, v6_packet(tags, 0x8100, 6, "fd00::1", "fd00::2"), true);
		ASSERT_PASSES(&six, v6_packet(tags, 0x8100, 0, "fd00::1", "fd00::2"), true);
		ASSERT_PASSES(&six, v4_packet(tags, 0x8100, 6, "10.0.0.1", "10.0.0.2"), false);
		ASSERT_PASSES(&six, v6_packet(tags, 0x8100, 17, "fd00::1", "fd00::2"), false);
	}
	filter_end(&four);
	filter_end(&six);
}

/* What memory holds after the last byte of a prefix is not part of it. */
static void test_padding(void **state)
{
	static const size_t end = offsetof(struct prefix, bits) + 1;
	char names[100][16];
	const char *texts[ARRAY_SIZE(names)];
	struct config *config;
	struct filter f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(names[i], sizeof(names[i]), "10.0.%zu.2", i);
		texts[i] = names[i];
	}
	assert_int_equal(
		config_from_arguments("lo", (char *const *)texts, ARRAY_SIZE(texts), &config), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		memset((char *)&config->instances[0].ips[i] + end, (int)i,
		       sizeof(struct prefix) - end);
	alarm(60);
	f = filter_of_config(DLT_EN10MB, config);
	alarm(0);
	each_tagging(&f, "10.0.99.2", "10.1.0.2", check_v4);
	filter_end(&f);
}

static void test_no_peers(void **state)
{
	struct filter f = filter_of(DLT_EN10MB, (const char *[]){"some.host.example"}, 1);

	(void)state;
	assert_int_equal(f.result, 0);
	filter_end(&f);
}

/* Interfaces that have no Ethernet header: tun, WireGuard, PPP. */
static void test_bare_ip(void **state)
{
	struct filter f = filter_of(DLT_RAW, (const char *[]){"10.0.0.2", "fd00::/64"}, 2);
	struct bytes b = v4_packet(0, 0, PROTOCOL_TCP, "10.0.0.1", "10.0.0.2");

	(void)state;
	memmove(b.at, b.at + 14, b.size -= 14);
	assert_true(passes(&f, &b));
	filter_end(&f);
}

/* ---- ports: packets of packets.h are from 40000 to 443 ---- */

static void test_ports(void **state)
{
	static const struct {
		struct ports ports;
		bool pass;
	} cases[] = {
		{{1, {{443, 443}}}, true},
		{{1, {{40000, 40000}}}, true},
		{{2, {{22, 22}, {442, 443}}}, true},
		{{1, {{39999, 40001}}}, true},
		{{1, {{22, 22}}}, false},
		{{3, {{1, 442}, {444, 39999}, {40001, 65535}}}, false},
	};
	static const char *const peers[] = {"10.0.0.2", "fd00::2"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter f = filter_with_ports(peers, 2, &cases[i].ports);
		bool pass = cases[i].pass;

		for (int tags = 0; tags <= 2; tags++) {
			ASSERT_PASSES(&f, v4_packet(tags, 0x8100, 6, "10.0.0.2", "10.0.0.1"), pass);
			ASSERT_PASSES(&f, v4_packet(tags, 0x8100, 6, "10.0.0.1", "10.0.0.2"), pass);
			ASSERT_PASSES(&f, v4_packet(tags, 0x8100, 6, "10.0.0.1", "10.0.0.3"),
				      false);
			ASSERT_PASSES(&f, v6_packet(tags, 0x8100, 6, "fd00::1", "fd00::2"), pass);
			ASSERT_PASSES(&f, v6_packet(tags, 0x8100, 6, "fd00::1", "fd00::3"), false);
			/* Where libpcap does not find the ports, user space does. */
			ASSERT_PASSES(&f, v6_packet(tags, 0x8100, 0, "fd00::1", "fd00::2"), true);
		}
		filter_end(&f);
	}
}

/* Of two instances on one interface, one takes all ports. */
static void test_ports_of_some(void **state)
{
	struct ports ssh = {1, {{22, 22}}}, https = {1, {{443, 443}}};
	struct prefix all = {.bits = ADDRESS_V4_PREFIX}, one;
	struct instance instances[] = {
		{.interface = "lo", .ips = &all, .ips_count = 1, .ports = &ssh},
		{.interface = "lo", .ips = &one, .ips_count = 1},
		{.interface = "eth0",
		 .ips = &all,
		 .ips_count = 1,
		 .ports = &https,
		 .ports_list = 1},
	};
	const struct config config = {.instances = instances, .instances_count = 3};
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	struct filter f = {0};

	(void)state;
	address_set_v4(&all.addr, 0);
	assert_int_equal(prefix_parse("10.0.0.2", &one), 0);
	assert_int_equal(peers_new(&f.peers, &config, &some_links), 0);
	f.result = pcap_filter_compile(pcap, f.peers, peers_set_of(f.peers, 1), true, &f.program);
	assert_int_equal(f.result, 1);
	ASSERT_PASSES(&f, v4_packet(1, 0x8100, 6, "10.0.0.1", "10.0.0.2"), true);
	ASSERT_PASSES(&f, v4_packet(1, 0x8100, 6, "10.0.0.1", "10.0.0.3"), false);
	pcap_freecode(&f.program);
	f.result = pcap_filter_compile(pcap, f.peers, peers_set_of(f.peers, 2), true, &f.program);
	assert_int_equal(f.result, 1);
	ASSERT_PASSES(&f, v4_packet(1, 0x8100, 6, "10.0.0.1", "10.0.0.3"), true);
	pcap_close(pcap);
	filter_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(v4_host), S(v4_networks), S(v6_peers), S(all),           S(no_peers),
		S(bare_ip), S(padding),     S(ports),    S(ports_of_some),
	};

	return run_filter_tests("pcap_filter", tests);
}
