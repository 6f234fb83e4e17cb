/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks addresses, hosts and tags as they were typed, and hints at what was meant. */
#include "instance.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "host_name.h"

/*
 * A datagram has 1432 bytes and a metric is never split: this is what the longest metric name,
 * value, two host names and an interface leave to the tags.
 */
#define TAGS_MAX        800
#define CONTAINER_BYTES 200 /* of a container's tags and origin, out of the above */
#define PORT_BYTES      (sizeof("port:65535,") - 1)

#define ACCEPTED_PREFIX "an IPv4 or IPv6 address or a network such as 10.0.0.0/8"
#define ACCEPTED_HOST   "a host name or an address"

static int append_text(char ***array, size_t *count, const char *text)
{
	char **grown = array_grow(*array, *count, sizeof(**array));

	if (!grown)
		return -ENOMEM;
	*array = grown;
	grown[*count] = strdup(text);
	if (!grown[*count])
		return -ENOMEM;
	(*count)++;
	return 0;
}

static int append_prefix(struct instance *instance, const struct prefix *prefix)
{
	struct prefix *grown = array_grow(instance->ips, instance->ips_count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	instance->ips = grown;
	grown[instance->ips_count++] = *prefix;
	return 0;
}

int instance_set_pcap(struct instance *instance, struct mistakes *mistakes, const char *path)
{
	if (!*path) {
		mistake(mistakes, "is empty; accepted: the path of a capture file");
		return 0;
	}
	if (strnlen(path, PATH_MAX + 1) > PATH_MAX) { /* aliases may repeat what is not copied */
		mistake(mistakes,
			"is too long; accepted: the path of a capture file, up to %d bytes",
			PATH_MAX);
		return 0;
	}
	instance->pcap = strdup(path);
	return instance->pcap ? 0 : -ENOMEM;
}

/* Reports what prefix_parse found wrong with the text. */
static void report_prefix(struct mistakes *mistakes, const char *text, int err,
			  const struct prefix *prefix, const char *accepted)
{
	char quoted[QUOTED_TEXT], network[PREFIX_TEXT];

	mistake_quote(text, quoted);
	if (err == -ERANGE)
		mistake(mistakes, "%s has too many prefix bits; accepted: /0 to /%d", quoted,
			strchr(text, ':') ? 128 : 32);
	else if (err == -EDOM)
		mistake(mistakes,
			"%s has bits set beyond the prefix; accepted: %s for the whole "
			"network, or the address without /BITS",
			quoted, prefix_format(prefix, network));
	else if (strchr(text, '%'))
		mistake(mistakes,
			"%s has a zone, but the instance's interface says that already; accepted: "
			"the address without %%ZONE",
			quoted);
	else
		mistake(mistakes, "%s is not valid; accepted: %s%s", quoted, accepted,
			host_name_hint(text));
}

int instance_add_ip(struct instance *instance, struct mistakes *mistakes, const char *text)
{
	char quoted[QUOTED_TEXT];
	struct prefix prefix;
	int err = prefix_parse(text, &prefix);

	if (!err)
		return append_prefix(instance, &prefix);
	if (err == -EINVAL && host_name_is_valid(text))
		mistake(mistakes, "%s is a name; put it under hosts; accepted: " ACCEPTED_PREFIX,
			mistake_quote(text, quoted));
	else
		report_prefix(mistakes, text, err, &prefix, ACCEPTED_PREFIX);
	return 0;
}

int instance_add_host(struct instance *instance, struct mistakes *mistakes, const char *text)
{
	char quoted[QUOTED_TEXT];
	struct prefix prefix;
	int err = prefix_parse(text, &prefix);

	if (!err && !strchr(text, '/'))
		return append_prefix(instance, &prefix);
	if (err == -EINVAL && host_name_is_valid(text))
		return append_text(&instance->hosts, &instance->hosts_count, text);
	if (err == -EINVAL)
		report_prefix(mistakes, text, err, &prefix, ACCEPTED_HOST);
	else
		mistake(mistakes, "%s is a network; put it under ips; accepted: " ACCEPTED_HOST,
			mistake_quote(text, quoted));
	return 0;
}

int instance_add_peer(struct instance *instance, struct mistakes *mistakes, const char *text)
{
	struct prefix prefix;
	int err = prefix_parse(text, &prefix);

	if (!err)
		return append_prefix(instance, &prefix);
	if (err == -EINVAL && host_name_is_valid(text))
		return append_text(&instance->hosts, &instance->hosts_count, text);
	report_prefix(mistakes, text, err, &prefix,
		      "an address, a network such as 10.0.0.0/8, or a host name");
	return 0;
}

static bool tag_is_clean(const char *tag)
{
	for (; *tag; tag++)
		if (iscntrl((unsigned char)*tag) || strchr("|#", *tag))
			return false;
	return true;
}

int instance_add_tag(struct instance *instance, struct mistakes *mistakes, const char *tag)
{
	char quoted[QUOTED_TEXT];

	if (!*tag) {
		mistake(mistakes, "is empty; accepted: a tag such as env:production");
		return 0;
	}
	/* Aliases may repeat a long one a hundred thousand times: it is not even copied. */
	if (strnlen(tag, TAGS_MAX + 1) > TAGS_MAX) {
		mistake(mistakes,
			"%s is too long for a StatsD datagram; accepted: all tags together up to "
			"%d bytes",
			mistake_quote(tag, quoted), TAGS_MAX);
		return 0;
	}
	if (!tag_is_clean(tag)) {
		mistake(mistakes,
			"%s would break the StatsD line; accepted: a tag without "
			"'|', '#', newlines and other control characters",
			mistake_quote(tag, quoted));
		return 0;
	}
	return append_text(&instance->tags, &instance->tags_count, tag);
}

void instance_check_tags(const struct instance *instance, struct mistakes *mistakes)
{
	size_t length = 0;
	int most = TAGS_MAX - (instance->containers ? CONTAINER_BYTES : 0) -
		   (instance->tag_port ? (int)PORT_BYTES : 0);

	for (size_t i = 0; i < instance->tags_count; i++)
		length += strlen(instance->tags[i]) + 1;
	if (length > (size_t)most)
		mistake(mistakes,
			"are %zu bytes long together, too many for a StatsD datagram%s; accepted: "
			"up to %d, counting a comma for each",
			length, instance->containers ? " that has those of containers, too" : "",
			most);
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void instance_clear(struct instance *instance)
{
	free(instance->interface);
	free(instance->pcap);
	free(instance->ips);
	free_texts(instance->hosts, instance->hosts_count);
	free_texts(instance->tags, instance->tags_count);
	free(instance->ports);
}
