/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capture filters, compiled and run as the kernel would, and packets to try them with. Include
 * after cmocka.h. */
#ifndef METRO_TEST_FILTERS_H
#define METRO_TEST_FILTERS_H

#include <net/if.h>
#include <pcap/pcap.h>

#include "instance_ports.h"
#include "packets.h"
#include "pcap_filter.h"
#include "some_links.h"

struct filter {
	struct config *config;
	struct peers *peers;
	int result;
	struct bpf_program program;
};

static inline struct filter filter_of_config(int dlt, struct config *config)
{
	struct filter f = {.config = config};
	pcap_t *pcap;

	assert_int_equal(peers_new(&f.peers, f.config, &some_links), 0);
	pcap = pcap_open_dead(dlt, 65535);
	assert_non_null(pcap);
	f.result = pcap_filter_compile(pcap, f.peers, peers_set_of(f.peers, 1), dlt == DLT_EN10MB,
				       &f.program);
	if (f.result < 0)
		fail_msg("%s", pcap_geterr(pcap));
	pcap_close(pcap);
	if (f.result == 1)
		assert_in_range(f.program.bf_len, 1, PCAP_FILTER_INSTRUCTIONS);
	return f;
}

static inline struct filter filter_of(int dlt, const char *const *texts, size_t count)
{
	struct config *config;

	assert_int_equal(config_from_arguments("lo", (char *const *)texts, count, &config), 0);
	return filter_of_config(dlt, config);
}

static inline struct filter filter_with_ports(const char *const *peers, size_t count,
					      const struct ports *ports)
{
	struct config *config;

	assert_int_equal(config_from_arguments("lo", (char *const *)peers, count, &config), 0);
	assert_int_equal(instance_set_ports(&config->instances[0], ports), 0);
	return filter_of_config(DLT_EN10MB, config);
}

static inline void filter_end(struct filter *f)
{
	pcap_freecode(&f->program);
	peers_free(f->peers);
	config_free(f->config);
}

static inline bool passes(const struct filter *f, const struct bytes *b)
{
	struct pcap_pkthdr header = {.caplen = b->size, .len = b->size};

	return pcap_offline_filter(&f->program, &header, b->at);
}

static inline void link_and_tags(struct bytes *b, int tags, __u16 tag_type, __u16 type)
{
	*b = (struct bytes){0};
	ethernet(b, tags ? tag_type : type);
	for (int i = tags; i > 0; i--)
		vlan(b, i == 1 ? type : ETHERTYPE_VLAN);
}

static inline struct bytes v4_packet(int tags, __u16 tag_type, __u8 protocol, const char *src,
				     const char *dst)
{
	struct address from, to;
	struct bytes b;

	assert_int_equal(address_parse(src, &from), 0);
	assert_int_equal(address_parse(dst, &to), 0);
	link_and_tags(&b, tags, tag_type, ETHERTYPE_IPV4);
	ipv4_between(&b, protocol, from.bytes + 12, to.bytes + 12);
	tcp(&b, 20, 10);
	return b;
}

static inline struct bytes v6_packet(int tags, __u16 tag_type, __u8 next, const char *src,
				     const char *dst)
{
	struct address from, to;
	struct bytes b;

	assert_int_equal(address_parse(src, &from), 0);
	assert_int_equal(address_parse(dst, &to), 0);
	link_and_tags(&b, tags, tag_type, ETHERTYPE_IPV6);
	ipv6_between(&b, next, &from, &to);
	if (next != PROTOCOL_TCP)
		extension(&b, PROTOCOL_TCP, 8);
	tcp(&b, 20, 10);
	return b;
}

#define ASSERT_PASSES(f, packet, expected)                                                         \
	do {                                                                                       \
		struct bytes b_ = packet;                                                          \
		if (passes(f, &b_) != (expected))                                                  \
			fail_msg("%s %s", #packet, expected ? "is held back" : "passes");          \
	} while (0)

#define S(name) cmocka_unit_test(test_##name)

/* Where there is no loopback interface, they are one that is skipped. */
#define run_filter_tests(name, tests)                                                              \
	({                                                                                         \
		int status_ = 0;                                                                   \
                                                                                                   \
		if (if_nametoindex("lo"))                                                          \
			status_ = cmocka_run_group_tests_name(name, tests, NULL, NULL);            \
		else                                                                               \
			print_message("1..1\nok 1 - " name " # SKIP no loopback interface\n");     \
		status_;                                                                           \
	})

#endif
