/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Limits on a configuration, so that no file costs more time or memory than its size suggests:
 * libyaml's time grows with the square of the depth of [ and {, of the anchors and of the
 * directives, and an alias repeats in a few bytes what may be thousands of peers.
 */
#ifndef METRO_YAML_BOUNDS_H
#define METRO_YAML_BOUNDS_H

#include <yaml.h>

#include "mistakes.h"

#define YAML_DEPTH_MAX      32        /* a configuration needs five */
#define YAML_NODES_MAX      (1 << 20) /* as many as there may be peers (peer_key.h) */
#define YAML_REPEATED_MAX   100000    /* by all aliases together */
#define YAML_ANCHORS_MAX    256
#define YAML_DIRECTIVES_MAX 16

/* Reads the text as events, of which libyaml keeps at most a thousand characters, with an unused
 * parser. Returns 0 if it is one document within the bounds; -EINVAL if not, reported with the
 * line; -EBADMSG if it is not YAML (the parser has the reason); -ENOMEM. */
int yaml_bounds_check(yaml_parser_t *parser, struct mistakes *mistakes, const char *text,
		      size_t length);

#endif
