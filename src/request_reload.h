/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks another bpf-metro to reload its configuration, and waits until it has. */
#ifndef METRO_REQUEST_RELOAD_H
#define METRO_REQUEST_RELOAD_H

#include <sys/types.h>

/* Returns 0, or -errno, reported: it did not, or did not answer within a minute. */
int request_reload(pid_t pid);

#endif
