/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Goes through the places that may name a server, in their order, and says which one won. */
#include "statsd_choice.h"

#include <stdlib.h>
#include <string.h>

#define IN_ENVIRONMENT "environment variable "

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* port: the configuration's, 0 if none. DD_AGENT_HOST may have any form that datadog-go accepts. */
static int choose_agent_host(struct statsd_server *server, unsigned int port, const char **key,
			     char reason[STATSD_REASON])
{
	const char *host = environment("DD_AGENT_HOST");
	const char *text = environment("DD_DOGSTATSD_PORT");
	int err = 0;

	*key = IN_ENVIRONMENT "DD_DOGSTATSD_PORT";
	if (!port && text)
		err = statsd_port_parse(&port, text, reason);
	if (err)
		return err;
	*key = IN_ENVIRONMENT "DD_AGENT_HOST";
	if (!host)
		return statsd_server_parse_host(server, "127.0.0.1", port, reason);
	if (strstr(host, "://"))
		return statsd_server_parse_url(server, host, reason);
	return statsd_server_parse_endpoint(server, host, port, reason);
}

static int choose(struct statsd_server *server, const struct config *config, const char **key,
		  char reason[STATSD_REASON])
{
	const char *url = environment("DD_DOGSTATSD_URL");

	*key = "statsd_socket";
	if (config->statsd_socket)
		return statsd_server_parse_socket(server, config->statsd_socket, reason);
	*key = "statsd_ip";
	if (config->statsd_ip)
		return statsd_server_parse_host(server, config->statsd_ip, config->statsd_port,
						reason);
	*key = IN_ENVIRONMENT "DD_DOGSTATSD_URL";
	if (url && !config->statsd_port)
		return statsd_server_parse_url(server, url, reason);
	return choose_agent_host(server, config->statsd_port, key, reason);
}

int statsd_server_choose(struct statsd_server *server, const struct config *config)
{
	struct statsd_server chosen = {0};
	char reason[STATSD_REASON];
	const char *key;
	int err = choose(&chosen, config, &key, reason);

	if (err)
		log_error("%s: %s", key, reason);
	else
		*server = chosen;
	return err;
}
