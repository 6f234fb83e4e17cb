/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Notes when an interface falls silent, and puts what passes instead into words. */
#include "silence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "clock.h"
#include "log.h"

#define PATIENCE_REPORTS 6
#define PATIENCE_S       60
#define WATCHED_S        10 /* or a report */

/* What has passed in the silence. */
struct passed {
	__u64 data_received, acks_received, acks_sent; /* without a connection of ours */
	__u32 answered, unanswered;                    /* connections */
	__u64 useless;   /* segments, of all interfaces: ambiguous, of data never seen .. */
	__u64 fragments; /* of all interfaces, and of anybody */
	__u64 lost;      /* packets of peers, by libpcap, of all interfaces */
};

static __u64 counted_since(const struct silence *s, const __u64 counters[COUNTERS],
			   enum counter counter)
{
	return counters[counter] - s->counters[counter];
}

static struct passed passed_since(const struct silence *s, const struct census_figures *now,
				  const __u64 counters[COUNTERS])
{
	static const enum counter useless[] = {COUNTER_ACKS_AMBIGUOUS, COUNTER_ACKS_UNSEEN,
					       COUNTER_ACKS_IMPLAUSIBLE, COUNTER_OUT_OF_WINDOW};
	const struct sightings *before = &s->before.seen;
	struct passed p = {
		.data_received = now->seen.data_received - before->data_received,
		.acks_received = now->seen.acks_received - before->acks_received,
		.acks_sent = now->seen.acks_sent - before->acks_sent,
		.unanswered = now->unanswered,
		.fragments = counted_since(s, counters, COUNTER_FRAGMENTS),
		.lost = counted_since(s, counters, COUNTER_CAPTURE_DROPS),
	};

	for (size_t i = 0; i < ARRAY_SIZE(useless); i++)
		p.useless += counted_since(s, counters, useless[i]);
	if (p.useless) /* else they may well be idle */
		p.answered = now->answered;
	return p;
}

__attribute__((format(printf, 3, 4))) static void add(char text[SILENCE_TEXT], __u64 number,
						      const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;

	if (!number)
		return;
	if (length)
		length += (size_t)snprintf(text + length, SILENCE_TEXT - length, ", ");
	va_start(args, format);
	if (length < SILENCE_TEXT)
		vsnprintf(text + length, SILENCE_TEXT - length, format, args);
	va_end(args);
}

/* Of data that arrives here: the peers receive it, and their ACKs leave. */
static const char *meaning_arriving(const struct passed *p)
{
	if (p->unanswered)
		return "do the ACKs for data that arrives here leave through another interface "
		       "(asymmetric routing)?";
	if (p->answered)
		return "does every packet pass here twice, or do some pass elsewhere?";
	if (p->data_received && p->acks_sent)
		return "only the peers send data, but only data that arrives for them is measured: "
		       "try direction: out, with its receivers as peers";
	if (p->data_received || p->acks_received)
		return "data for the peers arrives through another interface (asymmetric routing): "
		       "measure where both directions pass";
	if (p->acks_sent)
		return "only ACKs arrive here for the peers, but only data that arrives is "
		       "measured";
	return "fragments are not measured";
}

/* The likeliest. */
static const char *meaning(const struct passed *p, enum way way)
{
	bool received = p->data_received || p->acks_received;

	/* What else there is may be so because of that. */
	if (p->lost)
		return "libpcap loses packets, and around a loss nothing is measured: use the BPF "
		       "backend, a smaller snaplen, or fewer peers";
	if (way == WAY_IN)
		return meaning_arriving(p);
	if (p->unanswered && !received)
		return "do the peers answer, and do their ACKs arrive through another interface "
		       "(asymmetric routing)?";
	if (p->unanswered)
		return "do the ACKs for data that leaves here arrive through another interface "
		       "(asymmetric routing)?";
	if (p->answered)
		return "does every packet pass here twice, or do some pass elsewhere?";
	if (p->data_received && p->acks_sent)
		return "only the peers send data, but only data that leaves here is measured: "
		       "measure on the peers' side";
	if (received)
		return "what this host sends leaves through another interface (asymmetric "
		       "routing): measure where both directions pass";
	/* Data of peers is counted only where it belongs to no connection that is known here. */
	if (p->acks_sent)
		return "only ACKs leave here, but only data that leaves is measured: measure on "
		       "the peers' side, or, if this host's data leaves through another interface, "
		       "on that one";
	return "fragments are not measured";
}

bool silence_explain(const struct silence *s, enum way way, const struct census_figures *now,
		     const __u64 counters[COUNTERS], char text[SILENCE_TEXT])
{
	bool in = way == WAY_IN;
	struct passed p = passed_since(s, now, counters);
	size_t length;

	*text = '\0';
	add(text, p.lost, "%llu packets that libpcap lost", p.lost);
	add(text, p.unanswered, "%u connections to peers without any ACK", p.unanswered);
	add(text, p.answered,
	    "%u connections with %llu segments of no use (ambiguous, late, or for data that was "
	    "not seen)",
	    p.answered, p.useless);
	add(text, p.data_received, "%llu data segments from peers", p.data_received);
	add(text, p.acks_received, "%llu ACKs from peers for data that did not %s here",
	    p.acks_received, in ? "arrive" : "leave");
	add(text, p.acks_sent, "%llu ACKs to peers", p.acks_sent);
	add(text, p.fragments, "%llu IP fragments", p.fragments);
	length = strlen(text);
	if (!length)
		return false;
	snprintf(text + length, SILENCE_TEXT - length, ": %s", meaning(&p, way));
	return true;
}

/* Downloads are usual where there is something to measure at other times. */
static bool is_usual(const struct silence *s, const struct census_figures *now,
		     const __u64 counters[COUNTERS])
{
	return s->measured && !now->unanswered && now->seen.acks_sent > s->before.seen.acks_sent &&
	       !counted_since(s, counters, COUNTER_CAPTURE_DROPS);
}

/* Where nothing passes at all. */
static const char *hint(enum way way)
{
	return way == WAY_IN
		       ? "With direction: in, peers are the hosts that receive what arrives"
		       : "At the host's end of a container's interface it takes direction: in";
}

static void tell(struct silence *s, const char *iface, enum way way,
		 const struct census_figures *now, const struct silence_terms *terms)
{
	const char *data = way == WAY_IN ? " (data that arrives)" : "";
	double seconds = (double)(terms->now_ns - s->since_ns) / NS_PER_S;
	char text[SILENCE_TEXT];

	if (silence_explain(s, way, now, terms->counters, text)) {
		if (!is_usual(s, now, terms->counters))
			log_warning("%s: no round-trip time%s in %.0f s; seen instead: %s", iface,
				    data, seconds, text);
		s->told = true;
		return;
	}
	if (!s->measured && !s->told_nothing && !s->one_of_many)
		log_info("%s: no packet from or to a peer%s in %.0f s: are the addresses%s and the "
			 "interface right? %s",
			 iface, data, seconds, terms->ports ? ", the ports" : "", hint(way));
	s->told_nothing = true;
}

static bool is_long(const struct silence *s, const struct silence_terms *terms)
{
	double most = terms->watched ? WATCHED_S : PATIENCE_S;
	double patience = terms->interval_s * (terms->watched ? 1 : PATIENCE_REPORTS);

	if (patience > most)
		patience = most;
	/* Reports are not on time to the millisecond. */
	return (double)(terms->now_ns - s->since_ns) / NS_PER_S > patience - terms->interval_s / 2;
}

void silence_excuse(struct silence *s)
{
	s->since_ns = 0;
}

static void begin(struct silence *s, const struct census_figures *now,
		  const struct silence_terms *terms)
{
	s->since_ns = terms->now_ns;
	s->before = *now;
	memcpy(s->counters, terms->counters, sizeof(s->counters));
}

bool silence_follow(struct silence *s, const char *iface, enum way way,
		    const struct census_figures *now, const struct silence_terms *terms)
{
	bool heard = now->samples != s->before.samples;

	s->measured |= heard;
	s->told &= !heard;
	if (!s->since_ns || heard) {
		begin(s, now, terms);
		return !heard;
	}
	if (!s->told && is_long(s, terms)) {
		tell(s, iface, way, now, terms);
		begin(s, now, terms); /* what comes may be another matter */
	}
	return !s->told;
}
