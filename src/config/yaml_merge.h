/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Merge keys, as YAML 1.1 has them (yaml.org/type/merge.html) and go-metro's reader knows them:
 *
 *	instances:
 *	- <<: *defaults              a mapping, or
 *	- <<: [*first, *second]      a list of them
 *
 * A mapping's own keys win over merged ones, wherever they stand, and earlier mappings over later.
 */
#ifndef METRO_YAML_MERGE_H
#define METRO_YAML_MERGE_H

#include "yaml_reader.h"

#define YAML_MERGED_MAX 256 /* keys of a mapping, merged ones included */

/* Replaces all merge keys by what they stand for. Mistakes are reported. The document must have no
 * cycles (yaml_bounds.h). Returns 0 or -ENOMEM. */
int yaml_merge(struct yaml_reader *reader);

#endif
