/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Labels as Prometheus and OpenMetrics have them: ,name="value" */
#ifndef METRO_LABELS_H
#define METRO_LABELS_H

#include "line.h"

/* Appends a label of ours, whose name is valid. The value is escaped; what is no UTF-8 in it
 * becomes
 * _. */
void labels_add(struct line *labels, const char *name, const char *value);

/* Appends one that a user has named. In a name, anything but letters, digits and _ of ASCII becomes
 * _, a leading digit gets a _ in front, and of several leading _ one is left. If it is taken, by
 * one of ours or by one from the byte at start on, it gets _2, or _3, and so on. */
void labels_add_configured(struct line *labels, size_t start, const char *key, const char *value);

#endif
