/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Variables of the environment in a configuration, so that one file serves many hosts:
 *
 *	${NAME}              its value; that there is none is a mistake
 *	${NAME:-DEFAULT}     or DEFAULT, up to the next }, if it is not set or empty
 *	$$                   a dollar, so $${ is a plain ${
 *
 * Any other dollar stands for itself. All of this holds for a file that has ${ somewhere, in each
 *of its values alike. A file without is as if there were no such thing: $$ in it is two dollars,
 *since files were written before.
 *
 * Replacing comes behind YAML's own reading, so that what a variable holds is never more than text
 * of one value, and in front of that value's type, so that it may be a number or a word. Keys are
 * left alone.
 */
#ifndef METRO_YAML_ENVIRONMENT_H
#define METRO_YAML_ENVIRONMENT_H

#include "yaml_reader.h"

#define YAML_VARIABLE_NAME_MAX   127  /* characters */
#define YAML_EXPANDED_MAX        4096 /* bytes of a value with its variables: a long path */
#define YAML_ENVIRONMENT_MAX_MIB 16   /* that all variables stand for, as much as a file */

/* Finds out whether the document has ${ in it. Returns 0 or -ENOMEM. */
int yaml_environment_open(struct yaml_reader *reader);
void yaml_environment_close(struct yaml_reader *reader);

/* Makes a scalar's text what it stands for; leaves lists and mappings alone. What is done once is
 * not done again, wherever aliases repeat the node. Returns 0; -EINVAL if that is not possible,
 * reported at the reader's place the first time; -ENOMEM. */
int yaml_environment_expand(struct yaml_reader *reader, yaml_node_t *node);

#endif
