/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Datagrams on standard output: as they came, or one metric a line. */
#ifndef METRO_STATSD_LISTEN_PRINT_H
#define METRO_STATSD_LISTEN_PRINT_H

#include <stddef.h>

/* After a line "-- datagram LENGTH". */
void print_raw(const char *datagram, size_t length);

/* With the time. Changes the buffer, which has room for one byte more than length. */
void print_metrics(char *datagram, size_t length);

#endif
