/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The capabilities that a thread has, as sets of bits, and how it gives them up. */
#ifndef METRO_CAPABILITIES_H
#define METRO_CAPABILITIES_H

#include "types.h"

#define CAPABILITIES_TEXT 1024

/* The set that has one alone: CAP_.. of capabilities(7). */
#define CAPABILITY(number) (1ULL << (number))

/* What the thread may use. Returns 0 or -errno. */
int capabilities_read(__u64 *permitted);

/* The thread keeps these of what it has and loses all others for good, also what a program that it
 * starts would inherit. Of those kept it uses the effective ones until it says otherwise, by the
 * same call. Returns 0 or -errno. */
int capabilities_keep(__u64 permitted, __u64 effective);

/* Nothing that is started from here on can gain any. Takes CAP_SETPCAP: without, it is left as it
 * is. */
void capabilities_empty_bounding_set(void);

/* Their names with commas between, "none" if there are none. */
const char *capabilities_text(__u64 set, char text[CAPABILITIES_TEXT]);

#endif
