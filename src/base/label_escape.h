/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The values of labels, as Prometheus and OpenMetrics have them between quotes. */
#ifndef METRO_LABEL_ESCAPE_H
#define METRO_LABEL_ESCAPE_H

#include "types.h"

/* Takes a character off the front of the value, which must not be empty. Returns how it is written,
 * in *length bytes: what is no UTF-8 becomes _. Valid as long as the value is. */
const char *label_escape(const char **value, size_t *length);

#endif
