/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is remembered about one direction of one connection: where its sequence numbers stand, the
 * outstanding segments (marks) and the samples that wait to be sent to user space (batch). 384
 * bytes with the default of 32 marks.
 */
#ifndef METRO_FLOW_H
#define METRO_FLOW_H

#include "record.h"

/*
 * An outstanding segment: the sequence number after its last byte, and when it left, in ticks (see
 * record.h), shifted left by one. Bit 0 of when means that segments sent after this one and before
 * the next mark are not remembered: then only an ACK that ends exactly here was certainly caused by
 * this segment.
 */
struct mark {
	__u32 end;
	__u32 when;
};

#define MARK_GAP      1u

#define MARKS_MIN     8
#define MARKS_DEFAULT 32
/* The BPF verifier walks every loop over the marks, and allows a million instructions: 64 marks
 * take up to 0.35 million of them, 128 up to 0.83 million (clang 14 and 19, Linux 6.18); Linux
 * 5.10.46 has 0.95 million for 64. */
#define MARKS_MAX_BPF 64
#define MARKS_MAX     32768

enum flow_flags {
	FLOW_OPEN = 1,       /* the fields below are set; a new entry is all zeroes */
	FLOW_UNA_KNOWN = 2,  /* an ACK has been seen */
	FLOW_ENDED = 4,      /* FIN or RST seen, from either side */
	FLOW_PREVIOUS = 8,   /* rtt[0] holds the last sample of the previous batch */
	FLOW_LAST_SENT = 16, /* our FIN was sent: nxt is after it */
	FLOW_STRAY = 32,     /* the last data was far outside the window */
	FLOW_TIMED = 64,     /* srtt and rttvar are set */
	FLOW_PEER_NXT = 128, /* peer_nxt is set */
};

struct flow {
	flow_lock lock; /* kernel only: packets of a flow can be on two CPUs at once */
	__u32 tag;      /* flow_tag of the key; beside the lock, for both are looked at in one */

	/* Names as in RFC 9293, 3.3.1 where it has one. */
	__u32 una;   /* highest ACK seen */
	__u32 end;   /* after the highest byte of data seen */
	__u32 nxt;   /* after the highest number used: as end, but FIN counts, too */
	__u32 karn;  /* ACKs that pass this number from below it are ambiguous (engine.h) */
	__u32 first; /* first number after the ISN, or first seen: recognises a new connection */

	__u16 head;  /* place of the oldest mark; the ring is used modulo its size */
	__u16 count; /* marks in the ring, in rising order of end */

	__u8 flags;
	__u8 batch_count;      /* samples in rtt[1] .. rtt[batch_count] */
	__u16 retransmissions; /* not yet reported; stops at 65535 */

	__u32 last;     /* newest segment sent or new data acknowledged, as flow_clock has it */
	__u32 stride;   /* bytes that the last ACK newly covered */
	__u32 peer_nxt; /* RCV.NXT: what the local side last acknowledged */

	/* RFC 6298, 2, in units of flow_clock: to judge whether a sample is plausible
	 * (flow_believes). */
	__u16 srtt;
	__u16 rttvar;
	__u16 late;  /* the previous ACK's time, if it came too late to be a sample; else 0 */
	__u16 stray; /* upper half of where the last data far outside the window began */

	__u64 batch_last_ns; /* arrival of the ACK of the last sample */
	__u32 batch_first;   /* arrival of the ACK of rtt[1], in ticks */
	__u32 rtt[1 + BATCH_MAX];

	struct mark marks[];
};

/* The clock for idle times: units of 1.05 ms, modulo 52 days. */
#define CLOCK_SHIFT       20
#define CLOCK_TICKS_SHIFT (CLOCK_SHIFT - TICK_SHIFT)
static __always_inline __u32 flow_clock(__u64 now_ns)
{
	return (__u32)(now_ns >> CLOCK_SHIFT);
}

/* The product of two words that go into the tag; the constants are digits of pi. The sums have 33
 * bits, so that no factor is ever 0, which would make the other word irrelevant. */
static __always_inline __u64 flow_tag_pair(__u32 a, __u32 b, __u32 i)
{
	const __u32 pi[] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822,
			    0x299f31d0, 0x082efa98, 0xec4e6c89, 0x452821e6, 0x38d01377};

	return ((__u64)a + pi[i]) * ((__u64)b + pi[i + 1]);
}

/*
 * A hash of the key in which every word counts: a sum of products (as NH of UMAC, RFC 4418, 5.2.2),
 * whose multiplications do not wait for each other. Its low bits depend on few words.
 */
static __always_inline __u64 flow_sum(const struct flow_key *key)
{
	const __u32 *l = key->local.words, *p = key->peer.words;
	__u32 ports = (__u32)key->local_port << 16 | key->peer_port;

	return flow_tag_pair(ports, p[3], 0) + flow_tag_pair(l[3], key->ifindex, 2) +
	       flow_tag_pair(p[0], p[1], 4) + flow_tag_pair(p[2], l[2], 6) +
	       flow_tag_pair(l[0], l[1], 8);
}

/*
 * It stands for the key where that would be too long: in a slot of the kernel's table, which is
 * reused without a grace period, so that a CPU that has just found it may find another flow in it;
 * and for connections that have just ended (closed.h). Never 0. One in 2^32 pairs of keys has the
 * same tag.
 */
static __always_inline __u32 flow_tag(const struct flow_key *key)
{
	__u32 tag = flow_sum(key) * 0x9e3779b97f4a7c15ull >> 32;

	return tag + !tag;
}

#define FLOW_SIZE(marks) (sizeof(struct flow) + (marks) * sizeof(struct mark))

_Static_assert(sizeof(struct flow) == 128, "two cache lines in front of the marks");
_Static_assert(MARKS_MAX <= 0xffff, "count has 16 bits");

#endif
