/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the socket, asks, and makes words and a status of the answer. */
#include "health_command.h"

#include "config.h"
#include "control_client.h"
#include "control_socket.h"
#include "printable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_MS 2000

/* The answer begins with these two, as health.h says. */
#define BEGIN_WELL "{\"healthy\":true,\"summary\":\""
#define BEGIN_ILL  "{\"healthy\":false,\"summary\":\""

/* ---- whom to ask ---- */

/* Returns 0 and a path to be freed, or -errno, reported. A default configuration that is not there,
 * or not for this user to read, leaves the default. */
static int find_path(const struct options *options, char **path)
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

/* ---- what it says ---- */

static enum health_status say_failure(const char *path, int err)
{
	char name[CONTROL_PATH];

	printable_copy(name, sizeof(name), path);
	switch (err) {
	case -ETIMEDOUT:
		printf("bpf-metro at %s does not answer within %d s\n", name, TIMEOUT_MS / 1000);
		return HEALTH_ILL;
	case -EPIPE:
		printf("bpf-metro at %s ended without an answer\n", name);
		return HEALTH_ILL;
	case -ENOENT:
	case -ECONNREFUSED:
		printf("no bpf-metro listens at %s (one that runs says at log level debug why it "
		       "does not)\n",
		       name);
		return HEALTH_NOBODY;
	case -EACCES:
		printf("this user may not ask at %s: root and the socket's group may\n", name);
		return HEALTH_NOBODY;
	default:
		printf("cannot ask at %s: %s\n", name, strerror(-err));
		return HEALTH_NOBODY;
	}
}

/* Ends the text where the JSON string ends, and takes its escapes of characters out; others stay as
 * they are. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text && *text != '"'; text++) {
		if (*text == '\\' && (text[1] == '"' || text[1] == '\\'))
			text++;
		*to++ = *text;
	}
	*to = '\0';
}

/* Returns the text behind what the answer begins with, or NULL. */
static char *behind(char *answer, const char *begin)
{
	return strncmp(answer, begin, strlen(begin)) ? NULL : answer + strlen(begin);
}

static enum health_status say_answer(char *answer, bool json)
{
	char *well = behind(answer, BEGIN_WELL), *ill = behind(answer, BEGIN_ILL);
	char *summary = well ? well : ill;

	if (json || !summary) {
		puts(printable(answer));
	} else {
		unescape(summary);
		printf("%s: %s\n", well ? "healthy" : "unhealthy", printable(summary));
	}
	return well ? HEALTH_WELL : HEALTH_ILL;
}

static enum health_status ask(const char *path, bool json)
{
	enum health_status status;
	char *answer;
	int err = control_ask(path, "health", TIMEOUT_MS, &answer);

	if (err)
		return say_failure(path, err);
	status = say_answer(answer, json);
	free(answer);
	return status;
}

enum health_status health_command(const struct options *options)
{
	enum health_status status = HEALTH_WRONG;
	char *path = NULL;

	if (find_path(options, &path))
		return HEALTH_WRONG;
	if (*path)
		status = ask(path, options->output == OUTPUT_JSON);
	else
		printf("the configuration has control_socket: none, so nobody can be asked\n");
	free(path);
	return status;
}
