/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the socket, asks, and makes words and a status of the answer. */
#include "health_command.h"

#include "asking.h"
#include "control_client.h"
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

/* ---- what it says ---- */

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

static enum health_status say_failure(const char *path, int err)
{
	char text[ASKING_TEXT];

	puts(asking_failure(text, path, err, TIMEOUT_MS));
	return err == -ETIMEDOUT || err == -EPIPE ? HEALTH_ILL : HEALTH_NOBODY;
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

	if (asking_find_path(options, &path))
		return HEALTH_WRONG;
	if (*path)
		status = ask(path, options->output == OUTPUT_JSON);
	else
		printf("the configuration has control_socket: none, so nobody can be asked\n");
	free(path);
	return status;
}
