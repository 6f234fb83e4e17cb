/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes the peers while the programs run: no packet of a peer is missed in between. */
#include "bpf_peers.h"
#include "bpf_filter.h"
#include "descriptor.h"
#include "peer_key.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* From what the kernel has to what it is to have. */
struct change {
	struct bpf_programs *programs;
	struct port_groups groups;
	struct held_peers held;
	struct held_interfaces interfaces;
	int hosts;                      /* the map of addresses that is to be in use .. */
	size_t room;                    /* .. and how many entries it takes */
	bool anew;                      /* it is another one, in which there is nothing yet */
	bool begun;                     /* to write peers */
	const struct held_peer *failed; /* could not be written */
	bool stuck;                     /* nor could one that was, as it had been before */
};

/* ---- the map of addresses ---- */

/* The programs use this map from now on. The kernel then waits until none runs that began before
 * (12 to 90 ms; Linux 5.0 and later, for any map of maps). */
static int hosts_use(const struct bpf_programs *p, int map)
{
	__u32 zero = 0;

	return bpf_map_update_elem(bpf_map__fd(p->skel->maps.peer_hosts), &zero, &map, BPF_ANY)
		       ? -errno
		       : 0;
}

static int count_added(void *arg, struct held_peer *before, const struct held_peer *after)
{
	if (!before && prefix_is_host(&after->prefix))
		++*(size_t *)arg;
	return 0;
}

/* With all that goes, until it has gone. */
static size_t entries_needed(const struct change *c)
{
	const struct bpf_programs *p = c->programs;
	size_t added = 0;

	held_peers_compare(&p->held, &c->held, count_added, &added);
	return p->held.hosts + added + p->interfaces.count + c->interfaces.count +
	       p->groups.entries + c->groups.entries;
}

/* How large a map has these entries, and not much more. */
static size_t hosts_room(const struct change *c)
{
	size_t count = c->held.hosts + c->interfaces.count + c->groups.entries;
	size_t room = PEER_HOSTS_MIN;

	while (room < count && room < 2 * PEERS_MAX)
		room *= 2;
	return room;
}

/* The map that is there does if it has room, and not four times what it needs. */
static int hosts_choose(struct change *c)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	const struct bpf_programs *p = c->programs;

	c->hosts = p->hosts;
	c->room = p->hosts_room;
	if (c->held.hosts > PEERS_MAX)
		return -E2BIG;
	if (p->hosts >= 0 && entries_needed(c) <= c->room && c->room / 4 < hosts_room(c))
		return 0;
	c->anew = true;
	c->room = hosts_room(c);
	c->hosts = bpf_map_create(BPF_MAP_TYPE_HASH, "peer_hosts", sizeof(struct peer_host),
				  sizeof(__u32), (__u32)c->room, &opts);
	return c->hosts < 0 ? -errno : 0;
}

/* ---- single peers ---- */

static int network_write(const struct change *c, const struct held_peer *peer, const __u32 *group)
{
	int map = bpf_map__fd(c->programs->skel->maps.peer_networks);
	struct peer_network key =
		peer_network_key(peer->set, &peer->prefix.addr, peer->prefix.bits);

	return group ? bpf_map_update_elem(map, &key, group, BPF_ANY)
		     : bpf_map_delete_elem(map, &key);
}

static int host_write(const struct change *c, const struct held_peer *peer, const __u32 *group)
{
	struct peer_host key = {.set = peer->set, .addr = peer->prefix.addr};

	return group ? bpf_map_update_elem(c->hosts, &key, group, BPF_ANY)
		     : bpf_map_delete_elem(c->hosts, &key);
}

/* The peer has this group from now on; NULL: it goes. A new map of addresses is filled at once,
 * elsewhere. */
static int peer_write(const struct change *c, const struct held_peer *peer, const __u32 *group)
{
	bool host = prefix_is_host(&peer->prefix);

	if (host && c->anew)
		return 0;
	return (host ? host_write : network_write)(c, peer, group) ? -errno : 0;
}

static int peer_add(void *arg, struct held_peer *before, const struct held_peer *after)
{
	struct change *c = arg;
	int err = after ? peer_write(c, after, &after->group) : 0;

	(void)before;
	c->failed = err ? after : NULL;
	return err;
}

static int peer_drop(void *arg, struct held_peer *before, const struct held_peer *after)
{
	return after ? 0 : (peer_write(arg, before, NULL), 0);
}

/* Takes back what peer_add did before it failed. */
static int peer_restore(void *arg, struct held_peer *before, const struct held_peer *after)
{
	struct change *c = arg;

	if (after && after == c->failed)
		return 1;
	if (after && peer_write(c, after, before ? &before->group : NULL) && before) {
		before->group = after->group; /* so it stays */
		c->stuck = true;
	}
	return 0;
}

/* ---- interfaces ---- */

static int interfaces_write(const struct held_interfaces *interfaces, int map)
{
	for (size_t i = 0; i < interfaces->count; i++) {
		struct peer_host key = peer_interface_key(interfaces->at[i].number);

		if (bpf_map_update_elem(map, &key, &interfaces->at[i].set, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Takes out those that are not among others. */
static void interfaces_drop(const struct held_interfaces *interfaces,
			    const struct held_interfaces *others, int map)
{
	for (size_t i = 0; i < interfaces->count; i++) {
		struct peer_host key = peer_interface_key(interfaces->at[i].number);

		if (!held_interfaces_have(others, interfaces->at[i].number))
			bpf_map_delete_elem(map, &key);
	}
}

static void interfaces_take(struct bpf_programs *p, struct held_interfaces *interfaces)
{
	held_interfaces_clear(&p->interfaces);
	p->interfaces = *interfaces;
}

int bpf_peers_set_interfaces(struct bpf_programs *p, const struct peers *peers)
{
	struct held_interfaces interfaces;

	if (held_interfaces_list(&interfaces, peers)) {
		log_error("telling the kernel the interfaces: out of memory");
		return -ENOMEM;
	}
	if (interfaces_write(&interfaces, p->hosts)) { /* a larger one, or the reason why not */
		interfaces_drop(&interfaces, &p->interfaces, p->hosts);
		held_interfaces_clear(&interfaces);
		return bpf_peers_set(p, peers);
	}
	interfaces_drop(&p->interfaces, &interfaces, p->hosts);
	interfaces_take(p, &interfaces);
	return 0;
}

/* ---- all of them ---- */

static int change_prepare(struct change *c, const struct peers *peers)
{
	int err = port_groups_make(&c->groups, &c->programs->groups, peers);

	if (!err)
		err = held_peers_list(&c->held, peers, &c->groups);
	if (!err)
		err = held_interfaces_list(&c->interfaces, peers);
	return err ? err : hosts_choose(c);
}

static int hosts_fill(const struct change *c)
{
	for (size_t i = 0; i < c->held.count; i++)
		if (prefix_is_host(&c->held.at[i].prefix) &&
		    host_write(c, &c->held.at[i], &c->held.at[i].group))
			return -errno;
	return 0;
}

/* What comes is there before anything goes, and the ports of a group before a peer is in it. So a
 * peer that moves from the addresses to a network, or the other way round, is not missed in
 * between, nor one whose ports or set change. */
static int change_add(struct change *c)
{
	const struct bpf_programs *p = c->programs;
	int err = port_groups_fill(&c->groups, c->hosts, c->anew);

	if (c->anew && p->hosts >= 0) /* networks are in both, until the map changes */
		port_groups_fill(&c->groups, p->hosts, false); /* if it has room */
	c->begun = !err;
	if (!err)
		err = held_peers_compare(&p->held, &c->held, peer_add, c);
	if (!err && c->anew)
		err = hosts_fill(c);
	if (!err)
		err = interfaces_write(&c->interfaces, c->hosts);
	return err || !c->anew ? err : hosts_use(p, c->hosts);
}

/* Where a peer stays in a new group, so do its ports, until the next change. */
static void change_undo(struct change *c)
{
	struct bpf_programs *p = c->programs;

	interfaces_write(&p->interfaces, p->hosts); /* while both sets have their peers */
	if (c->begun)
		held_peers_compare(&p->held, &c->held, peer_restore, c);
	if (c->stuck)
		port_groups_hold(&p->groups, &c->groups);
	if (p->hosts < 0)
		return;
	interfaces_drop(&c->interfaces, &p->interfaces, p->hosts);
	port_groups_drop(&c->groups, &p->groups, p->hosts);
}

/* Nothing of this can fail. */
static void change_settle(struct change *c)
{
	struct bpf_programs *p = c->programs;

	held_peers_compare(&p->held, &c->held, peer_drop, c);
	if (c->anew) {
		descriptor_close(&p->hosts);
	} else {
		interfaces_drop(&p->interfaces, &c->interfaces, c->hosts);
		port_groups_drop(&p->groups, &c->groups, c->hosts);
	}
	if (peer_filters_settle(&p->skel->bss->peer_filters))
		hosts_use(p, c->hosts); /* again: to wait for the programs */
	p->hosts = c->hosts;
	p->hosts_room = c->room;
	held_peers_clear(&p->held);
	p->held = c->held;
	interfaces_take(p, &c->interfaces);
	port_groups_clear(&p->groups);
	p->groups = c->groups;
}

static void change_clear(struct change *c)
{
	if (c->anew)
		descriptor_close(&c->hosts);
	held_peers_clear(&c->held);
	held_interfaces_clear(&c->interfaces);
	port_groups_clear(&c->groups);
}

int bpf_peers_set(struct bpf_programs *p, const struct peers *peers)
{
	struct change c = {.programs = p, .hosts = -1};
	int err = change_prepare(&c, peers);

	if (!err) {
		peer_filters_admit(&p->skel->bss->peer_filters, &c.held, peers);
		err = change_add(&c);
		if (err)
			change_undo(&c);
	}
	if (err) {
		change_clear(&c);
		log_error("cannot set the peers in the kernel: %s (at most %d addresses and as "
			  "many networks; before Linux 5.10, %d addresses)",
			  strerror(-err), PEERS_MAX, PEER_HOSTS_MIN);
		return err;
	}
	change_settle(&c);
	return 0;
}
