/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bpf_attach.h"
#include "clsact.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Not in the headers of libbpf 1.1, nor in those of Linux before 6.6. */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47 };
#define MPROG_BEFORE (1U << 3) /* BPF_F_BEFORE; without another program named: at the head */

static int tcx_link(int program, unsigned int ifindex, int type)
{
	/* At the head of the chain, since others may end it (Cilium does). */
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = MPROG_BEFORE);
	int fd = bpf_link_create(program, ifindex, (enum bpf_attach_type)type, &opts);

	return fd < 0 ? -errno : fd;
}

/* Natively where the driver can; else (no support, jumbo frames ..) as generic XDP. */
static int xdp_link(int program, const struct interface *interface)
{
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	int fd = bpf_link_create(program, interface->ifindex, BPF_XDP, NULL), err = -errno;

	if (fd >= 0)
		return fd;
	if (err == -EBUSY || err == -EPERM || err == -EACCES)
		return err;
	log_info("%s: the driver refuses native XDP (%s); using generic XDP", interface->name,
		 strerror(-err));
	fd = bpf_link_create(program, interface->ifindex, BPF_XDP, &generic);
	return fd < 0 ? -errno : fd;
}

static int explain(char reason[BACKEND_REASON], const char *what, const struct interface *interface,
		   int err)
{
	const char *hint = "";

	if (err == -EPERM || err == -EACCES)
		hint = " (needs root, or CAP_NET_ADMIN and CAP_BPF)";
	else if (err == -EBUSY)
		hint = " (another program sits there)";
	snprintf(reason, BACKEND_REASON, "attaching to %s at %s: %s%s", interface->name, what,
		 strerror(-err), hint);
	return err;
}

static int attach_clsact(struct attachment *a, const struct hook_programs *programs, bool ingress,
			 const struct interface *interface, char reason[BACKEND_REASON])
{
	int err = clsact_open(&a->clsact, interface->ifindex, programs->egress,
			      ingress ? programs->ingress : -1);

	if (err == -EEXIST)
		snprintf(reason, BACKEND_REASON,
			 "attaching to %s: an ingress qdisc is there, and excludes clsact: replace "
			 "it "
			 "by one",
			 interface->name);
	else if (err)
		explain(reason, "clsact", interface, err);
	return err;
}

/* TCX if the kernel has it, else clsact; only the egress side if ingress is false. */
static int attach_tc(struct attachment *a, const struct hook_programs *programs, bool ingress,
		     const struct interface *interface, char reason[BACKEND_REASON])
{
	a->egress_link = tcx_link(programs->egress, interface->ifindex, TCX_EGRESS);
	if (a->egress_link == -EINVAL) /* a kernel without TCX */
		return attach_clsact(a, programs, ingress, interface, reason);
	if (a->egress_link < 0)
		return explain(reason, "TCX egress", interface, a->egress_link);
	if (!ingress)
		return 0;
	a->ingress_link = tcx_link(programs->ingress, interface->ifindex, TCX_INGRESS);
	if (a->ingress_link < 0)
		return explain(reason, "TCX ingress", interface, a->ingress_link);
	return 0;
}

static int attach_xdp(struct attachment *a, const struct hook_programs *programs,
		      const struct interface *interface, char reason[BACKEND_REASON])
{
	if (programs->xdp < 0) {
		snprintf(reason, BACKEND_REASON,
			 "%s has no Ethernet header, which XDP needs: use --hook tc",
			 interface->name);
		return -ENOTSUP;
	}
	a->ingress_link = xdp_link(programs->xdp, interface);
	if (a->ingress_link < 0)
		return explain(reason, "XDP", interface, a->ingress_link);
	return attach_tc(a, programs, false, interface, reason);
}

int attachment_open(struct attachment *a, const struct hook_programs *programs,
		    const struct interface *interface, enum hook_choice hook,
		    char reason[BACKEND_REASON])
{
	int err;

	*a = (struct attachment){.egress_link = -1, .ingress_link = -1};
	if (hook == HOOK_XDP)
		err = attach_xdp(a, programs, interface, reason);
	else if (hook == HOOK_CLSACT)
		err = attach_clsact(a, programs, true, interface, reason);
	else
		err = attach_tc(a, programs, true, interface, reason);
	if (err)
		attachment_close(a);
	return err;
}

void attachment_close(struct attachment *a)
{
	if (a->egress_link >= 0)
		close(a->egress_link);
	if (a->ingress_link >= 0)
		close(a->ingress_link);
	clsact_close(a->clsact);
	*a = (struct attachment){.egress_link = -1, .ingress_link = -1};
}

const char *attachment_kind(const struct attachment *a, enum hook_choice hook)
{
	if (hook == HOOK_XDP)
		return a->clsact ? "xdp and clsact" : "xdp and tcx";
	return a->clsact ? "clsact" : "tcx";
}
