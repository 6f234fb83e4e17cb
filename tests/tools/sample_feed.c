/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Gives a running bpf-metro more samples than the traffic of this machine could: its own programs,
 * found through its descriptors, are run over made-up packets (BPF_PROG_TEST_RUN): a segment of
 * data that leaves, and its ACK that arrives. What they measure goes through the ring buffer to the
 * daemon, which cannot tell. Each packet costs a system call here, and nothing there.
 */
#include "toolkit.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#define FLOWS_MAX 1000000
#define SEGMENT   100         /* bytes of data */
#define SLICE_NS  NS_PER_MS   /* with a rate, so often some are made */
#define NETWORK   0x0a630000u /* 10.99.0.0/16: the peers */
#define PEERS_MAX 65000

static const char help[] =
	"Usage: sample_feed --pid PID --interface IFACE [OPTION]...\n"
	"Run the BPF programs of a bpf-metro that measures 10.99.0.0/16 on IFACE over made-up\n"
	"packets, so that it gets samples. In the network namespace of IFACE, as root.\n"
	"\n"
	"      --rate PER_SECOND  samples a second (default 0: as many as possible)\n"
	"      --seconds S        end after S seconds (default 1)\n"
	"      --flows N          connections (default 1000)\n"
	"      --peers N          .. to this many peers (default 100)\n"
	"      --port N           first local port (default 10000): one for each of several feeds\n"
	"\n"
	"Prints a line of JSON with the number of samples made and how long that took.\n"
	"Exit status: 0 ended as asked, 1 failed, 2 wrong usage.\n";

struct options {
	const char *interface;
	uint64_t pid, rate, duration, flows, peers, port;
};

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
	char data[SEGMENT];
} __attribute__((packed));

struct feed {
	const struct options *options;
	unsigned int ifindex;
	int out_fd, in_fd; /* the programs */
	uint32_t *seq;     /* of each flow */
};

static void parse_options(int argc, char *argv[], struct options *options)
{
	enum { PID = 1, INTERFACE, RATE, SECONDS, FLOWS, PEERS, PORT, HELP };
	static const struct option names[] = {
		{"pid", required_argument, NULL, PID},
		{"interface", required_argument, NULL, INTERFACE},
		{"rate", required_argument, NULL, RATE},
		{"seconds", required_argument, NULL, SECONDS},
		{"flows", required_argument, NULL, FLOWS},
		{"peers", required_argument, NULL, PEERS},
		{"port", required_argument, NULL, PORT},
		{"help", no_argument, NULL, HELP},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (option == PID)
			options->pid = number_of("pid", optarg, 1, INT32_MAX);
		else if (option == INTERFACE)
			options->interface = optarg;
		else if (option == RATE)
			options->rate = number_of("rate", optarg, 0, 100000000);
		else if (option == SECONDS)
			options->duration = seconds_of("seconds", optarg);
		else if (option == FLOWS)
			options->flows = number_of("flows", optarg, 1, FLOWS_MAX);
		else if (option == PEERS)
			options->peers = number_of("peers", optarg, 1, PEERS_MAX);
		else if (option == PORT)
			options->port = number_of("port", optarg, 1, UINT16_MAX);
		else if (option == HELP)
			exit(fputs(help, stdout) < 0);
		else
			exit_usage();
	}
	if (optind < argc)
		fail_usage("unexpected argument '%s'", argv[optind]);
	if (!options->pid || !options->interface)
		fail_usage("--pid and --interface are needed");
}

/* The program of a descriptor, if it is one, and if it is one of ours. */
static void look_at_program(struct feed *feed, uint32_t id)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0) {
		if (strcmp(info.name, "metro_out_eth") == 0 && feed->out_fd < 0)
			feed->out_fd = dup(fd);
		if (strcmp(info.name, "metro_in_eth") == 0 && feed->in_fd < 0)
			feed->in_fd = dup(fd);
	}
	close(fd);
}

static void look_at_descriptor(struct feed *feed, const char *directory, const char *name)
{
	char path[512], line[256];
	unsigned int id;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "prog_id: %u", &id) == 1)
			look_at_program(feed, id);
	if (file)
		fclose(file);
}

static int find_programs(struct feed *feed)
{
	unsigned long long pid = feed->options->pid;
	struct dirent *entry;
	char path[64];
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%llu/fdinfo", pid);
	directory = opendir(path);
	if (!directory)
		return fail(errno, "cannot read %s", path);
	while ((entry = readdir(directory)))
		look_at_descriptor(feed, path, entry->d_name);
	closedir(directory);
	if (feed->out_fd < 0 || feed->in_fd < 0)
		return fail(ENOENT, "process %llu has not loaded the programs", pid);
	return 0;
}

static struct frame make_frame(const struct feed *feed, uint64_t flow, bool leaving)
{
	uint32_t local = htonl(0x0a4d0001), peer = htonl(NETWORK + 1 + flow % feed->options->peers);
	uint16_t local_port = htons((uint16_t)(feed->options->port + flow / feed->options->peers));
	uint16_t peer_port = htons(443);

	return (struct frame){
		.ethernet.h_proto = htons(ETH_P_IP),
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_TCP,
		       .tot_len = htons((uint16_t)(40 + (leaving ? SEGMENT : 0))),
		       .saddr = leaving ? local : peer,
		       .daddr = leaving ? peer : local},
		.tcp = {.source = leaving ? local_port : peer_port,
			.dest = leaving ? peer_port : local_port,
			.seq = leaving ? htonl(feed->seq[flow]) : htonl(1),
			.ack_seq = leaving ? htonl(1) : htonl(feed->seq[flow] + SEGMENT),
			.doff = 5,
			.psh = leaving,
			.ack = 1},
	};
}

static int run_program(const struct feed *feed, int program, const struct frame *frame)
{
	struct __sk_buff context = {.ifindex = feed->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(*frame),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);

	return bpf_prog_test_run_opts(program, &opts) ? fail(errno, "cannot run a program") : 0;
}

static int make_sample(const struct feed *feed, uint64_t flow)
{
	struct frame frame = make_frame(feed, flow, true);
	int error = run_program(feed, feed->out_fd, &frame);

	if (!error) {
		frame = make_frame(feed, flow, false);
		error = run_program(feed, feed->in_fd, &frame);
	}
	feed->seq[flow] += SEGMENT;
	return error;
}

/* All that are due by now; the flows take turns. */
static int make_samples(const struct feed *feed, uint64_t *made, uint64_t due)
{
	int error = 0;

	while (!error && *made < due)
		error = make_sample(feed, (*made)++ % feed->options->flows);
	return error;
}

static int feed_run(const struct feed *feed)
{
	const struct options *options = feed->options;
	uint64_t start = now_ns(), end = start + options->duration, now = start, made = 0, due;
	int error = 0;

	for (uint64_t slice = start; now < end && !error; now = now_ns()) {
		due = made + 64;
		if (options->rate) {
			struct timespec until = timespec_of(slice += SLICE_NS);

			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
			due = (uint64_t)((double)(now_ns() - start) * (double)options->rate /
					 (double)NS_PER_S);
		}
		error = make_samples(feed, &made, due);
	}
	printf("{\"samples\":%llu,\"seconds\":%.6f}\n", (unsigned long long)made,
	       (double)(now - start) / (double)NS_PER_S);
	return error;
}

int main(int argc, char *argv[])
{
	struct options options = {.duration = NS_PER_S, .flows = 1000, .peers = 100, .port = 10000};
	struct feed feed = {.options = &options, .out_fd = -1, .in_fd = -1};
	int error;

	parse_options(argc, argv, &options);
	feed.ifindex = if_nametoindex(options.interface);
	feed.seq = calloc(options.flows, sizeof(*feed.seq));
	if (!feed.ifindex || !feed.seq)
		error = fail(errno, "%s", options.interface);
	else
		error = find_programs(&feed);
	if (!error)
		error = feed_run(&feed);
	free(feed.seq);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
