/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens a packet socket, and reads frames with their VLAN tags and the kernel's time stamps. */
#include "port.h"

#include <linux/if_packet.h>
#include <sys/uio.h>

#define SOCKET_BYTES (32 << 20)
#define STALE_NS     NS_PER_S /* an older time stamp means that the clock was set */

static int set_option(const struct port *port, int level, int name, const void *value, size_t size)
{
	if (setsockopt(port->fd, level, name, value, (socklen_t)size) < 0)
		return fail(errno, "cannot set up the packet socket of %s", port->name);
	return 0;
}

static int set_flag(const struct port *port, int level, int name)
{
	static const int on = 1;

	return set_option(port, level, name, &on, sizeof(on));
}

static int port_set_up(const struct port *port, int ifindex)
{
	const struct packet_mreq promiscuous = {.mr_ifindex = ifindex,
						.mr_type = PACKET_MR_PROMISC};
	const int size = SOCKET_BYTES;
	int error;

	error = set_flag(port, SOL_PACKET, PACKET_VNET_HDR);
	if (!error)
		error = set_flag(port, SOL_PACKET, PACKET_AUXDATA);
	if (!error)
		error = set_flag(port, SOL_PACKET, PACKET_IGNORE_OUTGOING);
	if (!error)
		error = set_flag(port, SOL_SOCKET, SO_TIMESTAMPNS);
	if (!error)
		error = set_option(port, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (!error)
		error = set_option(port, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (!error)
		error = set_option(port, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
				   sizeof(promiscuous));
	return error;
}

static int port_bind(const struct port *port, int ifindex)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = ifindex};

	if (bind(port->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(errno, "cannot bind to %s", port->name);
	return 0;
}

/* Without a protocol until it is bound, the socket sees no other interface's frames. */
int port_open(struct port *port, const char *name)
{
	int ifindex = (int)if_nametoindex(name), error;

	port->name = name;
	if (!ifindex)
		return fail(errno, "no interface %s", name);
	port->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (port->fd < 0)
		return fail(errno, "cannot open a packet socket");
	error = port_set_up(port, ifindex);
	return error ? error : port_bind(port, ifindex);
}

void port_close(struct port *port)
{
	if (port->fd >= 0)
		close(port->fd);
	port->fd = -1;
}

uint64_t port_drops(const struct port *port)
{
	struct tpacket_stats stats = {0};
	socklen_t size = sizeof(stats);

	if (port->fd < 0 || getsockopt(port->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
		return 0;
	return stats.tp_drops;
}

/* When the frame came: the kernel's time stamp, so that our own waking up late does not count. */
static uint64_t arrival_of(const struct timespec *stamp)
{
	uint64_t stamped = (uint64_t)stamp->tv_sec * NS_PER_S + (uint64_t)stamp->tv_nsec;
	uint64_t age = clock_ns(CLOCK_REALTIME) - stamped;

	return now_ns() - (age < STALE_NS ? age : 0);
}

static void restore_tag(struct frame *frame, const struct tpacket_auxdata *aux)
{
	uint16_t tag[2] = {htons(ETH_P_8021Q), htons(aux->tp_vlan_tci)};

	if (!(aux->tp_status & TP_STATUS_VLAN_VALID))
		return;
	if (aux->tp_status & TP_STATUS_VLAN_TPID_VALID)
		tag[0] = htons(aux->tp_vlan_tpid);
	memcpy(frame->tag, tag, TAG_BYTES);
	frame->tag_length = TAG_BYTES;
	if (frame->offload.hdr_len)
		frame->offload.hdr_len += TAG_BYTES;
	if (frame->offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		frame->offload.csum_start += TAG_BYTES;
}

/* Takes from the control messages what belongs to the frame; returns its time of arrival. */
static uint64_t read_control(struct msghdr *message, struct frame *frame)
{
	uint64_t arrival = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			struct tpacket_auxdata aux;

			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
			restore_tag(frame, &aux);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec stamp;

			memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
			arrival = arrival_of(&stamp);
		}
	}
	return arrival ? arrival : now_ns();
}

int port_receive(const struct port *port, struct frame *frame, uint64_t *arrival)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata)) +
			   CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} control;
	struct iovec parts[] = {
		{&frame->offload, sizeof(frame->offload)},
		{frame->addresses, ADDRESS_BYTES},
		{frame->payload, PAYLOAD_MAX},
	};
	struct msghdr message = {.msg_iov = parts,
				 .msg_iovlen = 3,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(port->fd, &message, 0);

	if (length < 0 && errno == EINVAL)
		return 0; /* GSO of a kind the offload header cannot express; the frame is gone */
	if (length < 0)
		return errno == EAGAIN ? -EAGAIN : fail(errno, "cannot receive on %s", port->name);
	length -= (ssize_t)sizeof(frame->offload) + ADDRESS_BYTES;
	if (length < 0 || message.msg_flags & MSG_TRUNC)
		return 0;
	frame->payload_length = (uint32_t)length;
	frame->tag_length = 0;
	*arrival = read_control(&message, frame);
	return 1;
}
