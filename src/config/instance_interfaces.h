/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The interfaces of an instance, term by term as they were typed. */
#ifndef METRO_INSTANCE_INTERFACES_H
#define METRO_INSTANCE_INTERFACES_H

#include "config.h"
#include "mistakes.h"

#define INTERFACE_TERMS_MAX 1000

/* Checks a term, reports what is wrong with it, and adds it to those that the instance has (see
 * selection.h). Returns 0, after a reported mistake, too, or -ENOMEM. */
int instance_add_interface(struct instance *instance, struct mistakes *mistakes, const char *text);

/* .. and whether all of them together mean something. */
void instance_check_interfaces(const struct instance *instance, struct mistakes *mistakes);

#endif
