/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys of init_config that are about OpenMetrics. */
#ifndef METRO_OPENMETRICS_KEYS_H
#define METRO_OPENMETRICS_KEYS_H

#include "config.h"
#include "yaml_reader.h"

/* From 10 us to 60 s. */
void openmetrics_default_buckets(struct bucket_bounds *bounds);

/* The target is a struct config. */
yaml_read_fn read_openmetrics_listen;
yaml_read_fn read_openmetrics_buckets;

#endif
