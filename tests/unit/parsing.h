/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parser makes of a packet, and of every part of it. Include after cmocka.h. */
#ifndef METRO_TEST_PARSING_H
#define METRO_TEST_PARSING_H

#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "packets.h"

/* Parses an exact copy, so that AddressSanitizer sees every byte read beyond it. */
static inline enum packet_kind parse_cut(enum link_layer link, const struct bytes *b,
					 size_t captured, size_t wire, struct packet *p)
{
	__u8 *copy = malloc(captured ? captured : 1);
	enum packet_kind kind;
	struct inside inside;

	assert_non_null(copy);
	memcpy(copy, b->at, captured);
	kind = frame_parse(link, copy, captured, wire, p, &inside);
	free(copy);
	return kind;
}

static inline enum packet_kind parse(enum link_layer link, const struct bytes *b, struct packet *p)
{
	return parse_cut(link, b, b->size, b->size, p);
}

static inline enum packet_kind kind_of(const struct bytes *b)
{
	struct packet p;

	return parse(LINK_ETHERNET, b, &p);
}

/* As all that packets.h makes: from 10.0.0.1 or fd00::1, 40000, to .2, 443. */
static inline void assert_segment(enum link_layer link, const struct bytes *b, __u32 payload)
{
	struct address src = test_v4(1), dst = test_v4(2);
	struct packet p;

	assert_int_equal(parse(link, b, &p), PACKET_TCP);
	if (memcmp(&p.src, &src, sizeof(src))) {
		src = test_v6(1);
		dst = test_v6(2);
	}
	assert_memory_equal(&p.src, &src, sizeof(src));
	assert_memory_equal(&p.dst, &dst, sizeof(dst));
	assert_int_equal(p.sport, 40000);
	assert_int_equal(p.dport, 443);
	assert_int_equal(p.seq, 0x01020304);
	assert_int_equal(p.ack, 0x05060708);
	assert_int_equal(p.flags, TCP_ACK | TCP_PSH);
	assert_int_equal(p.payload, payload);
}

/* Every prefix of a good packet up to the end of the fixed TCP header is bad or something else;
 * from there on it gives the same as the whole. */
static inline void assert_prefixes(enum link_layer link, const struct bytes *b)
{
	size_t needed = b->tcp + 20;
	struct packet whole, p;

	assert_int_equal(parse(link, b, &whole), PACKET_TCP);
	for (size_t n = 0; n <= b->size; n++) {
		enum packet_kind kind = parse_cut(link, b, n, b->size, &p);

		if (n < needed) {
			assert_int_equal(kind, PACKET_BAD);
		} else {
			assert_int_equal(kind, PACKET_TCP);
			assert_int_equal(p.payload, whole.payload);
			assert_int_equal(p.seq, whole.seq);
		}
	}
}

static inline void assert_good(enum link_layer link, const struct bytes *b, __u32 payload)
{
	assert_segment(link, b, payload);
	assert_prefixes(link, b);
}

#define S(name) cmocka_unit_test(test_##name)

#endif
