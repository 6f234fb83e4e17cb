/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Real TCP traffic, and what the kernel itself measured about it.
 *
 * All kinds of traffic are one: a connection makes exchanges, each of them `request` bytes one way
 * and then `response` bytes back, either of which may be endless to the server and a block after
 * another to the client. What the server needs to know of this the client says in a header, first
 * thing on each connection; so the server knows nothing of modes.
 *
 *     mode       the server sees      an exchange of the client's
 *     rr         request, response    request, response
 *     connect    request, response    request, response, and a new connection
 *     upload     endless, none        request, nothing
 *     download   none, endless        nothing, response
 */
#include "client.h"
#include "server.h"

#include <sys/epoll.h>
#include <sys/resource.h>

typedef int run_side(const struct options *options, int epoll_fd, int stop_fd);

/* A connection has one descriptor or two; take as many as we may. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run(run_side *side, const struct options *options)
{
	int stop_fd = open_stop_fd(), epoll_fd, error;

	if (stop_fd < 0)
		return stop_fd;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	error = epoll_fd < 0 ? fail(errno, "cannot wait for events") : 0;
	if (!error)
		error = side(options, epoll_fd, stop_fd);
	if (epoll_fd >= 0)
		close(epoll_fd);
	close(stop_fd);
	return error;
}

int main(int argc, char *argv[])
{
	struct options options = {.connections = 1};
	enum side side = parse_command_line(argc, argv, &options);
	int error;

	raise_descriptor_limit();
	error = run(side == SIDE_SERVER ? run_server : run_client, &options);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
