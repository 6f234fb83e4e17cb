/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the window of a record through a cache of pairs of hosts, and folds pairs that are too
 * many. */
#include "series.h"
#include "key_hash.h"
#include "label.h"
#include "log.h"
#include "tags.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pairs of hosts whose window is remembered; for others it is looked up for each record. 7 MB. */
#define ROUTES_MAX 65536

#define OTHER      "other"

/* Flows that are alike in all of this go into one window. Of the ports it has what instances make
 * of them: ephemeral ones, which are in nobody's list, must not count as so many pairs. */
struct route_key {
	struct address src;
	struct address dst;
	__u32 ifindex;
	__u16 src_port; /* 0, unless it may be a tag */
	__u16 dst_port;
	__u64 lists; /* of ports, that either end is in */
};

static_assert(sizeof(struct route_key) == 2 * sizeof(struct address) + 4 + 2 * 2 + 8,
	      "struct route_key has padding, which the hash would read");

struct route {
	struct route_key key;
	struct window *window;
	UT_hash_handle hh;
};

/* Each list of tags begins with LIST: there is one for each instance, and at least one. */
#define LIST '\n'

static unsigned int lists_in(const char *tags)
{
	unsigned int count = 0;

	for (; *tags; tags++)
		count += *tags == LIST;
	return count;
}

/* ---- labels ---- */

/* Looked up again: a name may have been found since the window was opened. */
static const char *dst_of(const struct series *series, const struct peers *peers,
			  const struct window *window, char text[PREFIX_TEXT])
{
	const struct window_key *key = &window->key;
	const char *name = NULL;

	if (key->label)
		return key->label;
	if (peers && series->settings.aggregate.by == AGGREGATE_ADDRESS)
		name = peers_name(peers, key->ifindex, &key->dst);
	return name ? name : label_address(&key->dst, text);
}

static const char *src_of(const struct window *window, char text[PREFIX_TEXT])
{
	static const struct address any;

	if (!memcmp(&window->key.src, &any, sizeof(any)))
		return OTHER;
	return label_address(&window->key.src, text);
}

/* ---- tags ---- */

/* Of data that arrives. First of all, so that it stays, where a key can be there but once. */
#define TAG_IN "direction:in"

struct tag_lists {
	struct series *series;
	bool in;
	const struct flow_key *flow;
	const struct container *container; /* NULL: none is known */
	struct line line;
};

/* The end that is among the instance's ports: the peer's, if both are. */
static void add_port(struct line *line, size_t start, enum dialect dialect,
		     const struct instance *instance, const struct flow_key *flow)
{
	__u16 port =
		ports_have(instance->ports, flow->peer_port) ? flow->peer_port : flow->local_port;
	char tag[sizeof("port:65535")];

	snprintf(tag, sizeof(tag), "port:%u", port);
	tags_add_configured(line, start, dialect, tag);
}

static bool list_is_there(const struct line *lists, size_t start)
{
	const char *list = lists->text + start, *other = lists->text;
	size_t length = lists->length - start;

	while ((other = strstr(other, list)) != list)
		if (other[length] == LIST)
			return true;
		else
			other++;
	return false;
}

static void add_list(void *arg, const struct instance *instance)
{
	struct tag_lists *lists = arg;
	struct series *series = lists->series;
	struct line *line = &lists->line;
	size_t start = line->length;

	line_bytes(line, &(char){LIST}, 1);
	if (lists->in)
		tags_add_configured(line, start, series->settings.dialect, TAG_IN);
	if (instance && instance->tag_port)
		add_port(line, start, series->settings.dialect, instance, lists->flow);
	for (size_t i = 0; instance && i < instance->tags_count; i++)
		tags_add_configured(line, start, series->settings.dialect, instance->tags[i]);
	if (instance && instance->containers && lists->container)
		dialect_add_container(line, start, series->settings.dialect, lists->container);
	if (line->length > LINE_MAX_BYTES) {
		if (!series->told_tags)
			log_warning("the tags of all instances with the same peer are together "
				    "longer than %d bytes; the tags of some are left out",
				    LINE_MAX_BYTES);
		series->told_tags = true;
		line_cut(line, start);
	} else if (list_is_there(line, start)) {
		line_cut(line, start);
	}
}

/* A peer that a reload removed, or one of a capture file, belongs to no instance. */
static const char *tags_of(struct series *series, const struct peers *peers,
			   const struct container_table *containers, const struct flow_key *flow)
{
	struct tag_lists lists;

	lists.series = series;
	lists.in = interface_number_way(flow->ifindex) == WAY_IN;
	lists.flow = flow;
	lists.container =
		containers ? container_table_find(containers, interface_number_index(flow->ifindex))
			   : NULL;
	line_clear(&lists.line);
	if (peers)
		peers_each_instance(peers, flow, add_list, &lists);
	if (!lists.line.length)
		add_list(&lists, NULL);
	return intern_text(&series->interned, lists.line.text);
}

void series_each(struct series *series, const struct peers *peers, const struct window *window,
		 void (*fn)(void *arg, const struct window *window, const struct line *text),
		 void *arg)
{
	char src[PREFIX_TEXT], dst[PREFIX_TEXT];
	struct subject subject = {
		.src = src_of(window, src),
		.dst = dst_of(series, peers, window, dst),
		.iface = window->iface,
		.in = interface_number_way(window->key.ifindex) == WAY_IN,
	};
	const char *list = window->key.tags;
	struct line text;

	while (*list) {
		subject.tags = list + 1;
		subject.tags_length = strcspn(subject.tags, (char[]){LIST, '\0'});
		dialect_series(&text, series->settings.dialect, &subject);
		fn(arg, window, &text);
		list = subject.tags + subject.tags_length;
	}
}

/* ---- smoothed values ---- */

/* A name that differs for every two windows: with aggregate, peers of two instances may have one
 * label. */
static const char *smoothed_name(const struct series *series, const struct peers *peers,
				 const struct window *window, struct line *name)
{
	char src[PREFIX_TEXT], dst[PREFIX_TEXT], ifindex[16];

	snprintf(ifindex, sizeof(ifindex), " %u", window->key.ifindex);
	line_clear(name);
	line_text(name, src_of(window, src));
	line_text(name, " ");
	line_text(name, dst_of(series, peers, window, dst));
	line_text(name, ifindex);
	line_text(name, window->key.folded ? " folded" : "");
	line_text(name, window->key.tags);
	return name->text;
}

static void remember_smoothed(struct series *series, const struct peers *peers,
			      const struct window *window)
{
	const struct window_stats *stats = &window->stats;
	struct line name;

	if (stats->smoothed.started && stats->count)
		smoothed_put(&series->smoothed, smoothed_name(series, peers, window, &name),
			     &stats->smoothed, stats->last_time_ns);
}

static struct window *open_window(struct series *series, const struct peers *peers,
				  const struct window_key *key, const struct flow_record *record,
				  const char *iface)
{
	struct window *window = windows_open(&series->windows, key, iface);
	struct line name;

	if (window && series->windows.smooth)
		window->stats.smoothed =
			smoothed_get(&series->smoothed, smoothed_name(series, peers, window, &name),
				     record->time_ns);
	return window;
}

/* ---- places ---- */

static void close_window(struct series *series, struct window *window)
{
	if (!window->key.folded)
		series->places -= lists_in(window->key.tags);
	windows_close(&series->windows, window);
}

static void close_empty(struct series *series)
{
	struct window *window, *next;

	HASH_ITER (hh, series->windows.first, window, next)
		if (!window_has_data(window))
			close_window(series, window);
}

/* The window that held a place for an address passes it on to the window of its name. */
static void hand_over_place(struct series *series, const struct window_key *named,
			    const struct address *addr)
{
	struct window_key key = *named;
	struct window *nameless;

	key.label = NULL;
	key.dst = *addr;
	nameless = windows_find(&series->windows, &key);
	if (nameless && !window_has_data(nameless))
		close_window(series, nameless);
}

static bool has_place(const struct series *series, const struct window_key *key)
{
	return !series->settings.max_series ||
	       series->places + lists_in(key->tags) <= series->settings.max_series;
}

static struct window *folded_window(struct series *series, const struct peers *peers,
				    struct window_key *key, const struct flow_record *record,
				    const char *iface)
{
	struct window *window;

	key->folded = 1;
	key->dst = (struct address){0};
	key->label = intern_text(&series->interned, OTHER);
	if (!key->label)
		return NULL;
	window = windows_find(&series->windows, key);
	if (!window && series->others >= series->settings.max_series) {
		key->src = (struct address){0};
		window = windows_find(&series->windows, key);
	}
	if (window)
		return window;
	series->others += lists_in(key->tags);
	return open_window(series, peers, key, record, iface);
}

static struct window *window_for(struct series *series, const struct peers *peers,
				 const struct container_table *containers,
				 const struct delivery *delivery)
{
	const struct flow_record *record = delivery->record;
	const struct flow_key *flow = &record->key;
	struct window_key key = {.src = flow->local, .ifindex = flow->ifindex};
	char text[PREFIX_TEXT];
	const char *label = label_of(&series->settings.aggregate, peers, flow, text);
	struct window *window;

	key.tags = tags_of(series, peers, containers, flow);
	key.label = label ? intern_text(&series->interned, label) : NULL;
	if (!key.tags || (label && !key.label))
		return NULL;
	if (!label)
		key.dst = flow->peer;
	window = windows_find(&series->windows, &key);
	if (window)
		return window;
	if (label)
		hand_over_place(series, &key, &flow->peer);
	if (!has_place(series, &key))
		return folded_window(series, peers, &key, record, delivery->iface);
	window = open_window(series, peers, &key, record, delivery->iface);
	if (window)
		series->places += lists_in(key.tags);
	return window;
}

/* ---- routes ---- */

static void clear_routes(struct series *series)
{
	struct route *route, *next;

	HASH_ITER (hh, series->routes, route, next) {
		HASH_DEL(series->routes, route);
		free(route);
	}
}

/* One secret for all tables is enough: others cannot guess it. */
static __u32 route_hash(const struct route_key *key)
{
	static struct key_hash_secret secret;
	static bool drawn;

	if (!drawn)
		key_hash_draw(&secret);
	drawn = true;
	return key_hash(&secret, key, sizeof(*key));
}

/* Without a route the window is found, too, but that takes longer. */
static void add_route(struct series *series, const struct route_key *key, __u32 hash,
		      struct window *window)
{
	struct route *route;

	if (HASH_COUNT(series->routes) >= ROUTES_MAX)
		return;
	route = calloc(1, sizeof(*route));
	if (!route)
		return;
	route->key = *key;
	route->window = window;
	HASH_ADD_BYHASHVALUE(hh, series->routes, key, sizeof(route->key), hash, route);
	if (!route->hh.tbl) {
		free(route);
		return;
	}
	if (window->key.folded) {
		series->folded += lists_in(window->key.tags);
		series->folded_total += lists_in(window->key.tags);
	}
}

static struct route_key route_key_of(const struct peers *peers, const struct flow_key *flow)
{
	const struct peers_ports *ports = peers ? peers_ports(peers) : NULL;
	struct route_key key = {.src = flow->local, .dst = flow->peer, .ifindex = flow->ifindex};
	__u64 src, dst;

	if (!ports || !ports->count)
		return key;
	src = peers_ports_of(ports, flow->local_port);
	dst = peers_ports_of(ports, flow->peer_port);
	key.lists = src | dst;
	if (dst & ports->tagged)
		key.dst_port = flow->peer_port;
	if (src & ports->tagged & ~dst)
		key.src_port = flow->local_port;
	return key;
}

static struct window *find_window(struct series *series, const struct peers *peers,
				  const struct container_table *containers,
				  const struct delivery *delivery)
{
	struct route_key key = route_key_of(peers, &delivery->record->key);
	__u32 hash = route_hash(&key);
	struct window *window;
	struct route *route;

	if (peers != series->peers)
		series_forget_routes(series);
	series->peers = peers;
	HASH_FIND_BYHASHVALUE(hh, series->routes, &key, sizeof(key), hash, route);
	if (route)
		return route->window;
	window = window_for(series, peers, containers, delivery);
	if (window)
		add_route(series, &key, hash, window);
	return window;
}

struct window *series_take(struct series *series, const struct peers *peers,
			   const struct container_table *containers,
			   const struct delivery *delivery)
{
	const struct flow_record *record = delivery->record;
	struct window *window;

	if (!windows_want(&series->windows, record))
		return NULL;
	window = find_window(series, peers, containers, delivery);
	if (!window || window_add(&series->windows, window, record))
		series->lost += record->count;
	return window;
}

/* ---- life ---- */

void series_configure(struct series *series, const struct series_settings *settings)
{
	series_forget_routes(series);
	series->settings = *settings;
	series->smoothed.idle_ns = settings->idle_ns;
	if (!series->windows.smooth)
		smoothed_forget(&series->smoothed);
}

void series_forget_routes(struct series *series)
{
	clear_routes(series);
	close_empty(series);
}

void series_forget_interface(struct series *series, __u32 ifindex)
{
	struct route *route, *next;

	HASH_ITER (hh, series->routes, route, next) {
		if (ifindex && route->key.ifindex != ifindex)
			continue;
		HASH_DEL(series->routes, route);
		free(route);
	}
}

/* A window that had samples keeps its place for one interval. */
static void keep_or_close(struct series *series, struct window *window)
{
	struct smoothed smoothed = window->stats.smoothed;

	if (!series->settings.max_series || window->key.folded || !window_has_data(window)) {
		close_window(series, window);
		return;
	}
	window_reset(window);
	window->stats.smoothed = smoothed;
	intern_use(window->key.label);
	intern_use(window->key.tags);
}

void series_next_interval(struct series *series, const struct peers *peers)
{
	struct window *window, *next;

	clear_routes(series);
	HASH_ITER (hh, series->windows.first, window, next) {
		remember_smoothed(series, peers, window);
		keep_or_close(series, window);
	}
	intern_sweep(&series->interned);
	series->folded = series->lost = series->overlong = 0;
	series->others = 0;
}

void series_free(struct series *series)
{
	clear_routes(series);
	windows_clear(&series->windows);
	intern_sweep(&series->interned);
	intern_sweep(&series->interned);
	smoothed_forget(&series->smoothed);
}
