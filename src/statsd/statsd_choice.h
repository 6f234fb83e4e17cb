/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which StatsD server: chosen from the configuration and from the environment variables that
 * Datadog's clients know.
 */
#ifndef METRO_STATSD_CHOICE_H
#define METRO_STATSD_CHOICE_H

#include "config.h"
#include "statsd_server.h"

/*
 * The first of these that is given: statsd_socket; statsd_ip with statsd_port (or 8125);
 * DD_DOGSTATSD_URL; DD_AGENT_HOST with DD_DOGSTATSD_PORT; 127.0.0.1:8125. With statsd_port alone
 * the host comes from DD_AGENT_HOST. Empty variables count as not set. Returns 0 or -EINVAL,
 * reported under the name of the key or variable that is wrong.
 */
int statsd_server_choose(struct statsd_server *server, const struct config *config);

#endif
