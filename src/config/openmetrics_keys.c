/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks where to listen, and that buckets are a ladder. */
#include "openmetrics_keys.h"

#include <errno.h>
#include <string.h>

#include "array.h"
#include "listen_address.h"
#include "number.h"
#include "units.h"

#define US 1000ULL
#define MS 1000000ULL

void openmetrics_default_buckets(struct bucket_bounds *bounds)
{
	static const __u64 ns[] = {
		10 * US,   25 * US,   50 * US,   100 * US,  250 * US,   500 * US,   1 * MS,
		2500 * US, 5 * MS,    10 * MS,   25 * MS,   50 * MS,    100 * MS,   250 * MS,
		500 * MS,  1000 * MS, 2500 * MS, 5000 * MS, 10000 * MS, 30000 * MS, 60000 * MS,
	};

	bounds->count = ARRAY_SIZE(ns);
	memcpy(bounds->ns, ns, sizeof(ns));
}

int read_openmetrics_listen(struct yaml_reader *reader, const struct yaml_key *key,
			    yaml_node_t *node, void *target)
{
	const char *text = yaml_text(reader, node, LISTEN_ACCEPTED);
	struct config *config = target;
	struct listen_address address;
	char quoted[QUOTED_TEXT];

	(void)key;
	if (!text)
		return 0;
	if (listen_address_parse(text, &address)) {
		mistake(reader->mistakes, "%s is not valid; accepted: " LISTEN_ACCEPTED,
			mistake_quote(text, quoted));
		return 0;
	}
	config->openmetrics_listen = strdup(text);
	return config->openmetrics_listen ? 0 : -ENOMEM;
}

/* Seconds become whole nanoseconds, so that what is shown is what is counted by. */
static bool parse_bound(const char *text, const struct yaml_key *key, __u64 *ns)
{
	double seconds;

	if (number_parse_decimal(text, key->min, key->max, &seconds))
		return false;
	*ns = (__u64)(seconds * (double)NS_PER_S + 0.5);
	return true;
}

static int read_bucket(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		       void *target)
{
	static const char accepted[] = "seconds, 0.000001 to 275, from the lowest to the highest";
	struct bucket_bounds *bounds = &((struct config *)target)->openmetrics_buckets;
	const char *text = yaml_text(reader, node, accepted);
	char quoted[QUOTED_TEXT];
	__u64 ns;

	if (!text)
		return 0;
	mistake_quote(text, quoted);
	if (!parse_bound(text, key, &ns))
		mistake(reader->mistakes, "%s is not a bound; accepted: %s", quoted, accepted);
	else if (bounds->count && ns <= bounds->ns[bounds->count - 1])
		mistake(reader->mistakes, "%s is not above the bound before it; accepted: %s",
			quoted, accepted);
	else if (bounds->count == BUCKETS_MAX)
		mistake(reader->mistakes, "%s is one too many; accepted: up to %d bounds", quoted,
			BUCKETS_MAX);
	else
		bounds->ns[bounds->count++] = ns;
	return 0;
}

int read_openmetrics_buckets(struct yaml_reader *reader, const struct yaml_key *key,
			     yaml_node_t *node, void *target)
{
	struct config *config = target;

	if (node->type == YAML_SEQUENCE_NODE &&
	    node->data.sequence.items.start == node->data.sequence.items.top) {
		mistake(reader->mistakes, "is empty; accepted: one bound or more, or no "
					  "openmetrics_buckets key");
		return 0;
	}
	config->openmetrics_buckets.count = 0;
	return yaml_read_list(reader, key, node, read_bucket, target);
}
