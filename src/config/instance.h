/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One entry of `instances`, filled from words as people write them. Every function checks its word,
 * reports what is wrong with it, and returns 0 all the same: only -ENOMEM stops the reading.
 */
#ifndef METRO_INSTANCE_H
#define METRO_INSTANCE_H

#include "config.h"
#include "mistakes.h"

/* out, in or both. */
int instance_set_direction(struct instance *instance, struct mistakes *mistakes, const char *text);

/* The path of a capture file. */
int instance_set_pcap(struct instance *instance, struct mistakes *mistakes, const char *path);

/* An address or a network. */
int instance_add_ip(struct instance *instance, struct mistakes *mistakes, const char *text);

/* A host name or an address. */
int instance_add_host(struct instance *instance, struct mistakes *mistakes, const char *text);

/* Any of these, as on the command line. */
int instance_add_peer(struct instance *instance, struct mistakes *mistakes, const char *text);

int instance_add_tag(struct instance *instance, struct mistakes *mistakes, const char *tag);

/* Do all tags together leave room for a metric in one StatsD datagram? */
void instance_check_tags(const struct instance *instance, struct mistakes *mistakes);

/* Frees what the instance owns, not the instance. */
void instance_clear(struct instance *instance);

#endif
