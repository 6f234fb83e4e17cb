/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A TCP socket that listens. */
#ifndef METRO_METRICS_SOCKET_H
#define METRO_METRICS_SOCKET_H

#include "prefix.h"

/* Returns a descriptor, which does not block, or -errno. */
int metrics_socket_listen(const struct address *addr, unsigned int port);

#endif
