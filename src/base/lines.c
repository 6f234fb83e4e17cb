/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a file by getline(3), for a function that looks for something in it. */
#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool lines_each(const char *path, bool (*take)(void *arg, char *line), void *arg)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	bool done = false;

	if (!file)
		return false;
	while (!done && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		done = take(arg, line);
	}
	free(line);
	fclose(file);
	return done;
}
