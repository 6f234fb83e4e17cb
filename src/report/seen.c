/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts what a capture file had besides samples, and words it, with the one advice that fits. */
#include "seen.h"
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OTHERS "others"

/* How long the sentence may be before the last kind that is named. */
#define INSIDE_MOST 256
#define UNREAD_MOST (SEEN_TEXT - 640)
#define LINKS_MOST  (SEEN_TEXT - 480)

static const char *const ours_names[] = {
	[SEEN_LOCAL] = "the --local addresses",
	[SEEN_PEERS] = "the peers",
};

/* A list in words, as long as there is room. */
struct list {
	char *text;
	size_t length;
	const char *separator; /* before the next item */
};

static void say(struct list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct list *list, const char *format, ...)
{
	char *to = list->text + list->length;
	size_t room = SEEN_TEXT - list->length;
	int before = snprintf(to, room, "%s", list->separator), length;
	va_list args;

	if ((size_t)before >= room)
		return;
	va_start(args, format);
	length = vsnprintf(to + before, room - (size_t)before, format, args);
	va_end(args);
	if (length < 0 || (size_t)(before + length) >= room) {
		*to = '\0'; /* no half items */
		return;
	}
	list->length += (size_t)(before + length);
	list->separator = ", ";
}

static void say_count(struct list *list, __u64 count, const char *what)
{
	if (count)
		say(list, "%llu %s", count, what);
}

void seen_count(struct seen_kind kinds[SEEN_KINDS], const char *name)
{
	struct seen_kind *kind = kinds;

	while (kind->packets && strncmp(kind->name, name, SEEN_NAME - 1)) {
		if (kind == &kinds[SEEN_KINDS - 1]) {
			name = OTHERS;
			break;
		}
		kind++;
	}
	snprintf(kind->name, SEEN_NAME, "%s", name);
	kind->packets++;
}

static __u64 sum(const struct seen_kind kinds[SEEN_KINDS])
{
	__u64 packets = 0;

	for (size_t i = 0; i < SEEN_KINDS; i++)
		packets += kinds[i].packets;
	return packets;
}

/* Packets that may have had samples, but are of kinds that are not read. */
static __u64 unread(const struct seen *seen)
{
	return sum(seen->unread) + sum(seen->links);
}

bool seen_matters(const struct seen *seen, const __u64 counters[COUNTERS])
{
	return !counters[COUNTER_SAMPLES] || unread(seen);
}

/* Once the sentence is most bytes long, further kinds count as others, so that there is room for
 * the rest. */
static void say_kinds(struct list *list, const struct seen_kind kinds[SEEN_KINDS], const char *what,
		      size_t most)
{
	__u64 others = 0;

	for (size_t i = 0; i < SEEN_KINDS && kinds[i].packets; i++) {
		if (list->length < most && strcmp(kinds[i].name, OTHERS) != 0)
			say(list, "%llu %s%s", kinds[i].packets, what, kinds[i].name);
		else
			others += kinds[i].packets;
	}
	if (others)
		say(list, "%llu %s" OTHERS, others, what);
}

static void say_unread(struct list *list, const struct seen *seen, const __u64 counters[COUNTERS])
{
	if (unread(seen)) {
		list->separator = list->length ? "; not read: " : "not read: ";
		say_kinds(list, seen->unread, "", UNREAD_MOST);
		say_kinds(list, seen->links, "of link type ", LINKS_MOST);
	}
	say_count(list, counters[COUNTER_FRAGMENTS], "IP fragments");
	say_count(list, counters[COUNTER_PARSE_ERRORS], "with headers cut short or wrong");
	say_count(list, seen->untimed, "without a time");
}

/* Why the TCP segments gave no sample. */
static void say_tcp(struct list *list, const struct seen *seen, const __u64 counters[COUNTERS])
{
	if (seen->packets)
		say(list, seen->tcp ? "%llu TCP" : "no TCP", seen->tcp);
	say_kinds(list, seen->inside, "of these in ", INSIDE_MOST);
	say_count(list, counters[COUNTER_COPIES], "of these seen twice");
	say_count(list, seen->other_ports, "of these left out by --port");
	if (seen->ours && seen->tcp && !seen->tcp_ours)
		say(list, "none of it to or from %s", ours_names[seen->ours]);
	else if (seen->ours && seen->tcp)
		say(list, "%llu of it to or from %s", seen->tcp_ours, ours_names[seen->ours]);
	if (seen->tcp_ours && !seen->data)
		say(list, "none with data to measure");
	say_count(list, seen->data, "with data");
	if (counters[COUNTER_FLOWS] > seen->answered)
		say(list, "%llu of %llu flows never answered",
		    counters[COUNTER_FLOWS] - seen->answered, counters[COUNTER_FLOWS]);
	say_count(list, seen->acks_alone, "ACKs of data that was not seen");
	say_count(list, counters[COUNTER_ACKS_UNSEEN], "ACKs beyond all data seen");
	say_count(list, counters[COUNTER_RETRANSMISSIONS], "segments sent again");
	say_count(list, counters[COUNTER_ACKS_AMBIGUOUS],
		  "ACKs left out since data was sent again");
	say_count(list, counters[COUNTER_ACKS_IMPLAUSIBLE], "ACKs that came too late");
}

/* For no TCP segments: goes by what there was most of instead. */
static const char *advice_unread(const struct seen *seen, const __u64 counters[COUNTERS])
{
	__u64 bad = counters[COUNTER_PARSE_ERRORS], hidden = sum(seen->unread);

	if (bad > unread(seen) && bad > counters[COUNTER_FRAGMENTS])
		return "capture more of each packet (tcpdump -s 256)";
	if (hidden)
		return "capture on the tunnel's own interface, where packets are not wrapped";
	if (seen->filtered)
		return "try another --filter";
	if (counters[COUNTER_FRAGMENTS])
		return "capture on an interface where packets are whole";
	return NULL;
}

/* For segments that count, but no samples. */
static const char *advice_ours(const struct seen *seen, const __u64 counters[COUNTERS])
{
	if (seen->data && counters[COUNTER_FLOWS] && !seen->answered)
		return "the capture must have both directions of a connection";
	if (seen->data)
		return NULL;
	if (!seen->sent || !seen->received)
		return "the capture must have both directions of a connection";
	if (seen->ours == SEEN_LOCAL)
		return "do others send the data? Try another --local, or none";
	if (seen->ours == SEEN_PEERS)
		return "do the peers send the data? Peers must be the hosts that receive it";
	return seen->acks_alone ? "the capture must have both directions of a connection" : NULL;
}

static const char *advice(const struct seen *seen, const __u64 counters[COUNTERS])
{
	if (counters[COUNTER_SAMPLES])
		return NULL;
	if (seen->tcp_ours)
		return advice_ours(seen, counters);
	if (seen->tcp && seen->other_ports == seen->tcp)
		return "are the ports right?";
	if (seen->tcp && seen->ours)
		return seen->ours == SEEN_LOCAL ? "try another --local, or none"
						: "are the peers right?";
	return advice_unread(seen, counters);
}

const char *seen_explain(const struct seen *seen, const __u64 counters[COUNTERS],
			 char text[SEEN_TEXT])
{
	struct list list = {.text = text, .separator = ""};
	const char *hint = advice(seen, counters);

	text[0] = '\0';
	if (!counters[COUNTER_SAMPLES]) {
		say(&list, "no samples: %llu packets seen", seen->packets);
		say_count(&list, seen->filtered, "of these left out by --filter");
		say_tcp(&list, seen, counters);
	}
	say_unread(&list, seen, counters);
	if (hint) {
		list.separator = "; ";
		say(&list, "%s", hint);
	}
	return text;
}

void seen_log(const struct seen *seen, const __u64 counters[COUNTERS], const char *what)
{
	char text[SEEN_TEXT];

	if (seen_matters(seen, counters))
		log_warning("%s: %s", what, seen_explain(seen, counters, text));
}
