/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of hosts, from wherever they come: files, options, the environment, name servers. */
#ifndef METRO_HOST_NAME_H
#define METRO_HOST_NAME_H

#include <stdbool.h>

#define HOST_NAME_MAX_BYTES 253 /* as text, without a final dot (RFC 1035, 2.3.4) */

/* Could the text be a host's name? A last label of digits alone is a mistyped address. */
bool host_name_is_valid(const char *name);

/* What to do about a text that is neither an address nor a name: the end of a sentence, beginning
 * with "; ", or "". */
const char *host_name_hint(const char *text);

#endif
