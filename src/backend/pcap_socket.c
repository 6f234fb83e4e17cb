/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens libpcap's handles as we want them, and says why one could not be. */
#include "pcap_socket.h"
#include "frame.h"
#include "pcap_filter.h"
#include "probe_cause.h"
#include "units.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <sys/socket.h>

/* Is it that we may open no packet sockets? Then reason says why. */
static bool is_denied(char reason[BACKEND_REASON])
{
	const struct probe_terms terms = {};
	struct probes probes;

	probes_begin(&probes, &terms);
	probe_explain_packets(&probes, reason);
	return probe_ask(&probes, PROBE_PACKETS)->answer == PROBE_NO;
}

static int explain(struct pcap_socket *s, const char *device, char reason[BACKEND_REASON],
		   int status)
{
	const char *detail = pcap_geterr(s->pcap);
	char denied[BACKEND_REASON];

	if (!*detail)
		detail = pcap_statustostr(status);
	if (status == PCAP_ERROR_PERM_DENIED && is_denied(denied))
		detail = denied;
	snprintf(reason, BACKEND_REASON, "cannot capture on %s: %.280s", device, detail);
	if (status == PCAP_ERROR_IFACE_NOT_UP)
		return -ENETDOWN;
	if (status == PCAP_ERROR_NO_SUCH_DEVICE)
		return -ENODEV; /* it has just gone */
	return status == PCAP_ERROR_PERM_DENIED ? -EPERM : -EIO;
}

/* libpcap goes by the name, which may be another interface's by now. */
static int identify(struct pcap_socket *s, const struct interface *interface,
		    char reason[BACKEND_REASON])
{
	struct sockaddr_ll bound = {};
	socklen_t size = sizeof(bound);

	if (getsockname(pcap_get_selectable_fd(s->pcap), (struct sockaddr *)&bound, &size) ||
	    bound.sll_family != AF_PACKET || bound.sll_ifindex == (int)interface->ifindex)
		return 0;
	snprintf(reason, BACKEND_REASON, "interface %s is another one now", interface->name);
	return -ENODEV;
}

/* How long packets wait for a block to fill; 0: not at all. Half of what a sample may wait to be
 * printed, since a block may get a second term (breaks.h). */
static int block_ms(const struct backend_settings *settings)
{
	__u64 ms = settings->delay_ns / (2 * NS_PER_MS);

	if (settings->batch_limit > 1 || ms > PCAP_SOCKET_BLOCK_MS)
		return PCAP_SOCKET_BLOCK_MS;
	return ms < PCAP_SOCKET_BLOCK_LEAST_MS ? 0 : (int)ms;
}

static void choose(struct pcap_socket *s, const struct backend_settings *settings)
{
	int ms = block_ms(settings);

	pcap_set_snaplen(s->pcap, (int)settings->snaplen);
	pcap_set_promisc(s->pcap, 0);
	pcap_set_timeout(s->pcap, ms ? ms : PCAP_SOCKET_BLOCK_MS); /* 0: for ever */
	pcap_set_buffer_size(s->pcap, (int)settings->capture_buffer);
	pcap_set_immediate_mode(s->pcap, ms == 0);
	pcap_set_tstamp_precision(s->pcap, PCAP_TSTAMP_PRECISION_NANO); /* or else micro */
}

static int activate(struct pcap_socket *s, const char *device, bool shared,
		    char reason[BACKEND_REASON])
{
	char error[PCAP_ERRBUF_SIZE];
	int status = pcap_activate(s->pcap);

	if (status < 0)
		return explain(s, device, reason, status);
	if (shared && pcap_set_datalink(s->pcap, DLT_LINUX_SLL2)) {
		snprintf(reason, BACKEND_REASON,
			 "to tell which way packets go, libpcap 1.10 or later is needed");
		return -ENOTSUP;
	}
	if (frame_link_layer(pcap_datalink(s->pcap), &s->link)) {
		snprintf(reason, BACKEND_REASON, "%s: link type %d is not supported", device,
			 pcap_datalink(s->pcap));
		return -ENOTSUP;
	}
	if (pcap_setnonblock(s->pcap, 1, error))
		return explain(s, device, reason, PCAP_ERROR);
	pcap_filter_nothing(s->pcap); /* else it fills with what nobody wants */
	return 0;
}

int pcap_socket_open(struct pcap_socket *s, const struct interface *interface,
		     const struct backend_settings *settings, char reason[BACKEND_REASON])
{
	const char *device = interface ? interface->name : "any";
	char error[PCAP_ERRBUF_SIZE];
	int err;

	s->by_libpcap = false;
	s->pcap = pcap_create(device, error);
	if (!s->pcap) {
		snprintf(reason, BACKEND_REASON, "cannot capture on %s: %.180s", device, error);
		return -EIO;
	}
	choose(s, settings);
	err = activate(s, device, !interface, reason);
	if (!err && interface)
		err = identify(s, interface, reason);
	if (err) {
		pcap_close(s->pcap);
		s->pcap = NULL;
	}
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
