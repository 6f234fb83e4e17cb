/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tries the hooks in their order, TCX before clsact and native XDP before generic, and keeps what
 * worked. */
#include "bpf_attach.h"
#include "capability_sets.h"
#include "clsact.h"
#include "descriptor.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

/* Not in the headers of libbpf 1.1, nor in those of Linux before 6.6. */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47 };
#define MPROG_BEFORE (1U << 3) /* BPF_F_BEFORE; without naming another program: at the head */

/* Where the link is attached, and with what: fd of an XDP or TCX link. Returns 0 or -errno. */
static int link_look(int fd, unsigned int *ifindex, __u32 *program)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	*program = info.prog_id;
	*ifindex = info.xdp.ifindex; /* info.tcx.ifindex has the same place; 0: nowhere */
	return 0;
}

/* Takes over what bpf_link_create returned. Returns 0 or -errno. */
static int link_keep(struct hook_link *link, int fd)
{
	unsigned int ifindex;

	if (fd < 0)
		return -errno;
	link->fd = fd;
	return link_look(fd, &ifindex, &link->program);
}

static int tcx_link(struct hook_link *link, int program, unsigned int ifindex, int type)
{
	/* At the head of the chain, since others may end it (Cilium does). */
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = MPROG_BEFORE);

	return link_keep(link,
			 bpf_link_create(program, ifindex, (enum bpf_attach_type)type, &opts));
}

/* Native XDP where the driver can; else (no support, jumbo frames, ...) generic XDP. */
static int xdp_link(struct attachment *a, int program, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	int err = link_keep(&a->ingress, bpf_link_create(program, ifindex, BPF_XDP, NULL));

	if (!err || err == -EBUSY || err == -EPERM || err == -EACCES)
		return err;
	a->xdp_refused = err;
	return link_keep(&a->ingress, bpf_link_create(program, ifindex, BPF_XDP, &generic));
}

static int explain(char reason[BACKEND_REASON], const char *what, const struct interface *interface,
		   int err)
{
	const char *hint = "";

	if (err == -EPERM && !capability_is_effective(CAP_NET_ADMIN))
		hint = " (CAP_NET_ADMIN is missing)";
	else if (err == -EBUSY)
		hint = " (another program is attached there)";
	snprintf(reason, BACKEND_REASON, "cannot attach to %s at %s: %s%s", interface->name, what,
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
			 "cannot attach to %s: it has an ingress qdisc, which rules out clsact; "
			 "replace it by clsact, or use --backend pcap",
			 interface->name);
	else if (err)
		explain(reason, "clsact", interface, err);
	return err;
}

/* TCX if the kernel has it, else clsact; only the egress side if ingress is false. */
static int attach_tc(struct attachment *a, const struct hook_programs *programs, bool ingress,
		     const struct interface *interface, char reason[BACKEND_REASON])
{
	int err = tcx_link(&a->egress, programs->egress, interface->ifindex, TCX_EGRESS);

	if (err == -EINVAL) /* a kernel without TCX */
		return attach_clsact(a, programs, ingress, interface, reason);
	if (err)
		return explain(reason, "TCX egress", interface, err);
	if (!ingress)
		return 0;
	err = tcx_link(&a->ingress, programs->ingress, interface->ifindex, TCX_INGRESS);
	return err ? explain(reason, "TCX ingress", interface, err) : 0;
}

static int attach_xdp(struct attachment *a, const struct hook_programs *programs,
		      const struct interface *interface, char reason[BACKEND_REASON])
{
	int err;

	if (programs->xdp < 0) {
		snprintf(reason, BACKEND_REASON,
			 "%s has no Ethernet header, which XDP needs: use --hook tc",
			 interface->name);
		return -ENOTSUP;
	}
	err = xdp_link(a, programs->xdp, interface->ifindex);
	if (err)
		return explain(reason, "XDP", interface, err);
	return attach_tc(a, programs, false, interface, reason);
}

int attachment_open(struct attachment *a, const struct hook_programs *programs,
		    const struct interface *interface, enum hook_choice hook,
		    char reason[BACKEND_REASON])
{
	int err;

	*a = (struct attachment){.egress.fd = -1, .ingress.fd = -1};
	if (hook == HOOK_XDP)
		err = attach_xdp(a, programs, interface, reason);
	else if (hook == HOOK_CLSACT)
		err = attach_clsact(a, programs, true, interface, reason);
	else
		err = attach_tc(a, programs, true, interface, reason);
	if (err)
		attachment_close(a);
	else if (a->xdp_refused) /* only now: attempts that fail are repeated, and would log again
				  */
		log_info("%s: the driver refuses native XDP (%s); using generic XDP",
			 interface->name, strerror(-a->xdp_refused));
	return err;
}

static bool link_is_lost(const struct hook_link *link, unsigned int ifindex)
{
	unsigned int now = 0;
	__u32 program = 0;

	return link->fd >= 0 && link_look(link->fd, &now, &program) == 0 &&
	       (now != ifindex || program != link->program);
}

int attachment_check(const struct attachment *a, const struct interface *interface,
		     char reason[BACKEND_REASON])
{
	const char *what;

	if (link_is_lost(&a->egress, interface->ifindex))
		what = "egress";
	else if (link_is_lost(&a->ingress, interface->ifindex))
		what = "ingress";
	else if (a->clsact && clsact_check(a->clsact) == -ENOENT)
		what = "clsact";
	else
		return 0;
	snprintf(reason, BACKEND_REASON,
		 "interface %s was created anew, or someone has removed our BPF program (at %s)",
		 interface->name, what);
	return -ENOENT;
}

void attachment_close(struct attachment *a)
{
	descriptor_close(&a->egress.fd);
	descriptor_close(&a->ingress.fd);
	clsact_close(a->clsact);
	a->clsact = NULL;
}

unsigned int attachment_removed(const struct attachment *a)
{
	return a->clsact ? clsact_removed(a->clsact) : 0;
}

const char *attachment_kind(const struct attachment *a, enum hook_choice hook)
{
	if (hook == HOOK_XDP)
		return a->clsact ? "xdp and clsact" : "xdp and tcx";
	return a->clsact ? "clsact" : "tcx";
}
