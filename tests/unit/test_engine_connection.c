/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How connections begin and end, from the handshake or in the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "scenario.h"

/* ---- beginnings ---- */

SCENARIO(handshake)
{
	sent_flags(l, 0, 0, 0, TCP_SYN);
	no_sample_flags(l, 20, 1, TCP_SYN | TCP_ACK);
	sent(l, 21, 1, 100);
	acked(l, 40, 101, 19);
}

SCENARIO(fast_open)
{
	sent_flags(l, 0, 0, 100, TCP_SYN);
	acked_flags(l, 20, 101, TCP_SYN | TCP_ACK, 20);
}

SCENARIO(fast_open_data_refused)
{
	sent_flags(l, 0, 0, 100, TCP_SYN);
	no_sample_flags(l, 20, 1, TCP_SYN | TCP_ACK);
	sent(l, 21, 1, 100);
	no_sample(l, 40, 101);
	sent(l, 50, 101, 100);
	acked(l, 60, 201, 10);
}

SCENARIO(fast_open_sent_again)
{
	sent_flags(l, 0, 0, 100, TCP_SYN);
	sent_flags(l, 1000, 0, 0, TCP_SYN); /* without data now */
	no_sample_flags(l, 1020, 1, TCP_SYN | TCP_ACK);
	sent(l, 1021, 1, 100);
	no_sample(l, 1040, 101);
}

/* The port is reused with another initial number: the old connection's marks mean nothing. */
SCENARIO(port_used_again)
{
	static const __u32 isn[] = {1u << 20, 0x7fffff00u, 0x80000100u, 0xfff00000u};

	for (size_t i = 0; i < ARRAY_SIZE(isn); i++) {
		sent(l, 0, 0, 100);
		sent(l, 0, 100, 100);
		sent_flags(l, 1000, isn[i], 0, TCP_SYN);
		no_sample_flags(l, 1020, isn[i] + 1, TCP_SYN | TCP_ACK);
		sent(l, 1030, isn[i] + 1, 100);
		acked(l, 1050, isn[i] + 101, 20);
		sent_flags(l, 2000, 0xffffffff, 0, TCP_SYN);
	}
}

SCENARIO(port_used_again_with_fast_open)
{
	sent(l, 0, 0, 100);
	sent_flags(l, 1000, 1 << 20, 50, TCP_SYN);
	acked_flags(l, 1020, (1 << 20) + 51, TCP_SYN | TCP_ACK, 20);
}

SCENARIO(syn_sent_again_is_the_same_connection)
{
	sent_flags(l, 0, 0, 100, TCP_SYN);
	sent(l, 5, 101, 100);
	sent_flags(l, 10, 0, 0, TCP_SYN);
	acked(l, 20, 201, 15);
}

/* The capture starts in the middle, with older data in flight. */
SCENARIO(first_ack_is_below_the_first_segment)
{
	sent(l, 0, 500, 100);
	no_sample(l, 5, 300);
	no_sample(l, 6, 500);
	acked(l, 20, 600, 20);
}

SCENARIO(first_ack_inside_the_first_segment)
{
	sent(l, 0, 500, 100);
	no_sample(l, 5, 550);
	acked(l, 20, 600, 20);
}

/* The ACK after the first comes from below what was seen: still caused by the newest segment. */
SCENARIO(older_data_and_first_segment_acknowledged_at_once)
{
	sent(l, 0, 500, 100);
	no_sample(l, 5, 300);
	acked(l, 20, 600, 20);
}

/* .. but not if some of the older data was sent again. */
SCENARIO(older_data_sent_again_before_the_first_ack)
{
	sent(l, 0, 500, 100);
	sent(l, 1, 200, 100);
	no_sample(l, 5, 200);
	sent(l, 6, 600, 100);
	no_sample(l, 20, 700);
}

/* ---- ends of a connection ---- */

SCENARIO(fin_with_data)
{
	sent_flags(l, 0, 0, 100, DATA | TCP_FIN);
	acked(l, 20, 101, 20);
}

SCENARIO(fin_with_data_not_yet_acknowledged)
{
	sent_flags(l, 0, 0, 100, DATA | TCP_FIN);
	acked(l, 20, 100, 20);
	no_sample(l, 30, 101);
}

SCENARIO(bare_fin)
{
	sent(l, 0, 0, 100);
	acked(l, 20, 100, 20);
	sent_flags(l, 30, 100, 0, TCP_ACK | TCP_FIN);
	no_sample(l, 50, 101);
	assert_int_equal(line_counter(l, COUNTER_ACKS_UNSEEN), 0);
}

/* One ACK for both was caused by the FIN, which may have come much later than the data. */
SCENARIO(bare_fin_behind_data)
{
	sent(l, 0, 0, 100);
	sent_flags(l, 5, 100, 0, TCP_ACK | TCP_FIN);
	no_sample(l, 20, 101);
}

SCENARIO(data_acknowledged_before_its_bare_fin)
{
	sent(l, 0, 0, 100);
	sent_flags(l, 5, 100, 0, TCP_ACK | TCP_FIN);
	acked(l, 20, 100, 20);
	no_sample(l, 25, 101);
}

SCENARIO(fin_sent_again)
{
	sent(l, 0, 0, 100);
	sent_flags(l, 5, 100, 0, TCP_ACK | TCP_FIN);
	sent_flags(l, 200, 100, 0, TCP_ACK | TCP_FIN);
	acked(l, 210, 100, 210);
	no_sample(l, 220, 101);
}

SCENARIO(fin_with_data_sent_again)
{
	sent_flags(l, 0, 0, 100, DATA | TCP_FIN);
	sent_flags(l, 200, 0, 100, DATA | TCP_FIN);
	no_sample(l, 220, 101);
}

SCENARIO(simultaneous_close)
{
	sent(l, 0, 0, 100);
	sent_flags(l, 5, 100, 0, TCP_ACK | TCP_FIN);
	no_sample_flags(l, 6, 0, TCP_ACK | TCP_FIN);
	no_sample(l, 20, 101);
}

SCENARIO(fin_of_the_peer_acknowledges)
{
	sent(l, 0, 0, 100);
	acked_flags(l, 20, 100, TCP_ACK | TCP_FIN, 20);
}

SCENARIO(half_closed_goes_on)
{
	sent(l, 0, 0, 100);
	acked_flags(l, 20, 100, TCP_ACK | TCP_FIN, 20);
	sent(l, 30, 100, 100);
	acked(l, 45, 200, 15);
}

SCENARIO(reset_is_no_ack)
{
	sent(l, 0, 0, 100);
	no_sample_flags(l, 20, 100, TCP_ACK | TCP_RST);
	no_sample_flags(l, 21, 0, TCP_RST);
}

SCENARIO(own_reset_sends_no_data)
{
	sent(l, 0, 0, 100);
	acked(l, 10, 100, 10);
	sent_flags(l, 20, 100, 30, TCP_RST | TCP_ACK);
	no_sample(l, 30, 130);
	assert_int_equal(line_counter(l, COUNTER_FLOWS), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(handshake),
		S(fast_open),
		S(fast_open_data_refused),
		S(fast_open_sent_again),
		S(port_used_again),
		S(port_used_again_with_fast_open),
		S(syn_sent_again_is_the_same_connection),
		S(first_ack_is_below_the_first_segment),
		S(first_ack_inside_the_first_segment),
		S(older_data_and_first_segment_acknowledged_at_once),
		S(older_data_sent_again_before_the_first_ack),
		S(fin_with_data),
		S(fin_with_data_not_yet_acknowledged),
		S(bare_fin),
		S(bare_fin_behind_data),
		S(data_acknowledged_before_its_bare_fin),
		S(fin_sent_again),
		S(fin_with_data_sent_again),
		S(simultaneous_close),
		S(fin_of_the_peer_acknowledges),
		S(half_closed_goes_on),
		S(reset_is_no_ack),
		S(own_reset_sends_no_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
