/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes a header apart, item by item and parameter by parameter, without copying any of it. */
#include "negotiation.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A part of a header. */
struct span {
	const char *at;
	size_t length;
};

static struct span trim(struct span span)
{
	while (span.length && isspace((unsigned char)*span.at)) {
		span.at++;
		span.length--;
	}
	while (span.length && isspace((unsigned char)span.at[span.length - 1]))
		span.length--;
	return span;
}

/* Takes the part before the separator off the front of rest, without white space around it. One in
 * quotes is none. False: nothing is left. */
static bool take(struct span *rest, char separator, struct span *part)
{
	bool quoted = false;
	size_t n = 0;

	if (!rest->length)
		return false;
	for (; n < rest->length && (quoted || rest->at[n] != separator); n++) {
		if (quoted && rest->at[n] == '\\' && n + 1 < rest->length)
			n++;
		else if (rest->at[n] == '"')
			quoted = !quoted;
	}
	*part = trim((struct span){rest->at, n});
	n += n < rest->length;
	rest->at += n;
	rest->length -= n;
	return true;
}

static bool is(struct span span, const char *text)
{
	return span.length == strlen(text) && !strncasecmp(span.at, text, span.length);
}

/* In thousandths: 1, 0.5, 0.123. What is none counts as 1. */
static unsigned int quality(struct span value)
{
	unsigned int weight = 1000, scale = 100;

	if (!value.length || (value.at[0] != '0' && value.at[0] != '1') ||
	    (value.length > 1 && value.at[1] != '.'))
		return weight;
	weight = value.at[0] == '1' ? 1000 : 0;
	for (size_t i = 2; i < value.length && scale; i++, scale /= 10) {
		if (!isdigit((unsigned char)value.at[i]))
			return 1000;
		weight += (unsigned int)(value.at[i] - '0') * scale;
	}
	return weight < 1000 ? weight : 1000;
}

/* One item of a header, "NAME; version=V; q=Q". */
struct item {
	struct span name;
	struct span version; /* empty: any */
	unsigned int weight;
};

static struct span unquote(struct span span)
{
	if (span.length >= 2 && span.at[0] == '"' && span.at[span.length - 1] == '"')
		return (struct span){span.at + 1, span.length - 2};
	return span;
}

static bool take_item(struct span *rest, struct item *item)
{
	struct span whole, parameter, key;

	if (!take(rest, ',', &whole))
		return false;
	*item = (struct item){.weight = 1000};
	take(&whole, ';', &item->name);
	while (take(&whole, ';', &parameter)) {
		take(&parameter, '=', &key);
		if (is(key, "q"))
			item->weight = quality(trim(parameter));
		else if (is(key, "version"))
			item->version = unquote(trim(parameter));
	}
	return true;
}

/* ---- formats ---- */

/* How exactly the item means the format; 0: it does not. */
static unsigned int fits(const struct item *item, enum exposition_format format)
{
	static const struct {
		const char *name, *range, *version;
	} formats[] = {
		[EXPOSITION_TEXT] = {"text/plain", "text/*", "0.0.4"},
		[EXPOSITION_OPENMETRICS] = {"application/openmetrics-text", "application/*",
					    "1.0.0"},
	};
	bool versioned = item->version.length;

	if (is(item->name, formats[format].name) &&
	    (!versioned || is(item->version, formats[format].version)))
		return versioned ? 4 : 3;
	if (is(item->name, formats[format].range))
		return 2;
	return is(item->name, "*/*");
}

/* The weight of the item that means the format most exactly. */
static unsigned int weight_of(const char *accept, enum exposition_format format)
{
	struct span rest = {accept, strlen(accept)};
	unsigned int exactness = 0, weight = 0;
	struct item item;

	while (take_item(&rest, &item)) {
		unsigned int now = fits(&item, format);

		if (now > exactness || (now && now == exactness && item.weight > weight)) {
			exactness = now;
			weight = item.weight;
		}
	}
	return weight;
}

enum exposition_format negotiate_format(const char *accept)
{
	if (accept &&
	    weight_of(accept, EXPOSITION_OPENMETRICS) > weight_of(accept, EXPOSITION_TEXT))
		return EXPOSITION_OPENMETRICS;
	return EXPOSITION_TEXT;
}

/* ---- encodings ---- */

bool negotiate_gzip(const char *accept_encoding)
{
	struct span rest = {accept_encoding, accept_encoding ? strlen(accept_encoding) : 0};
	bool named = false, any = false, gzip = false;
	struct item item;

	while (take_item(&rest, &item)) {
		if (is(item.name, "gzip") || is(item.name, "x-gzip")) {
			named = true;
			gzip = item.weight > 0;
		} else if (is(item.name, "*")) {
			any = item.weight > 0;
		}
	}
	return named ? gzip : any;
}
