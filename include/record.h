/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What crosses from the engine to user space: the samples of one flow, many at a time; or none, if
 * only something was sent again. The same record comes out of the BPF ring buffer and out of the
 * libpcap backend.
 */
#ifndef METRO_RECORD_H
#define METRO_RECORD_H

#include "address.h"
#include "interface_number.h"

/*
 * One direction of one TCP connection as seen on one interface: data from local to peer, ACKs back.
 * Ports are in host byte order. ifindex is an interface number, which tells the way, too; 0 is a
 * capture file.
 */
struct flow_key {
	struct address local;
	struct address peer;
	__u16 local_port;
	__u16 peer_port;
	__u32 ifindex;
};

/*
 * Times are kept in ticks of 64 ns: 31 bits of them reach 137 s, twice the longest RTT that is
 * reported, in four bytes a mark (see marks.h). An RTT is the difference of two truncated times, so
 * its error is below one tick and zero on average.
 */
#define TICK_SHIFT    6
#define TICK_NS       (1 << TICK_SHIFT)

#define BATCH_MAX     14 /* samples in one record: what fits into the flow's two cache lines */

#define RECORDS_BYTES (1024 * 1024) /* size of the ring buffer; a power of two, of whole pages */

enum record_flags {
	RECORD_HAS_PREVIOUS = 1, /* rtt[0] is a sample already reported, kept for the jitter */
	RECORD_HANDSHAKE = 2,    /* rtt[1], the only one, is not a sample but the time from a SYN to
				    its SYN-ACK, or from a SYN-ACK to its ACK */
};

struct flow_record {
	struct flow_key key;
	__u64 time_ns;         /* arrival of the last sample's ACK, clock of the backend */
	__u8 count;            /* samples in rtt[1] .. rtt[count] */
	__u8 flags;            /* enum record_flags */
	__u16 retransmissions; /* segments sent again since the previous record; stops at 65535 */
	__u32 rtt[1 +
		  BATCH_MAX]; /* ticks, in order of arrival; rtt[0]: the sample before the first */
};

/* Bytes of a record that holds count samples. */
#define FLOW_RECORD_SIZE(count) (offsetof(struct flow_record, rtt) + (1 + (count)) * sizeof(__u32))

#endif
