/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the socket, and the words for when nobody answers there. */
#include "asking.h"

#include "config.h"
#include "control_socket.h"
#include "log.h"
#include "printable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int asking_find_path(const struct options *options, char **path)
{
	const char *found = options->control_path;
	struct config *config = NULL;
	int err = 0;

	if (!found && (options->configured || !access(options->config_path, R_OK))) {
		log_set_level(LEVEL_ERROR); /* its warnings are the daemon's to give */
		err = config_load(options->config_path, &config);
		if (err)
			return err;
		found = config->control_socket;
	}
	*path = strdup(found ? found : CONTROL_DEFAULT_PATH);
	config_free(config);
	return *path ? 0 : -ENOMEM;
}

const char *asking_failure(char text[ASKING_TEXT], const char *path, int err,
			   unsigned int timeout_ms)
{
	char name[CONTROL_PATH];

	printable_copy(name, sizeof(name), path);
	switch (err) {
	case -ETIMEDOUT:
		snprintf(text, ASKING_TEXT, "bpf-metro at %s does not answer within %u s", name,
			 timeout_ms / 1000);
		break;
	case -EPIPE:
		snprintf(text, ASKING_TEXT, "bpf-metro at %s ended without an answer", name);
		break;
	case -ENOENT:
	case -ECONNREFUSED:
		snprintf(text, ASKING_TEXT,
			 "no bpf-metro listens at %s (one that runs says at log level debug why it "
			 "does not)",
			 name);
		break;
	case -EACCES:
		snprintf(text, ASKING_TEXT,
			 "this user may not ask at %s: root and the socket's group may", name);
		break;
	default:
		snprintf(text, ASKING_TEXT, "cannot ask at %s: %s", name, strerror(-err));
	}
	return text;
}
