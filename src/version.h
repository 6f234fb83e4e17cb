/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this build is, for people who ask and for those who help them. */
#ifndef METRO_VERSION_H
#define METRO_VERSION_H

#include <stdio.h>

/* Prints "bpf-metro VERSION", and then what it runs with and was built for, a line each. */
void version_print(FILE *out);

#endif
