/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capture filters of more peers and ports than one can name: what the kernel takes, in little time,
 * and still lets through what it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "filters.h"

#define MANY 160

/* The filter names the peers, or few networks that contain them all; others do not pass. */
static void test_many(void **state)
{
	static char names[MANY][32];
	const char *texts[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		if (i % 2)
			snprintf(names[i], sizeof(names[i]), "fd00:0:%x::/64", i);
		else
			snprintf(names[i], sizeof(names[i]), "10.0.%d.0/24", i);
		texts[i] = names[i];
	}
	for (size_t count = 1; count <= MANY; count += 13) {
		struct filter f = filter_of(DLT_EN10MB, texts, count);

		for (int tags = 0; tags <= 2; tags++) {
			for (size_t i = 0; i < count; i += 7) {
				char in[48];

				snprintf(in, sizeof(in), i % 2 ? "fd00:0:%zx::9" : "10.0.%zu.9", i);
				if (i % 2)
					ASSERT_PASSES(&f, v6_packet(tags, 0x8100, 0, in, "fd99::1"),
						      true);
				else
					ASSERT_PASSES(&f,
						      v4_packet(tags, 0x8100, 6, "10.9.9.9", in),
						      true);
			}
			ASSERT_PASSES(&f, v4_packet(tags, 0x8100, 6, "10.9.9.9", "10.9.9.8"),
				      false);
			ASSERT_PASSES(&f, v6_packet(tags, 0x8100, 6, "fd99::1", "fd99::2"), false);
			ASSERT_PASSES(&f, v4_packet(tags, 0x8100, 17, "10.9.9.9", "10.0.0.9"),
				      false);
			ASSERT_PASSES(&f, v6_packet(tags, 0x8100, 17, "fd99::1", "fd99::2"), false);
		}
		filter_end(&f);
	}
}

#define ADDRESSES 100000
#define BOUND_S   3 /* of CPU time; it takes a tenth */

/* libpcap would take hours to compile these. So networks that contain them pass. */
static void test_very_many(void **state)
{
	struct prefix *ips = calloc(ADDRESSES, sizeof(*ips));
	struct instance instance = {.interface = "lo", .ips = ips, .ips_count = ADDRESSES};
	struct config config = {.instances = &instance, .instances_count = 1};
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	struct filter f = {0};
	clock_t begin;

	(void)state;
	assert_non_null(ips);
	assert_non_null(pcap);
	srand(5);
	for (unsigned int i = 0; i < ADDRESSES; i++) {
		if (i % 2)
			address_set_v4(&ips[i].addr, htonl(0x0a000000 + (rand() & 0xffffff)));
		for (int j = 0; j < 16 && i % 2 == 0; j++)
			ips[i].addr.bytes[j] = j ? (__u8)rand() : 0xfd;
		ips[i].bits = PREFIX_BITS;
	}
	assert_int_equal(peers_new(&f.peers, &config, &some_links), 0);
	begin = clock();
	f.result = pcap_filter_compile(pcap, f.peers, peers_set_of(f.peers, 1), true, &f.program);
	assert_true(clock() - begin < BOUND_S * CLOCKS_PER_SEC);
	pcap_close(pcap);
	assert_int_equal(f.result, 1);
	assert_in_range(f.program.bf_len, 1, PCAP_FILTER_INSTRUCTIONS);
	for (unsigned int i = 0; i < ADDRESSES; i += 101) {
		char peer[ADDRESS_TEXT];
		int tags = (int)i % 3;

		address_format(&ips[i].addr, peer);
		if (i % 2) {
			ASSERT_PASSES(&f, v4_packet(tags, 0x8100, 6, peer, "11.9.9.9"), true);
			ASSERT_PASSES(&f, v4_packet(tags, 0x8100, 6, "11.9.9.9", peer), true);
		} else {
			ASSERT_PASSES(&f, v6_packet(tags, 0x8100, 6, peer, "2001:db8::1"), true);
			ASSERT_PASSES(&f, v6_packet(tags, 0x8100, 6, "2001:db8::1", peer), true);
		}
	}
	ASSERT_PASSES(&f, v4_packet(0, 0, 6, "11.9.9.9", "12.9.9.8"), false);
	ASSERT_PASSES(&f, v6_packet(0, 0, 6, "2001:db8::1", "2001:db8::2"), false);
	filter_end(&f);
	free(ips);
}

#define WORST 250

/* The worst prefixes for a compiled filter's size: filter_of looks at that. */
static void test_size(void **state)
{
	static char names[WORST][64];
	const char *texts[WORST];
	struct filter f;

	(void)state;
	for (int i = 0; i < WORST; i++) {
		snprintf(names[i], sizeof(names[i]), "fd%02x:%x:%x:%x:%x:%x:%x:%x/128", i, i, 3 * i,
			 5 * i, 7 * i, 9 * i, 11 * i, i);
		texts[i] = names[i];
	}
	f = filter_of(DLT_EN10MB, texts, WORST);
	filter_end(&f);
}

/* Too many are left out. With the worst peers, too, the kernel takes the filter. */
static void test_many_ports(void **state)
{
	static char names[WORST][64];
	const char *texts[WORST];

	(void)state;
	for (int i = 0; i < WORST; i++) {
		snprintf(names[i], sizeof(names[i]), "fd%02x:%x:%x:%x:%x:%x:%x:%x/128", i, i, 3 * i,
			 5 * i, 7 * i, 9 * i, 11 * i, i);
		texts[i] = names[i];
	}
	for (unsigned int count = 16; count <= 17; count++) {
		struct ports ports = {.count = count};
		struct filter f;

		for (unsigned int i = 0; i < count; i++)
			ports.at[i] =
				(struct port_range){(__u16)(1000 + 10 * i), (__u16)(1001 + 10 * i)};
		f = filter_with_ports((const char *[]){"10.0.0.2"}, 1, &ports);
		ASSERT_PASSES(&f, v4_packet(0, 0, 6, "10.0.0.1", "10.0.0.2"), count == 17);
		ASSERT_PASSES(&f, v4_packet(0, 0, 6, "10.0.0.1", "10.0.0.3"), false);
		filter_end(&f);
		f = filter_with_ports(texts, WORST, &ports);
		ASSERT_PASSES(&f, v6_packet(0, 0, 0, "fd00::", "2001:db8::1"), true);
		filter_end(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(many),
		S(very_many),
		S(size),
		S(many_ports),
	};

	return run_filter_tests("pcap_filter_size", tests);
}
