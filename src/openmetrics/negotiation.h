/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a client prefers: the headers Accept and Accept-Encoding (RFC 9110, section 12.5). */
#ifndef METRO_NEGOTIATION_H
#define METRO_NEGOTIATION_H

#include "exposition.h"

/* Headers may be NULL: there is none. Nothing in them is an error: the plainest form is for whoever
 * cannot be understood. */
enum exposition_format negotiate_format(const char *accept);
bool negotiate_gzip(const char *accept_encoding);

#endif
