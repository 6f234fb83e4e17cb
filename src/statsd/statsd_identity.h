/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who sends the metrics, told to the Datadog Agent as Datadog's own clients do. */
#ifndef METRO_STATSD_IDENTITY_H
#define METRO_STATSD_IDENTITY_H

#define STATSD_TAG_MAX       200 /* bytes of a tag; Datadog cuts longer ones itself */
#define STATSD_CONTAINER_MAX 128

struct statsd_identity {
	/* "dd.internal.entity_id:..,env:..,service:..,version:.." as far as there are DD_ENTITY_ID,
	 * DD_ENV, DD_SERVICE and DD_VERSION in the environment; "": none. */
	char tags[4 * (STATSD_TAG_MAX + 1)];
	/* The value of the field "|c:": the id of our container, or "in-" and the inode of its
	 * cgroup; "": no container, or DD_ORIGIN_DETECTION_ENABLED says no. */
	char container[STATSD_CONTAINER_MAX];
};

/* Never fails: what can't be read is left out. */
void statsd_identity_read(struct statsd_identity *identity);

/* The tags without the first of these, which names our pod: for metrics of others. */
const char *statsd_identity_tags_of_others(const struct statsd_identity *identity);

/* Where statsd_container_read looks. */
struct statsd_container_paths {
	const char *cgroup;       /* /proc/self/cgroup */
	const char *mountinfo;    /* /proc/self/mountinfo */
	const char *namespace;    /* /proc/self/ns/cgroup */
	const char *cgroup_mount; /* /sys/fs/cgroup */
};

/* The container alone, whatever the environment says; "" if there is none. */
void statsd_container_read(char container[STATSD_CONTAINER_MAX],
			   const struct statsd_container_paths *paths);

#endif
