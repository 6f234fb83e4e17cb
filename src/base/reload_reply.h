/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a process that asks for a reload hears how it went. It binds a datagram socket to a name that
 * the kernel chooses: abstract, five hexadecimal digits (unix(7), autobind). Its SIGHUP is sent by
 * sigqueue(3) and has these digits as value, together with RELOAD_WANTS_REPLY. The answer is a
 * datagram to that name: a number, 0 or a negative errno. A plain SIGHUP gets none.
 *
 * So there is no file or socket of the daemon's that could be left behind, be in the way, or need
 * permissions: who may send the signal may ask.
 */
#ifndef METRO_RELOAD_REPLY_H
#define METRO_RELOAD_REPLY_H

#include <stdbool.h>

#define RELOAD_WANTS_REPLY 0x4d500000 /* beside the 20 bits of the name */
#define RELOAD_NAME_MASK   0x000fffff
#define RELOAD_NAME_FORMAT "%05x" /* behind the zero byte that makes it abstract */

/* Does the value of a signal ask for an answer? */
static inline bool reload_wants_reply(int value)
{
	return (value & ~RELOAD_NAME_MASK) == RELOAD_WANTS_REPLY;
}

#endif
