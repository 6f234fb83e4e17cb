/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Forges segments of a TCP connection from a server to its client, from the server's host, though
 * the server's TCP knows nothing of them. Where its numbers come from: the next segment that the
 * client sends. What a blind attacker would have to guess, this one gets wrong on purpose, or
 * right.
 */
#include "toolkit.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>

static const char help[] =
	"Usage: tcp_forge IFACE PORT KIND\n"
	"Waits for a client to send data to PORT on IFACE (IPv4), and then sends it segments in "
	"the\n"
	"name of its server:\n"
	"  blind   512 ACKs of all numbers, in steps of 2^23, with a wrong sequence number\n"
	"  lucky   the same with the right one\n"
	"  ahead   ACKs of 1 to 2^24 bytes that the client has not sent yet\n"
	"  ends    RST, FIN, SYN-ACK whose sequence numbers RFC 9293 and 5961 have ignored\n"
	"Says 'forged N segments' on standard error. Exit status: 0 done, 1 failed, 2 wrong "
	"usage.\n";

#define SECONDS   10 /* to wait for the client */
#define PAUSE_NS  (400 * NS_PER_US)
#define OUTSIDE   0x50000000u /* further away than any window */
#define IN_WINDOW 1000

struct segment {
	struct iphdr ip;
	struct tcphdr tcp;
};

/* What the client said. */
struct connection {
	uint32_t client, server; /* network byte order, as are the ports */
	uint16_t client_port, server_port;
	uint32_t nxt;      /* what the client will send next */
	uint32_t peer_nxt; /* what it expects next */
};

struct forger {
	int fd; /* raw */
	struct connection connection;
	unsigned int sent;
};

struct forgery {
	uint32_t seq, ack;
	uint8_t flags;
};

static uint32_t sum_words(const void *data, size_t size, uint32_t sum)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return sum;
}

/* RFC 9293, 3.1, of a segment without data. */
static uint16_t tcp_checksum(const struct segment *s)
{
	uint32_t sum = sum_words(&s->ip.saddr, 2 * sizeof(s->ip.saddr), 0);

	sum = sum_words(&s->tcp, sizeof(s->tcp), sum + IPPROTO_TCP + sizeof(s->tcp));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int forge(struct forger *f, struct forgery what)
{
	const struct connection *c = &f->connection;
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = c->client};
	struct segment s = {
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_TCP,
		       .saddr = c->server,
		       .daddr = c->client},
		.tcp = {.source = c->server_port,
			.dest = c->client_port,
			.seq = htonl(what.seq),
			.ack_seq = htonl(what.ack),
			.doff = sizeof(s.tcp) / 4,
			.window = htons(500)},
	};

	s.tcp.th_flags = what.flags;
	s.tcp.check = tcp_checksum(&s);
	if (sendto(f->fd, &s, sizeof(s), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail(errno, "cannot send");
	f->sent++;
	nanosleep(&pause, NULL); /* no burst that some queue would cut short */
	return 0;
}

static int forge_scan(struct forger *f, uint32_t seq)
{
	int err = 0;

	for (uint32_t i = 0; i < 512 && !err; i++)
		err = forge(f, (struct forgery){seq, i << 23, TH_ACK});
	return err;
}

static int forge_blind(struct forger *f)
{
	return forge_scan(f, f->connection.peer_nxt + OUTSIDE);
}

static int forge_lucky(struct forger *f)
{
	return forge_scan(f, f->connection.peer_nxt);
}

static int forge_ahead(struct forger *f)
{
	int err = 0;

	/* The client goes on sending: the first are of what it has sent by then. */
	for (uint32_t ahead = 1 << 16; ahead <= 1 << 24 && !err; ahead *= 2)
		err = forge(f, (struct forgery){f->connection.peer_nxt, f->connection.nxt + ahead,
						TH_ACK});
	return err;
}

static int forge_ends(struct forger *f)
{
	const struct connection *c = &f->connection;
	const struct forgery ends[] = {
		{c->peer_nxt + OUTSIDE, c->nxt + OUTSIDE, TH_RST | TH_ACK},
		{c->peer_nxt + OUTSIDE, 0, TH_RST},
		{c->peer_nxt + IN_WINDOW, c->nxt, TH_RST | TH_ACK}, /* RFC 5961, 3.2 */
		{c->peer_nxt + OUTSIDE, c->nxt + OUTSIDE, TH_FIN | TH_ACK},
		{c->peer_nxt + OUTSIDE, c->nxt, TH_FIN | TH_ACK},
		{c->peer_nxt + OUTSIDE, c->nxt + OUTSIDE, TH_SYN | TH_ACK}, /* RFC 5961, 4.2 */
		{c->peer_nxt, c->nxt, TH_SYN | TH_ACK},
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends) && !err; i++)
		err = forge(f, ends[i]);
	return err;
}

/* Is this data for our port? Then that is the connection. */
static bool read_connection(const void *bytes, size_t size, uint16_t port, struct connection *c)
{
	const struct iphdr *ip = bytes;
	const struct tcphdr *tcp;
	size_t data;

	if (size < sizeof(*ip) || ip->protocol != IPPROTO_TCP)
		return false;
	tcp = (const void *)((const uint8_t *)bytes + ip->ihl * 4ul);
	if (size < ip->ihl * 4ul + sizeof(*tcp) || ntohs(tcp->dest) != port)
		return false;
	data = ntohs(ip->tot_len) - ip->ihl * 4ul - tcp->doff * 4ul;
	if (data == 0 || tcp->syn)
		return false;
	*c = (struct connection){
		.client = ip->saddr,
		.server = ip->daddr,
		.client_port = tcp->source,
		.server_port = tcp->dest,
		.nxt = ntohl(tcp->seq) + (uint32_t)data,
		.peer_nxt = ntohl(tcp->ack_seq),
	};
	return true;
}

static int await_connection(int fd, uint16_t port, struct connection *c)
{
	uint64_t deadline = clock_ns(CLOCK_MONOTONIC) + SECONDS * NS_PER_S;
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	uint32_t packet[512];
	ssize_t size;

	while (clock_ns(CLOCK_MONOTONIC) < deadline) {
		if (poll(&waiting, 1, 100) <= 0)
			continue;
		size = recv(fd, packet, sizeof(packet), 0);
		if (size < 0)
			return fail(errno, "cannot listen");
		if (read_connection(packet, (size_t)size, port, c))
			return 0;
	}
	return fail(0, "no client sends data to port %u", port), -ETIMEDOUT;
}

static int learn(const char *iface, uint16_t port, struct connection *c)
{
	struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)), err;

	link.sll_ifindex = (int)if_nametoindex(iface);
	if (fd < 0 || !link.sll_ifindex || bind(fd, (struct sockaddr *)&link, sizeof(link)) < 0)
		err = fail(errno, "cannot listen on %s", iface);
	else
		err = await_connection(fd, port, c);
	if (fd >= 0)
		close(fd);
	return err;
}

static const struct {
	const char *name;
	int (*forge)(struct forger *forger);
} kinds[] = {
	{"blind", forge_blind},
	{"lucky", forge_lucky},
	{"ahead", forge_ahead},
	{"ends", forge_ends},
};

static int run(const char *iface, uint16_t port, size_t kind)
{
	struct forger forger = {.fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW)};
	int err;

	if (forger.fd < 0)
		return fail(errno, "cannot send raw packets");
	err = learn(iface, port, &forger.connection);
	if (!err)
		err = kinds[kind].forge(&forger);
	if (!err)
		fprintf(stderr, "forged %u segments\n", forger.sent);
	close(forger.fd);
	return err;
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; argc == 4 && i < ARRAY_SIZE(kinds); i++) {
		uint16_t port = (uint16_t)number_of("port", argv[2], 1, UINT16_MAX);

		if (strcmp(argv[3], kinds[i].name) == 0)
			return run(argv[1], port, i) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	fail_usage("an interface, a port, and blind, lucky, ahead or ends");
}
