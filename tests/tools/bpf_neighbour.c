/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaches somebody else's BPF programs to an interface, and lists those that are there. Debian
 * 12's bpftool does not know of TCX. Talks to the kernel directly, to be independent of what is
 * tested.
 */
#include "toolkit.h"

#include <linux/bpf.h>
#include <poll.h>
#include <sys/syscall.h>

/* Not in the headers of Linux before 6.6. */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47, LINK_TYPE_TCX = 11 };

#define PROGRAMS_MAX 64

static const char help[] =
	"Usage: bpf_neighbour list IFACE\n"
	"       bpf_neighbour detach IFACE\n"
	"       bpf_neighbour xdp|tcx-ingress|tcx-egress IFACE\n"
	"The first form prints 'tcx-ingress NAME' or 'tcx-egress NAME' for each program attached\n"
	"with TCX to IFACE; the second detaches all XDP and TCX links from it, no matter whose,\n"
	"and fails if there is none. The others attach a program 'neighbour' that lets everything\n"
	"pass, until SIGINT or SIGTERM come; 'attached to IFACE' on standard error says that it "
	"is\n"
	"there. Exit status: 0 done, 1 failed, 2 wrong usage.\n";

static long bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int print_program(const char *where, uint32_t id)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {.prog_id = id};
	int fd = (int)bpf(BPF_PROG_GET_FD_BY_ID, &attr);

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(errno, "cannot open program %u", id);
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0)
		printf("%s %.*s\n", where, (int)sizeof(info.name), info.name);
	close(fd);
	return 0;
}

static int list_at(unsigned int ifindex, uint32_t type, const char *where)
{
	uint32_t ids[PROGRAMS_MAX];
	union bpf_attr attr = {0};
	int error = 0;

	attr.query.target_fd = ifindex;
	attr.query.attach_type = type;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = PROGRAMS_MAX;
	if (bpf(BPF_PROG_QUERY, &attr) < 0) {
		if (errno == ENOENT || errno == EINVAL) /* none, or a kernel without TCX */
			return 0;
		return fail(errno, "cannot ask for programs at %s", where);
	}
	for (uint32_t i = 0; i < attr.query.prog_cnt && !error; i++)
		error = print_program(where, ids[i]);
	return error;
}

static int list(unsigned int ifindex)
{
	int error = list_at(ifindex, TCX_INGRESS, "tcx-ingress");

	return error ? error : list_at(ifindex, TCX_EGRESS, "tcx-egress");
}

/* Returns 1 if the link was on the interface and has been detached; 0 if it was elsewhere; -errno.
 */
static int detach_link(uint32_t id, unsigned int ifindex)
{
	struct bpf_link_info info = {0};
	union bpf_attr attr = {.link_id = id};
	int fd = (int)bpf(BPF_LINK_GET_FD_BY_ID, &attr), done = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(errno, "cannot open link %u", id);
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
	    (info.type == BPF_LINK_TYPE_XDP || info.type == LINK_TYPE_TCX) &&
	    info.xdp.ifindex == ifindex) { /* where TCX has it, too */
		memset(&attr, 0, sizeof(attr));
		attr.link_detach.link_fd = (uint32_t)fd;
		done = bpf(BPF_LINK_DETACH, &attr) < 0 ? fail(errno, "cannot detach link %u", id)
						       : 1;
	}
	close(fd);
	return done;
}

static int detach(unsigned int ifindex)
{
	union bpf_attr attr = {0};
	uint32_t id = 0;
	int detached = 0, one = 0;

	for (; one >= 0; detached += one) {
		memset(&attr, 0, sizeof(attr));
		attr.start_id = id;
		if (bpf(BPF_LINK_GET_NEXT_ID, &attr) < 0)
			return detached ? 0 : fail(ENOENT, "nothing to detach");
		id = attr.next_id;
		one = detach_link(id, ifindex);
	}
	return one;
}

/* Returns a program that only returns value, or -errno. */
static int load(enum bpf_prog_type type, int32_t value)
{
	const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {0};
	int fd;

	attr.prog_type = type;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = ARRAY_SIZE(program);
	attr.license = (uintptr_t) "Dual BSD/GPL";
	strcpy(attr.prog_name, "neighbour");
	fd = (int)bpf(BPF_PROG_LOAD, &attr);
	return fd < 0 ? fail(errno, "cannot load a program") : fd;
}

/* The link goes when the process does. */
static int attach(unsigned int ifindex, int program, uint32_t type)
{
	union bpf_attr attr = {0};

	attr.link_create.prog_fd = (uint32_t)program;
	attr.link_create.target_ifindex = ifindex;
	attr.link_create.attach_type = type;
	if (bpf(BPF_LINK_CREATE, &attr) < 0)
		return fail(errno, "cannot attach a program");
	return 0;
}

static int hold(const char *how, const char *iface, unsigned int ifindex)
{
	bool xdp = strcmp(how, "xdp") == 0;
	struct pollfd stop = {.fd = open_stop_fd(), .events = POLLIN};
	int program = xdp ? load(BPF_PROG_TYPE_XDP, XDP_PASS)
			  : load(BPF_PROG_TYPE_SCHED_CLS, -1 /* TCX_NEXT */);
	int error;

	if (stop.fd < 0 || program < 0)
		return stop.fd < 0 ? stop.fd : program;
	error = attach(ifindex, program,
		       xdp                               ? (uint32_t)BPF_XDP
		       : strcmp(how, "tcx-ingress") == 0 ? TCX_INGRESS
							 : TCX_EGRESS);
	if (error)
		return error;
	fprintf(stderr, "attached to %s\n", iface);
	while (poll(&stop, 1, -1) < 0)
		;
	return 0;
}

int main(int argc, char *argv[])
{
	static const char *const forms[] = {"list", "detach", "xdp", "tcx-ingress", "tcx-egress"};
	unsigned int ifindex;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (argc != 3)
		exit_usage();
	ifindex = if_nametoindex(argv[2]);
	if (!ifindex)
		return fail(errno, "interface %s", argv[2]) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (strcmp(argv[1], forms[0]) == 0)
		return list(ifindex) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (strcmp(argv[1], forms[1]) == 0)
		return detach(ifindex) ? EXIT_FAILURE : EXIT_SUCCESS;
	for (size_t i = 2; i < ARRAY_SIZE(forms); i++)
		if (strcmp(argv[1], forms[i]) == 0)
			return hold(argv[1], argv[2], ifindex) ? EXIT_FAILURE : EXIT_SUCCESS;
	fail_usage("'%s' is unknown; accepted: list, detach, xdp, tcx-ingress, tcx-egress",
		   argv[1]);
}
