/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inflates a gzip file (RFC 1952) as its bytes come. zlib's own gzread throws away what it has
 * inflated in front of damage, takes a file that was cut off for a whole one, and waits until its
 * buffer is full.
 *
 * As gzip(1) does: members that follow each other are one file; zeros after the last one are
 * padding; anything else there is ignored with a warning; after damage there is nothing more.
 */
#ifndef METRO_GUNZIP_H
#define METRO_GUNZIP_H

#include "input.h"

#define GUNZIP_MAGIC 2 /* bytes by which a gzip file is recognised */

struct gunzip;

bool gunzip_recognises(const __u8 magic[GUNZIP_MAGIC]);

/* begun: the first bytes of the file, which were read already. The input is borrowed. Returns 0 or
 * -ENOMEM. */
int gunzip_new(struct gunzip **gunzip, struct input *input, const __u8 *begun, size_t size);
void gunzip_free(struct gunzip *gunzip);

/* As input_read. All that lies in front of damage is delivered before -EBADMSG. */
long gunzip_read(struct gunzip *gunzip, __u8 *to, size_t size);

/* One clause about the damage and where it is; NULL: none found so far. */
const char *gunzip_damage(const struct gunzip *gunzip);

/* Position in the file of the first byte ignored after the data; 0: none. */
__u64 gunzip_ignored_at(const struct gunzip *gunzip);

#endif
