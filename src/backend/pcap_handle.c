/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets libpcap up for an interface, and makes sure that it has the one that was meant. */
#include "pcap_handle.h"
#include "pcap_filter.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_BYTES (8 * 1024 * 1024) /* of each interface, in the kernel */

static int explain(pcap_t *pcap, const char *name, char reason[BACKEND_REASON], int status)
{
	const char *hint = "", *detail = pcap_geterr(pcap);

	if (status == PCAP_ERROR_PERM_DENIED)
		hint = " (needs CAP_NET_RAW, or root)";
	if (!*detail)
		detail = pcap_statustostr(status);
	snprintf(reason, BACKEND_REASON, "cannot capture on %s: %.160s%s", name, detail, hint);
	if (status == PCAP_ERROR_IFACE_NOT_UP)
		return -ENETDOWN;
	if (status == PCAP_ERROR_NO_SUCH_DEVICE)
		return -ENODEV; /* it has just gone */
	return status == PCAP_ERROR_PERM_DENIED ? -EPERM : -EIO;
}

/* libpcap goes by the name, which may be another interface's by now. */
static int identify(pcap_t *pcap, const struct interface *interface, char reason[BACKEND_REASON])
{
	struct sockaddr_ll bound = {};
	socklen_t size = sizeof(bound);

	if (getsockname(pcap_get_selectable_fd(pcap), (struct sockaddr *)&bound, &size) ||
	    bound.sll_family != AF_PACKET || bound.sll_ifindex == (int)interface->ifindex)
		return 0;
	snprintf(reason, BACKEND_REASON, "interface %s is another one now", interface->name);
	return -ENODEV;
}

static void choose(pcap_t *pcap, const struct backend_settings *s)
{
	pcap_set_snaplen(pcap, (int)s->snaplen);
	pcap_set_promisc(pcap, 0);
	pcap_set_timeout(pcap, PCAP_BLOCK_MS);
	pcap_set_buffer_size(pcap, BUFFER_BYTES);
	pcap_set_immediate_mode(pcap, s->batch_limit == 1);          /* someone is watching */
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO); /* or else micro */
}

static int activate(pcap_t *pcap, enum link_layer *link, const char *name,
		    char reason[BACKEND_REASON])
{
	char error[PCAP_ERRBUF_SIZE];
	int status = pcap_activate(pcap);

	if (status < 0)
		return explain(pcap, name, reason, status);
	if (frame_link_layer(pcap_datalink(pcap), link)) {
		snprintf(reason, BACKEND_REASON, "%s: link type %d is not supported", name,
			 pcap_datalink(pcap));
		return -ENOTSUP;
	}
	if (pcap_setnonblock(pcap, 1, error))
		return explain(pcap, name, reason, PCAP_ERROR);
	pcap_filter_nothing(pcap); /* else it fills with what nobody wants */
	return 0;
}

int pcap_handle_open(pcap_t **pcap, enum link_layer *link, const struct interface *interface,
		     const struct backend_settings *settings, char reason[BACKEND_REASON])
{
	char error[PCAP_ERRBUF_SIZE];
	int err;

	*pcap = pcap_create(interface->name, error);
	if (!*pcap) {
		snprintf(reason, BACKEND_REASON, "cannot capture on %s: %.180s", interface->name,
			 error);
		return -EIO;
	}
	choose(*pcap, settings);
	err = activate(*pcap, link, interface->name, reason);
	if (!err)
		err = identify(*pcap, interface, reason);
	if (err) {
		pcap_close(*pcap);
		*pcap = NULL;
	}
	return err;
}
