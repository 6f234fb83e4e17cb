/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes the map of flows with its BTF, and walks it in batches that a program finishes where
 * needed. */
#include "bpf_flows.h"
#include "batch.h"
#include "eviction.h"
#include "flow_slot.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP 256 /* slots looked at in one step: about 110 KB of them at 32 marks */

/*
 * The kernel lets a program lock a value only if BTF says where in the value the lock is, and that
 * BTF must give the value's size, which we know only now. This describes as little as possible: a
 * structure of the right size with the lock, and no other fields.
 */
static struct btf *flow_btf(unsigned int marks, int *key_id, int *value_id)
{
	const __u32 at = offsetof(struct flow_slot, flow) + offsetof(struct flow, lock);
	struct btf *btf = btf__new_empty();
	int lock;

	if (!btf)
		return NULL;
	*key_id = btf__add_int(btf, "unsigned int", 4, 0);
	lock = btf__add_struct(btf, "bpf_spin_lock", 4);
	btf__add_field(btf, "val", *key_id, 0, 0);
	*value_id = btf__add_struct(btf, "flow_slot", FLOW_SLOT_SIZE(marks));
	if (btf__add_field(btf, "lock", lock, 8 * at, 0) || btf__load_into_kernel(btf)) {
		btf__free(btf);
		return NULL;
	}
	return btf;
}

int flow_map_create(unsigned int marks, unsigned int max_flows, bool lock)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
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
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "flows", sizeof(__u32), FLOW_SLOT_SIZE(marks),
			    max_flows, &opts);
	if (fd < 0)
		fd = -errno;
	btf__free(btf);
	return fd;
}

struct flow_walk {
	int flows;
	int sweep;
	int fresh;
	size_t slot_size;
	bool under_way;
	__u32 position; /* the kernel's, between two steps */
	__u32 left;     /* slots that were in use once, and have not been looked at */
	struct eviction eviction;
	__u32 *numbers;
	char *slots;
};

int flow_walk_new(struct flow_walk **walk, int flows, int fresh, int sweep, unsigned int marks)
{
	struct flow_walk *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->flows = flows;
	w->fresh = fresh;
	w->sweep = sweep;
	w->slot_size = FLOW_SLOT_SIZE(marks);
	w->numbers = calloc(STEP, sizeof(*w->numbers));
	w->slots = calloc(STEP, w->slot_size);
	if (!w->numbers || !w->slots) {
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
	free(w->numbers);
	free(w->slots);
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

static int request_add(const struct flow_walk *w, struct sweep_request *request, __u32 number,
		       __u32 tag)
{
	request->flows[request->count++] = (struct sweep_flow){.slot = number, .tag = tag};
	return request->count == SWEEP_FLOWS ? request_run(w, request) : 0;
}

/* Passes on to the program those of n flows that need something done. */
static int step_flows(struct flow_walk *w, const struct flow_walk_terms *terms, __u32 n)
{
	struct sweep_request tend = {.terms = terms->over};
	struct sweep_request drop = {.drop = 1};
	int err = 0;

	tend.terms.crowded = w->eviction.before;

	for (__u32 i = 0; i < n && !err; i++) {
		const struct flow_slot *slot = (const void *)(w->slots + i * w->slot_size);
		const struct flow_key *key = &slot->key;
		const struct flow *f = &slot->flow;

		/* Free, or it became another flow's while it was copied. */
		if (!f->tag || f->tag != flow_tag(key))
			continue;
		if (terms->peers && !peers_match(terms->peers, key))
			err = request_add(w, &drop, w->numbers[i], f->tag);
		else if (batch_waits(f) || flow_is_over(f, &tend.terms) ||
			 flow_gives_way(f, &tend.terms))
			err = request_add(w, &tend, w->numbers[i], f->tag);
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

static int walk_begin(struct flow_walk *w, const struct flow_walk_terms *terms)
{
	struct fresh_slots fresh;
	__u32 zero = 0;

	eviction_begin(&w->eviction, &terms->over, terms->flows, terms->max_flows);
	if (terms->census)
		census_begin(terms->census);
	if (bpf_map_lookup_elem(w->fresh, &zero, &fresh))
		return -errno;
	w->left = fresh.first;
	return 0;
}

/* Reads the next slots; n becomes their number, 0 if there are none. Returns 0 or -errno. */
static int step_read(struct flow_walk *w, __u32 *n)
{
	int err;

	*n = w->left < STEP ? w->left : STEP;
	if (!*n)
		return 0;
	err = bpf_map_lookup_batch(w->flows, w->under_way ? &w->position : NULL, &w->position,
				   w->numbers, w->slots, n, NULL);
	if (err && errno != ENOENT) /* which comes with the last of all */
		return -errno;
	w->left -= *n;
	return 0;
}

int flow_walk_step(struct flow_walk *w, const struct flow_walk_terms *terms)
{
	int err = w->under_way ? 0 : walk_begin(w, terms);
	__u32 n;

	if (!err)
		err = step_read(w, &n);
	w->under_way = !err && w->left;
	if (!err)
		err = step_flows(w, terms, n);
	return err ? err : !w->under_way;
}
