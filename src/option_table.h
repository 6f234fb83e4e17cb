/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The options that there are: one table says what each takes, what it does, and what the help says
 * of it; another one has go-metro's. */
#ifndef METRO_OPTION_TABLE_H
#define METRO_OPTION_TABLE_H

#include "options.h"

/* Options without a letter get a number that is not a letter. */
enum { LONG_ONLY = 256 };

#define OPTION_ROWS_MAX 40

/* What an option does with its value. Returns 0, or -EINVAL after reporting. */
typedef int set_fn(struct options *options, const char *value);

/* A row without a function ends the run: --help and --version. */
struct option_row {
	int code; /* the letter, or LONG_ONLY and up */
	const char *name;
	const char *argument; /* NULL: takes none */
	set_fn *set;
	const char *help;
};

/* At most that many, and behind them one without a name. */
extern const struct option_row option_rows[];

struct go_option {
	const char *name;
	bool takes_value;
	set_fn *set;
};

/* Behind them, too, is one without a name. */
extern const struct go_option go_options[];

/* Says what is wrong and where help is. Returns -EINVAL for the caller to pass on. */
int option_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
