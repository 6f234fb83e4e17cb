/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shared handle's filter lets the measured interfaces through and, as far as it has room, no
 * others; and its packets say where and which way they went. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/filter.h>
#include <linux/if_packet.h>

#include "array.h"
#include "packet.h"
#include "pcap_shared.h"

#define SNAPLEN 512
#define PEERS   77 /* what the peers' part returns */

static struct bpf_insn program[PCAP_SHARED_INSTRUCTIONS];
static struct bpf_insn peers_part[PCAP_SHARED_INSTRUCTIONS] = {{BPF_RET | BPF_K, 0, 0, PEERS}};
static struct pcap_shared_peers peers = {
	.program = {.bf_len = 1, .bf_insns = peers_part}, .any = true, .snaplen = SNAPLEN};

/* What the kernel makes of the program, of instructions that are used in front of the peers. */
static __u32 run(size_t count, __u32 ifindex, __u16 protocol)
{
	__u32 a = 0;

	for (size_t pc = 0; pc < count; pc++) {
		const struct bpf_insn *i = &program[pc];
		bool yes;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_int_equal(i->k, (__u32)(SKF_AD_OFF + SKF_AD_IFINDEX));
			a = ifindex;
			continue;
		case BPF_LD | BPF_H | BPF_ABS:
			assert_int_equal(i->k, (__u32)(SKF_AD_OFF + SKF_AD_PROTOCOL));
			a = protocol;
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			continue;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		default:
			fail_msg("instruction %zu: code %x", pc, i->code);
			return 0;
		}
		pc += yes ? i->jt : i->jf;
	}
	fail_msg("ran out of the program");
	return 0;
}

static bool has(const __u32 *indices, size_t count, __u32 index)
{
	for (size_t i = 0; i < count; i++)
		if (indices[i] == index)
			return true;
	return false;
}

/* Random interfaces, in rows and scattered. */
static void test_interfaces(void **state)
{
	__u32 indices[400];

	(void)state;
	srand(1);
	for (int round = 0; round < 200; round++) {
		size_t count = 1 + (size_t)rand() % 200, length;
		__u32 at = 1;

		for (size_t i = 0; i < count; i++)
			indices[i] = at += 1 + (__u32)(rand() % 4 ? 0 : rand() % 50);
		length = pcap_shared_program(program, indices, count, &peers);
		assert_true(length <= PCAP_SHARED_INSTRUCTIONS);
		for (__u32 index = 0; index < at + 3; index++)
			assert_int_equal(run(length, index, ETHERTYPE_IPV4),
					 has(indices, count, index) ? PEERS : 0);
	}
}

/* More of them than there is room for: some others are let through, and user space is there. */
static void test_many(void **state)
{
	__u32 indices[2000];
	size_t length, others = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(indices); i++)
		indices[i] = (__u32)(10 * (ARRAY_SIZE(indices) - i));
	length = pcap_shared_program(program, indices, ARRAY_SIZE(indices), &peers);
	assert_true(length <= PCAP_SHARED_INSTRUCTIONS);
	for (size_t i = 0; i < ARRAY_SIZE(indices); i++)
		assert_int_equal(run(length, indices[i], ETHERTYPE_IPV6), PEERS);
	for (__u32 index = 0; index < 30000; index++)
		others += index % 10 && run(length, index, ETHERTYPE_IPV4);
	assert_true(others > 0);
	assert_int_equal(run(length, 9, ETHERTYPE_IPV4), 0);
	assert_int_equal(run(length, 20001, ETHERTYPE_IPV4), 0);
}

static void test_protocols(void **state)
{
	static const __u16 headers[] = {ETHERTYPE_VLAN, ETHERTYPE_QINQ, ETHERTYPE_QINQ_1,
					ETHERTYPE_MPLS, ETHERTYPE_PPPOE};
	size_t length = pcap_shared_program(program, (__u32[]){7}, 1, &peers);

	(void)state;
	assert_int_equal(run(length, 7, ETHERTYPE_IPV4), PEERS);
	assert_int_equal(run(length, 7, ETHERTYPE_IPV6), PEERS);
	assert_int_equal(run(length, 7, 0x0806), 0);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		assert_int_equal(run(length, 7, headers[i]), SNAPLEN);
		assert_int_equal(run(length, 8, headers[i]), 0);
	}
}

static void test_nothing(void **state)
{
	struct pcap_shared_peers none = {.snaplen = SNAPLEN};

	(void)state;
	assert_int_equal(run(pcap_shared_program(program, (__u32[]){7}, 1, &none), 7, 0x800), 0);
	assert_int_equal(run(pcap_shared_program(program, NULL, 0, &peers), 7, 0x800), 0);
}

/* No room for the peers' part: everything of the interfaces is let through. */
static void test_no_room(void **state)
{
	struct pcap_shared_peers large = peers;
	size_t length;

	(void)state;
	large.program.bf_len = PCAP_SHARED_INSTRUCTIONS;
	length = pcap_shared_program(program, (__u32[]){7}, 1, &large);
	assert_int_equal(run(length, 7, ETHERTYPE_IPV4), SNAPLEN);
	assert_int_equal(run(length, 6, ETHERTYPE_IPV4), 0);
}

#define COOKED(protocol, type)                                                                     \
	(protocol) >> 8, (protocol)&0xff, 0, 0, 0, 0, 0x12, 0x34, 0, 1, type, 6, 2, 0, 0, 0, 0, 1, \
		0, 0

static void test_packets(void **state)
{
	const __u8 arrives[] = {COOKED(ETHERTYPE_IPV4, PACKET_OTHERHOST), 0x45, 0, 0, 40};
	const __u8 leaves[] = {COOKED(ETHERTYPE_IPV6, PACKET_OUTGOING), 0x60, 0, 0, 0};
	const __u8 tagged[] = {COOKED(ETHERTYPE_VLAN, PACKET_OUTGOING), 0, 5, 8, 0, 0x45};
	const __u8 lacking[] = {COOKED(ETHERTYPE_VLAN, PACKET_OUTGOING), 0x45, 0, 0, 40};
	struct pcap_pkthdr header = {.caplen = sizeof(arrives), .len = 100};
	struct shared_packet packet;

	(void)state;
	assert_true(pcap_shared_packet(arrives, &header, &packet));
	assert_int_equal(packet.ifindex, 0x1234);
	assert_false(packet.leaves);
	assert_null(packet.ip);
	assert_true(pcap_shared_packet(leaves, &header, &packet));
	assert_true(packet.leaves);
	header.caplen = sizeof(tagged);
	assert_true(pcap_shared_packet(tagged, &header, &packet));
	assert_null(packet.ip);
	header.caplen = sizeof(lacking);
	assert_true(pcap_shared_packet(lacking, &header, &packet));
	assert_ptr_equal(packet.ip, lacking + 20);
	assert_int_equal(packet.captured, 4);
	assert_int_equal(packet.wire_length, 80);
	header.caplen = 19;
	assert_false(pcap_shared_packet(arrives, &header, &packet));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interfaces), cmocka_unit_test(test_many),
		cmocka_unit_test(test_protocols),  cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_no_room),    cmocka_unit_test(test_packets),
	};

	return cmocka_run_group_tests_name("pcap_shared", tests, NULL, NULL);
}
