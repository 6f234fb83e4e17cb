/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A snapshot as text: what /metrics answers. docs/openmetrics.md has the names. */
#ifndef METRO_EXPOSITION_H
#define METRO_EXPOSITION_H

#include "snapshot.h"

enum exposition_format {
	EXPOSITION_TEXT,        /* Prometheus' text format 0.0.4 */
	EXPOSITION_OPENMETRICS, /* OpenMetrics 1.0 */
	EXPOSITION_FORMATS,
};

/* For the header Content-Type. */
const char *exposition_type(enum exposition_format format);

/* The text, to be freed, of *length bytes. NULL: out of memory. */
char *exposition_write(const struct snapshot *snapshot, enum exposition_format format,
		       size_t *length);

/* The same with gzip around it. */
char *exposition_pack(const struct snapshot *snapshot, enum exposition_format format,
		      size_t *length);

#endif
