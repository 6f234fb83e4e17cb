/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets the log's level and file as command line and configuration say. */
#include "log_choice.h"

#include "log.h"
#include "privileges.h"

#include <errno.h>
#include <string.h>

#define LOG_DEFAULT_PATH "/var/log/bpf-metro/bpf-metro.log"

/* At the start, before root's rights are given up. */
static int open_with_rights(const char *path)
{
	int err;

	if (!privileges_lend(path))
		return -EACCES;
	err = log_open(path);
	privileges_return();
	if (!err)
		log_warning("log file %s can be written, but neither rotated nor opened again: it "
			    "is in a "
			    "directory of somebody else's%s",
			    path, privileges_advice(-EACCES));
	return err;
}

int log_choice_open(const char *path)
{
	int err = log_open(path);

	return err == -EACCES ? open_with_rights(path) : err;
}

void log_choice_apply(const struct log_choice *choice, const struct config *config)
{
	enum log_level level = config->log_level;
	const char *path = choice->path;
	int err;

	log_set_level(choice->verbose && level > LEVEL_DEBUG ? LEVEL_DEBUG : level);
	if (!path && config->log_to_file)
		path = LOG_DEFAULT_PATH;
	err = log_choice_open(path);
	if (err)
		log_warning("cannot open log file %s: %s; still logging %s%s", path, strerror(-err),
			    log_is_file() ? "to the old file" : "to standard error",
			    privileges_advice(err));
}
