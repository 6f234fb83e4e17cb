/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The side that serves whatever a client says in its header. */
#ifndef TCP_LOAD_SERVER_H
#define TCP_LOAD_SERVER_H

#include "options.h"

int run_server(const struct options *options, int epoll_fd, int stop_fd);

#endif
