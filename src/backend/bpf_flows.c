/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes the map of flows with its BTF, and walks it in batches that a program finishes where
 * needed. */
#include "bpf_flows.h"
#include "batch.h"
#include "eviction.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP 256 /* flows looked at in one step: about 100 KB of them at 32 marks */

/*
 * The kernel lets a program lock a value only if BTF says where in the value the lock is, and that
 * BTF must give the value's size, which we know only now. This describes as little as possible: a
 * structure of the right size with the lock, and no other fields.
 */
static struct btf *flow_btf(unsigned int marks, int *key_id, int *value_id)
{
	struct btf *btf = btf__new_empty();
	int u32, bytes, lock;

	if (!btf)
		return NULL;
	u32 = btf__add_int(btf, "unsigned int", 4, 0);
	bytes = btf__add_array(btf, u32, u32, sizeof(struct flow_key) / 4);
	*key_id = btf__add_struct(btf, "flow_key", sizeof(struct flow_key));
	btf__add_field(btf, "words", bytes, 0, 0);
	lock = btf__add_struct(btf, "bpf_spin_lock", 4);
	btf__add_field(btf, "val", u32, 0, 0);
	*value_id = btf__add_struct(btf, "flow", FLOW_SIZE(marks));
	if (btf__add_field(btf, "lock", lock, 8 * offsetof(struct flow, lock), 0) ||
	    btf__load_into_kernel(btf)) {
		btf__free(btf);
		return NULL;
	}
	return btf;
}

int flow_map_create(unsigned int marks, unsigned int max_flows, bool lock)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int key_id, value_id, fd;
	struct btf *btf = NULL;

	if (lock) {
		btf = flow_btf(marks, &key_id, &value_id);
		if (!btf)
			return -errno;
		opts.btf_fd = btf__fd(btf);
		opts.btf_key_type_id = key_id;
		opts.btf_value_type_id = value_id;
	}
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "flows", sizeof(struct flow_key), FLOW_SIZE(marks),
			    max_flows, &opts);
	if (fd < 0)
		fd = -errno;
	btf__free(btf);
	return fd;
}

struct flow_walk {
	int flows;
	int sweep;
	size_t flow_size;
	bool under_way;
	__u32 position; /* the kernel's, between two steps */
	struct eviction eviction;
	struct flow_key *keys;
	char *values;
};

int flow_walk_new(struct flow_walk **walk, int flows, int sweep, unsigned int marks)
{
	struct flow_walk *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->flows = flows;
	w->sweep = sweep;
	w->flow_size = FLOW_SIZE(marks);
	w->keys = calloc(STEP, sizeof(*w->keys));
	w->values = calloc(STEP, w->flow_size);
	if (!w->keys || !w->values) {
		flow_walk_free(w);
		return -ENOMEM;
	}
	*walk = w;
	return 0;
}

void flow_walk_free(struct flow_walk *w)
{
	if (!w)
		return;
	free(w->keys);
	free(w->values);
	free(w);
}

static int request_run(const struct flow_walk *w, struct sweep_request *request)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = request, .data_size_in = sizeof(*request));

	if (!request->count)
		return 0;
	if (bpf_prog_test_run_opts(w->sweep, &opts))
		return -errno;
	request->count = 0;
	return 0;
}

static int request_add(const struct flow_walk *w, struct sweep_request *request,
		       const struct flow_key *key)
{
	request->keys[request->count++] = *key;
	return request->count == SWEEP_KEYS ? request_run(w, request) : 0;
}

/* Passes on to the program those of n flows that need something done. */
static int step_flows(struct flow_walk *w, const struct flow_walk_terms *terms, __u32 n)
{
	struct sweep_request tend = {.terms = terms->over};
	struct sweep_request drop = {.drop = 1};
	int err = 0;

	tend.terms.crowded = w->eviction.before;

	for (__u32 i = 0; i < n && !err; i++) {
		const struct flow_key *key = &w->keys[i];
		const struct flow *f = (const void *)(w->values + i * w->flow_size);

		if (terms->peers && !peers_match(terms->peers, key))
			err = request_add(w, &drop, key);
		else if (batch_waits(f) || flow_is_over(f, &tend.terms) ||
			 flow_gives_way(f, &tend.terms))
			err = request_add(w, &tend, key);
		if (terms->told && !flow_is_over(f, &tend.terms))
			peers_see_flow(terms->told, key->ifindex, &key->peer);
		eviction_see(&w->eviction, f);
		if (terms->census)
			census_see(terms->census, key->ifindex, f, &terms->over);
	}
	if (!err)
		err = request_run(w, &drop);
	return err ? err : request_run(w, &tend);
}

int flow_walk_step(struct flow_walk *w, const struct flow_walk_terms *terms)
{
	__u32 n = STEP;
	bool last;
	int err;

	if (!w->under_way) {
		eviction_begin(&w->eviction, &terms->over, terms->flows, terms->max_flows);
		if (terms->census)
			census_begin(terms->census);
	}
	err = bpf_map_lookup_batch(w->flows, w->under_way ? &w->position : NULL, &w->position,
				   w->keys, w->values, &n, NULL);
	last = err && errno == ENOENT;
	if (err && !last) {
		w->under_way = false;
		return -errno;
	}
	w->under_way = !last;
	err = step_flows(w, terms, n);
	return err ? err : last;
}
