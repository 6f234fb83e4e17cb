/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Variables of the environment in a configuration, so that one file serves many hosts:
 *
 *	${NAME}              its value; a mistake if it is not set
 *	${NAME:-DEFAULT}     or DEFAULT, up to the next }, if it is not set or empty
 *	$$                   a dollar, so $${ is a plain ${
 *
 * Any other dollar stands for itself. All of this applies to a file that has ${ somewhere, in all
 * of its values. In a file without it, $$ is two dollars, as it was before there were variables.
 *
 * Variables are replaced after YAML has been read, so that a variable never holds more than the
 * text of one value, and before that value's type is checked, so that it may be a number or a word.
 * Keys are left alone.
 */
#ifndef METRO_YAML_ENVIRONMENT_H
#define METRO_YAML_ENVIRONMENT_H

#include "yaml_reader.h"

#define YAML_VARIABLE_NAME_MAX   127  /* characters */
#define YAML_EXPANDED_MAX        4096 /* bytes of a value with its variables: a long path */
#define YAML_ENVIRONMENT_MAX_MIB 16   /* of all variables' values together; as for a file */

/* Finds out whether the document has ${ in it. Returns 0 or -ENOMEM. */
int yaml_environment_open(struct yaml_reader *reader);
void yaml_environment_close(struct yaml_reader *reader);

/* Replaces the variables in a scalar's text; leaves lists and mappings alone. A node is only
 * expanded once, even if aliases repeat it. Returns 0; -EINVAL if a variable is wrong, reported at
 * the reader's place the first time; -ENOMEM. */
int yaml_environment_expand(struct yaml_reader *reader, yaml_node_t *node);

#endif
