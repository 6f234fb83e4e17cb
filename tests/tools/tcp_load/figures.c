/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the client prints: its own figures, and what the kernel measured (TCP_INFO). */
#include "client.h"

#include <linux/tcp.h>

static void print_rtts(uint64_t sum, uint64_t max, uint64_t exchanges, enum mode mode)
{
	bool measured = exchanges && (mode == MODE_RR || mode == MODE_CONNECT);

	if (measured)
		printf("\"mean_app_rtt_us\":%.1f,\"max_app_rtt_us\":%.1f",
		       (double)sum / (double)exchanges / (double)NS_PER_US,
		       (double)max / (double)NS_PER_US);
	else
		printf("\"mean_app_rtt_us\":null,\"max_app_rtt_us\":null");
}

static int print_connection(const struct client *client, const struct connection *c)
{
	enum mode mode = client->options->mode;
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	struct endpoint local;
	char text[2][ENDPOINT_TEXT];
	int error = endpoint_of_socket(c->fd, &local);

	if (error)
		return error;
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return fail(errno, "cannot read TCP_INFO");
	printf("{\"local\":\"%s\",\"lport\":%u,\"remote\":\"%s\",\"rport\":%u,\"mode\":\"%s\",",
	       endpoint_address(&local, text[0], sizeof(text[0])), endpoint_port(&local),
	       endpoint_address(&client->server, text[1], sizeof(text[1])),
	       endpoint_port(&client->server), mode_names[mode]);
	printf("\"requests\":%llu,\"bytes_sent\":%llu,\"srtt_us\":%u,\"rttvar_us\":%u,"
	       "\"min_rtt_us\":%u,",
	       (unsigned long long)c->exchanges, (unsigned long long)c->bytes_sent, info.tcpi_rtt,
	       info.tcpi_rttvar, info.tcpi_min_rtt);
	print_rtts(c->rtt_sum, c->rtt_max, c->exchanges, mode);
	printf(",\"retrans\":%u}\n", info.tcpi_total_retrans);
	return 0;
}

static void print_summary(const struct client *client)
{
	uint64_t exchanges = 0, bytes_sent = 0, rtt_sum = 0, rtt_max = 0;
	char text[ENDPOINT_TEXT];

	for (uint64_t i = 0; i < client->options->connections; i++) {
		exchanges += client->connections[i].exchanges;
		bytes_sent += client->connections[i].bytes_sent;
		rtt_sum += client->connections[i].rtt_sum;
		if (client->connections[i].rtt_max > rtt_max)
			rtt_max = client->connections[i].rtt_max;
	}
	printf("{\"remote\":\"%s\",\"rport\":%u,\"mode\":\"%s\",\"requests\":%llu,"
	       "\"bytes_sent\":%llu,\"failed\":%llu,",
	       endpoint_address(&client->server, text, sizeof(text)),
	       endpoint_port(&client->server), mode_names[client->options->mode],
	       (unsigned long long)exchanges, (unsigned long long)bytes_sent,
	       (unsigned long long)client->failed);
	print_rtts(rtt_sum, rtt_max, exchanges, client->options->mode);
	printf("}\n");
}

int print_figures(const struct client *client)
{
	int error = 0;

	if (client->options->mode == MODE_CONNECT)
		print_summary(client);
	else
		for (uint64_t i = 0; i < client->options->connections && !error; i++)
			if (client->connections[i].fd >= 0)
				error = print_connection(client, &client->connections[i]);
	if (fflush(stdout) != 0 && !error)
		error = fail(errno, "cannot write the figures");
	return error;
}
