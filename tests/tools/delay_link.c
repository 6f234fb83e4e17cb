/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A cable between two interfaces with a delay in it, for kernels that have no netem.
 *
 * Frames are taken from and given to packet sockets with the kernel's offload header in front, so
 * that GSO super-packets and checksums still to be computed pass as they are: one frame here may be
 * 64 KB, which is what makes several Gbit/s possible. Each direction is a lane: it has queues in
 * memory, where frames wait for their time of release, and a random generator of its own, so that
 * what happens to the n-th frame of a lane depends on the seed alone.
 */
#include "toolkit.h"

#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define QUEUE_BYTES      (64U << 20) /* frames of one direction; a power of two */
#define SOCKET_BYTES     (32 << 20)
#define ADDRESS_BYTES    (2 * ETH_ALEN)
#define TAG_BYTES        4
#define PAYLOAD_MAX      (128 * 1024) /* behind the Ethernet addresses; GSO makes up to 64 KB */
#define FRAMES_A_WAKE    32           /* taken from one socket before the other gets its turn */

#define DELAY_MAX_MS     60000.0
#define REORDER_LEAST_NS NS_PER_MS
#define STALE_NS         NS_PER_SECOND /* an older time stamp means that the clock was set */

/* A sleeper wakes up tens of microseconds late. So wake early, and watch the clock for the rest. */
#define WAKE_EARLY_NS (60 * NS_PER_US)

struct options {
	uint64_t delay, jitter;          /* ns */
	double loss, duplicate, reorder; /* probabilities */
	uint64_t seed;
	uint64_t duration; /* ns; 0: no limit */
	const char *names[2];
};

/* The memory layout of a waiting frame, so that both calls can use it as it lies there. */
struct frame {
	uint64_t release; /* CLOCK_MONOTONIC */
	uint32_t payload_length;
	uint32_t tag_length; /* 0 or TAG_BYTES */
	struct virtio_net_hdr offload;
	uint8_t addresses[ADDRESS_BYTES];
	uint8_t tag[TAG_BYTES]; /* the kernel takes VLAN tags out, and here is their place */
	uint8_t payload[];
};

#define FRAME_MAX (sizeof(struct frame) + PAYLOAD_MAX)

/*
 * First in, first out, with ever increasing release times. The memory is mapped twice in a row:
 * a frame that reaches over the end goes on at the start, and nobody has to know.
 */
struct queue {
	uint8_t *memory;
	uint64_t written, consumed;
	uint64_t last_release;
};

struct counts {
	uint64_t forwarded, dropped, lost, duplicated, reordered;
};

struct port {
	const char *name;
	int fd;
};

struct lane {
	struct port *in, *out;
	struct queue ordered;
	struct queue late; /* those which others overtake */
	uint64_t random;
	struct counts counts;
};

struct link {
	struct port ports[2];
	struct lane lanes[2];
	int stop_fd;
};

/* What chance has in store for a frame. */
struct fate {
	bool lost, duplicated, late;
	uint64_t delay;
};

static const char help[] =
	"Usage: delay_link [OPTION]... IFACE_A IFACE_B\n"
	"Forward Ethernet frames between two interfaces of this network namespace, in both\n"
	"directions, with a delay and other troubles of a long line.\n"
	"\n"
	"      --delay MS           one-way, in each direction (default 0: forward at once)\n"
	"      --jitter MS          vary the delay by up to MS either way, keeping the order\n"
	"      --loss PERCENT       lose frames\n"
	"      --duplicate PERCENT  send frames twice\n"
	"      --reorder PERCENT    hold frames back by half the delay more, at least 1 ms\n"
	"      --seed N             of the random generators (default 1)\n"
	"      --seconds S          end after S seconds\n"
	"      --help               print this and exit\n"
	"\n"
	"Fractions are fine: --delay 2.5. The same seed does the same to the same frames. A GSO\n"
	"super-packet is one frame. SIGINT and SIGTERM end it too. 'forwarding between A and B' "
	"on\n"
	"standard error says that it is ready; what was done to how many frames follows at the\n"
	"end. Exit status: 0 ended as asked, 1 failed, 2 wrong usage.\n";

static uint64_t milliseconds_of(const char *option, const char *text)
{
	return (uint64_t)(fraction_of(option, text, DELAY_MAX_MS) * (double)NS_PER_MS);
}

static double probability_of(const char *option, const char *text)
{
	return fraction_of(option, text, 100) / 100;
}

static void parse_options(int argc, char *argv[], struct options *options)
{
	enum { DELAY = 1, JITTER, LOSS, DUPLICATE, REORDER, SEED, SECONDS, HELP };
	static const struct option names[] = {
		{"delay", required_argument, NULL, DELAY},
		{"jitter", required_argument, NULL, JITTER},
		{"loss", required_argument, NULL, LOSS},
		{"duplicate", required_argument, NULL, DUPLICATE},
		{"reorder", required_argument, NULL, REORDER},
		{"seed", required_argument, NULL, SEED},
		{"seconds", required_argument, NULL, SECONDS},
		{"help", no_argument, NULL, HELP},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case DELAY:
			options->delay = milliseconds_of("delay", optarg);
			break;
		case JITTER:
			options->jitter = milliseconds_of("jitter", optarg);
			break;
		case LOSS:
			options->loss = probability_of("loss", optarg);
			break;
		case DUPLICATE:
			options->duplicate = probability_of("duplicate", optarg);
			break;
		case REORDER:
			options->reorder = probability_of("reorder", optarg);
			break;
		case SEED:
			options->seed = number_of("seed", optarg, 0, UINT64_MAX);
			break;
		case SECONDS:
			options->duration = seconds_of("seconds", optarg);
			break;
		case HELP:
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		default:
			exit_usage(); /* getopt has said why */
		}
	}
	if (argc - optind != 2)
		fail_usage("exactly two interfaces are needed");
	options->names[0] = argv[optind];
	options->names[1] = argv[optind + 1];
	if (strcmp(options->names[0], options->names[1]) == 0)
		fail_usage("the two interfaces are the same");
}

/* ---- chance ---- */

/* splitmix64 (Steele, Lea, Flood 2014), by Sebastiano Vigna, public domain */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* From 0 up to, but never, 1. */
static double random_fraction(uint64_t *state)
{
	return (double)(random_next(state) >> 11) * 0x1p-53;
}

/* Draws the same number of times whatever the options: turning one on leaves the others as is. */
static struct fate draw_fate(uint64_t *random, const struct options *options)
{
	double lost = random_fraction(random);
	double duplicated = random_fraction(random);
	double late = random_fraction(random);
	double swing = (2 * random_fraction(random) - 1) * (double)options->jitter;
	double delay = (double)options->delay + swing;

	return (struct fate){
		.lost = lost < options->loss,
		.duplicated = duplicated < options->duplicate,
		.late = late<options->reorder, .delay = delay> 0 ? (uint64_t)delay : 0,
	};
}

static uint64_t lateness(const struct options *options)
{
	return options->delay / 2 > REORDER_LEAST_NS ? options->delay / 2 : REORDER_LEAST_NS;
}

/* ---- queues ---- */

static int map_twice(int memory_fd, uint8_t *memory)
{
	if (ftruncate(memory_fd, QUEUE_BYTES) < 0)
		return -errno;
	for (int half = 0; half < 2; half++)
		if (mmap(memory + (size_t)half * QUEUE_BYTES, QUEUE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, memory_fd, 0) == MAP_FAILED)
			return -errno;
	return 0;
}

static void queue_close(struct queue *queue)
{
	if (queue->memory)
		munmap(queue->memory, 2UL * QUEUE_BYTES);
	queue->memory = NULL;
}

static int queue_open(struct queue *queue)
{
	int memory_fd, error;
	void *memory = mmap(NULL, 2UL * QUEUE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return fail(errno, "cannot get memory for a queue");
	queue->memory = memory;
	memory_fd = memfd_create("delay_link", MFD_CLOEXEC);
	if (memory_fd < 0)
		return fail(errno, "cannot get memory for a queue");
	error = map_twice(memory_fd, queue->memory);
	close(memory_fd);
	return error ? fail(-error, "cannot get memory for a queue") : 0;
}

static struct frame *frame_at(struct queue *queue, uint64_t position)
{
	return (struct frame *)(queue->memory + position % QUEUE_BYTES);
}

/* Room for a frame of any length behind the last one, or NULL when the queue is full. */
static struct frame *queue_room(struct queue *queue)
{
	if (queue->written - queue->consumed + FRAME_MAX > QUEUE_BYTES)
		return NULL;
	return frame_at(queue, queue->written);
}

static size_t frame_length(const struct frame *frame)
{
	size_t align = _Alignof(struct frame);

	return (sizeof(*frame) + frame->payload_length + align - 1) & ~(align - 1);
}

/* Puts in what was written at queue_room. Order wins over the wanted time. */
static void queue_put(struct queue *queue, uint64_t release)
{
	struct frame *frame = frame_at(queue, queue->written);

	if (release < queue->last_release)
		release = queue->last_release;
	frame->release = queue->last_release = release;
	queue->written += frame_length(frame);
}

static bool queue_put_copy(struct queue *queue, const struct frame *frame, uint64_t release)
{
	struct frame *room = queue_room(queue);

	if (!room)
		return false;
	memcpy(room, frame, frame_length(frame));
	queue_put(queue, release);
	return true;
}

static struct frame *queue_first(struct queue *queue)
{
	return queue->written == queue->consumed ? NULL : frame_at(queue, queue->consumed);
}

static uint64_t queue_next_release(struct queue *queue)
{
	const struct frame *frame = queue_first(queue);

	return frame ? frame->release : UINT64_MAX;
}

/* ---- ports ---- */

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
static int port_open(struct port *port, const char *name)
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

static void port_close(struct port *port)
{
	if (port->fd >= 0)
		close(port->fd);
	port->fd = -1;
}

/* Frames that came faster than we could take them. Reading this number sets it back to 0. */
static uint64_t port_drops(const struct port *port)
{
	struct tpacket_stats stats = {0};
	socklen_t size = sizeof(stats);

	if (port->fd < 0 || getsockopt(port->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
		return 0;
	return stats.tp_drops;
}

/* ---- receiving ---- */

/* When the frame came: the kernel's time stamp, so that our own waking up late does not count. */
static uint64_t arrival_of(const struct timespec *stamp)
{
	uint64_t stamped = (uint64_t)stamp->tv_sec * NS_PER_SECOND + (uint64_t)stamp->tv_nsec;
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

/*
 * Receives one frame. Returns 1 with the frame and its arrival, 0 when there was one which had to
 * be dropped, -EAGAIN when there is none, or another -errno.
 */
static int receive(const struct port *port, struct frame *frame, uint64_t *arrival)
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

/* The frame lies at the room of the ordered queue, and stays there unless its fate says no. */
static void meet_fate(struct lane *lane, struct frame *frame, uint64_t arrival,
		      const struct options *options)
{
	struct fate fate = draw_fate(&lane->random, options);
	uint64_t release = arrival + fate.delay;

	if (fate.lost) {
		lane->counts.lost++;
		return;
	}
	if (fate.late) {
		if (queue_put_copy(&lane->late, frame, release + lateness(options)))
			lane->counts.reordered++;
		else
			lane->counts.dropped++;
		return;
	}
	queue_put(&lane->ordered, release);
	if (!fate.duplicated)
		return;
	if (queue_put_copy(&lane->ordered, frame, release))
		lane->counts.duplicated++;
	else
		lane->counts.dropped++;
}

/* Returns as receive does. */
static int lane_receive(struct lane *lane, const struct options *options)
{
	static union {
		struct frame frame;
		uint8_t bytes[FRAME_MAX];
	} nowhere;
	struct frame *room = queue_room(&lane->ordered);
	uint64_t arrival = 0;
	int received = receive(lane->in, room ? room : &nowhere.frame, &arrival);

	if (received > 0 && room)
		meet_fate(lane, room, arrival, options);
	else if (received >= 0)
		lane->counts.dropped++;
	return received;
}

/* ---- sending ---- */

static void lane_send(struct lane *lane, struct frame *frame)
{
	struct iovec parts[] = {
		{&frame->offload, sizeof(frame->offload)},
		{frame->addresses, ADDRESS_BYTES + frame->tag_length},
		{frame->payload, frame->payload_length},
	};
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};

	/* A cable does not mind whether somebody is at its other end: no failure here ends us. */
	if (sendmsg(lane->out->fd, &message, 0) < 0)
		lane->counts.dropped++;
	else
		lane->counts.forwarded++;
}

static void release_due(struct lane *lane, struct queue *queue)
{
	uint64_t now = now_ns();
	struct frame *frame;

	while ((frame = queue_first(queue)) && frame->release <= now) {
		lane_send(lane, frame);
		queue->consumed += frame_length(frame);
	}
}

static void link_release_due(struct link *link)
{
	for (int i = 0; i < 2; i++) {
		release_due(&link->lanes[i], &link->lanes[i].ordered);
		release_due(&link->lanes[i], &link->lanes[i].late);
	}
}

/* ---- the link ---- */

static uint64_t link_wake_time(struct link *link, uint64_t deadline)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		uint64_t ordered = queue_next_release(&link->lanes[i].ordered);
		uint64_t late = queue_next_release(&link->lanes[i].late);

		next = ordered < next ? ordered : next;
		next = late < next ? late : next;
	}
	if (next != UINT64_MAX)
		next -= WAKE_EARLY_NS;
	return next < deadline ? next : deadline;
}

/* Takes what has come, but never lets it keep waiting what is due. */
static int link_receive(struct link *link, struct lane *lane, const struct options *options)
{
	for (int i = 0; i < FRAMES_A_WAKE; i++) {
		int received = lane_receive(lane, options);

		if (received == -EAGAIN)
			return 0;
		if (received < 0)
			return received;
		link_release_due(link);
	}
	return 0;
}

/* Returns 1 to go on, 0 to stop, or -errno. */
static int link_step(struct link *link, const struct options *options, uint64_t deadline)
{
	struct pollfd waiting[] = {
		{.fd = link->lanes[0].in->fd, .events = POLLIN},
		{.fd = link->lanes[1].in->fd, .events = POLLIN},
		{.fd = link->stop_fd, .events = POLLIN},
	};
	uint64_t wake = link_wake_time(link, deadline);
	struct timespec timeout = timespec_of(ns_until(wake));
	int error = 0;

	if (ppoll(waiting, 3, &timeout, NULL) < 0 && errno != EINTR)
		return fail(errno, "cannot wait for frames");
	link_release_due(link);
	for (int i = 0; i < 2 && !error; i++)
		if (waiting[i].revents)
			error = link_receive(link, &link->lanes[i], options);
	if (error)
		return error;
	return !waiting[2].revents && ns_until(deadline) > 0;
}

static int link_run(struct link *link, const struct options *options)
{
	uint64_t deadline = deadline_after(options->duration);
	int going;

	do
		going = link_step(link, options, deadline);
	while (going > 0);
	return going;
}

static int link_open(struct link *link, const struct options *options)
{
	int error = 0;

	for (int i = 0; i < 2; i++) {
		link->ports[i].fd = -1;
		link->lanes[i].in = &link->ports[i];
		link->lanes[i].out = &link->ports[1 - i];
		link->lanes[i].random = options->seed + (uint64_t)i;
	}
	for (int i = 0; i < 2 && !error; i++) {
		error = port_open(&link->ports[i], options->names[i]);
		if (!error)
			error = queue_open(&link->lanes[i].ordered);
		if (!error)
			error = queue_open(&link->lanes[i].late);
	}
	return error;
}

static void link_close(struct link *link)
{
	for (int i = 0; i < 2; i++) {
		port_close(&link->ports[i]);
		queue_close(&link->lanes[i].ordered);
		queue_close(&link->lanes[i].late);
	}
}

static void print_counts(const struct lane *lane)
{
	const struct counts *counts = &lane->counts;

	fprintf(stderr,
		"%s -> %s: forwarded %llu, dropped %llu, lost %llu, duplicated %llu, reordered "
		"%llu\n",
		lane->in->name, lane->out->name, (unsigned long long)counts->forwarded,
		(unsigned long long)(counts->dropped + port_drops(lane->in)),
		(unsigned long long)counts->lost, (unsigned long long)counts->duplicated,
		(unsigned long long)counts->reordered);
}

/* netem works in the kernel's interrupts; the nearest to that is to be punctual and to go first. */
static void hurry(void)
{
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	setpriority(PRIO_PROCESS, 0, -20);
}

static int run(struct link *link, const struct options *options)
{
	int error = link_open(link, options);

	if (!error) {
		fprintf(stderr, "forwarding between %s and %s\n", options->names[0],
			options->names[1]);
		error = link_run(link, options);
		print_counts(&link->lanes[0]);
		print_counts(&link->lanes[1]);
	}
	link_close(link);
	return error;
}

int main(int argc, char *argv[])
{
	struct options options = {.seed = 1};
	struct link link = {0};
	int error;

	parse_options(argc, argv, &options);
	link.stop_fd = open_stop_fd();
	if (link.stop_fd < 0)
		return EXIT_FAILURE;
	hurry();
	error = run(&link, &options);
	close(link.stop_fd);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
