/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two tun devices, one in each of two network namespaces: a line that carries IP packets as they
 * are, without Ethernet, like WireGuard or PPP do. */
#include "toolkit.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#define PACKET_MAX 65536
#define BURST      64 /* packets from one end before the other has its turn */

static const char help[] =
	"Usage: tun_link NETNS_A DEVICE_A NETNS_B DEVICE_B\n"
	"Make a tun device in each of two network namespaces (names as `ip netns` has them), and\n"
	"carry packets between them, until SIGINT or SIGTERM come. 'linked A and B' on standard\n"
	"error says that they are there. Exit status: 0 done, 1 failed, 2 wrong usage.\n";

/* From now on, what this process opens belongs to that namespace. */
static int enter(const char *namespace)
{
	char path[256];
	int fd, error = 0;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(errno, "%s", path);
	if (setns(fd, CLONE_NEWNET))
		error = fail(errno, "cannot enter %s", path);
	close(fd);
	return error;
}

/* Returns the device's descriptor or -errno. */
static int open_tun(const char *namespace, const char *device)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd, error = enter(namespace);

	if (error)
		return error;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail(errno, "/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (ioctl(fd, TUNSETIFF, &request)) {
		error = fail(errno, "cannot make %s", device);
		close(fd);
		return error;
	}
	return fd;
}

/* A packet that the other end does not take, being down, is lost as on any line. */
static void carry(int from, int to)
{
	static char packet[PACKET_MAX];
	ssize_t length;

	for (int i = 0; i < BURST; i++) {
		length = read(from, packet, sizeof(packet));
		if (length <= 0 || write(to, packet, (size_t)length) < 0)
			return;
	}
}

static void carry_until_stopped(int a, int b, int stop_fd)
{
	struct pollfd waiting[] = {
		{.fd = a, .events = POLLIN},
		{.fd = b, .events = POLLIN},
		{.fd = stop_fd, .events = POLLIN},
	};

	while (!waiting[2].revents) {
		if (poll(waiting, 3, -1) < 0)
			continue;
		carry(a, b);
		carry(b, a);
	}
}

int main(int argc, char *argv[])
{
	int stop_fd, a, b;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (argc != 5)
		exit_usage();
	stop_fd = open_stop_fd();
	a = open_tun(argv[1], argv[2]);
	b = a < 0 ? a : open_tun(argv[3], argv[4]);
	if (stop_fd < 0 || b < 0)
		return EXIT_FAILURE;
	fprintf(stderr, "linked %s and %s\n", argv[2], argv[4]);
	carry_until_stopped(a, b, stop_fd);
	return EXIT_SUCCESS;
}
