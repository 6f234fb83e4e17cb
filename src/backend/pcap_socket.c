/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens libpcap's handles as we want them, and says why one could not be. */
#include "pcap_socket.h"
#include "frame.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fail(struct pcap_socket *s, const char *device, char reason[BACKEND_REASON], int status)
{
	const char *hint = "", *detail = pcap_geterr(s->pcap);

	if (status == PCAP_ERROR_PERM_DENIED)
		hint = " (needs CAP_NET_RAW, or root)";
	if (!*detail)
		detail = pcap_statustostr(status);
	snprintf(reason, BACKEND_REASON, "cannot capture on %s: %.160s%s", device, detail, hint);
	pcap_close(s->pcap);
	s->pcap = NULL;
	if (status == PCAP_ERROR_IFACE_NOT_UP)
		return -ENETDOWN;
	if (status == PCAP_ERROR_NO_SUCH_DEVICE)
		return -ENODEV; /* it has just gone */
	return status == PCAP_ERROR_PERM_DENIED ? -EPERM : -EIO;
}

static int refuse(struct pcap_socket *s, char reason[BACKEND_REASON], const char *text)
{
	snprintf(reason, BACKEND_REASON, "%s", text);
	pcap_close(s->pcap);
	s->pcap = NULL;
	return -ENOTSUP;
}

static int set_link(struct pcap_socket *s, const char *device, char reason[BACKEND_REASON])
{
	char text[128];

	if (!strcmp(device, PCAP_SOCKET_ANY) && pcap_set_datalink(s->pcap, DLT_LINUX_SLL2))
		return refuse(s, reason,
			      "to tell which way packets go, libpcap 1.10 or later is needed");
	if (!frame_link_layer(pcap_datalink(s->pcap), &s->link))
		return 0;
	snprintf(text, sizeof(text), "%s: link type %d is not supported", device,
		 pcap_datalink(s->pcap));
	return refuse(s, reason, text);
}

int pcap_socket_open(struct pcap_socket *s, const char *device,
		     const struct backend_settings *settings, char reason[BACKEND_REASON])
{
	char error[PCAP_ERRBUF_SIZE];
	int status, err;

	s->filtered = false;
	s->pcap = pcap_create(device, error);
	if (!s->pcap) {
		snprintf(reason, BACKEND_REASON, "cannot capture on %s: %.180s", device, error);
		return -EIO;
	}
	pcap_set_snaplen(s->pcap, (int)settings->snaplen);
	pcap_set_promisc(s->pcap, 0);
	pcap_set_timeout(s->pcap, PCAP_SOCKET_BLOCK_MS);
	pcap_set_buffer_size(s->pcap, (int)settings->capture_buffer);
	pcap_set_immediate_mode(s->pcap, settings->batch_limit == 1);   /* someone is watching */
	pcap_set_tstamp_precision(s->pcap, PCAP_TSTAMP_PRECISION_NANO); /* or else micro */
	status = pcap_activate(s->pcap);
	if (status < 0)
		return fail(s, device, reason, status);
	err = set_link(s, device, reason);
	if (!err && pcap_setnonblock(s->pcap, 1, error))
		err = fail(s, device, reason, PCAP_ERROR);
	return err;
}

__u64 pcap_socket_drops(const struct pcap_socket *s)
{
	struct pcap_stat stat = {};

	if (s->pcap)
		pcap_stats(s->pcap, &stat);
	return s->drops + stat.ps_drop;
}

void pcap_socket_close(struct pcap_socket *s)
{
	if (!s->pcap)
		return;
	s->drops = pcap_socket_drops(s);
	pcap_close(s->pcap);
	s->pcap = NULL;
}

__u64 pcap_socket_time(const struct pcap_socket *s, const struct pcap_pkthdr *header)
{
	__u64 seconds = header->ts.tv_sec * NS_PER_S;

	return pcap_get_tstamp_precision(s->pcap) == PCAP_TSTAMP_PRECISION_NANO
		       ? seconds + (__u64)header->ts.tv_usec
		       : seconds + header->ts.tv_usec * 1000ull;
}
