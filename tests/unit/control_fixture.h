/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A control socket in a directory of the test's own, what it answers, and a client by hand. Include
 * after cmocka.h. */
#ifndef METRO_TEST_CONTROL_FIXTURE_H
#define METRO_TEST_CONTROL_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "control_client.h"

#define LARGE (4 << 20) /* more than a socket holds */

static struct world {
	char directory[32], path[64];
	struct event_loop *loop;
	struct control *control;
	unsigned int answered;
} world;

static inline void answer_small(void *arg, const char *about, struct json *json)
{
	struct world *w = arg;

	(void)about;
	w->answered++;
	json_whole(json, NULL, w->answered);
}

static inline void answer_large(void *arg, const char *about, struct json *json)
{
	(void)arg;
	(void)about;
	json_open(json, NULL, '[');
	for (unsigned int i = 0; i < LARGE / 8; i++)
		json_whole(json, NULL, 1000000 + i % 7);
	json_close(json, ']');
}

static inline void answer_echo(void *arg, const char *about, struct json *json)
{
	(void)arg;
	json_text(json, NULL, about);
}

static const struct control_verb verbs[] = {
	{"small", answer_small, false},
	{"large", answer_large, false},
	{"echo", answer_echo, true},
	{NULL, NULL, false},
};

static inline int set_up(void **state)
{
	(void)state;
	world = (struct world){.directory = "/tmp/metro-test-XXXXXX"};
	assert_non_null(mkdtemp(world.directory));
	snprintf(world.path, sizeof(world.path), "%s/socket", world.directory);
	assert_int_equal(event_loop_new(&world.loop), 0);
	assert_int_equal(control_new(&world.control, world.loop, world.path, verbs, &world), 0);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	control_free(world.control);
	event_loop_free(world.loop);
	assert_int_equal(rmdir(world.directory), 0); /* nothing is left in it */
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

/* ---- a client by hand ---- */

static inline int connect_client(void)
{
	int fd = control_socket_connect(world.path);

	assert_true(fd >= 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void turns(int count)
{
	while (count--)
		assert_int_equal(event_loop_once(world.loop, false), 0);
}

/* What has come, or "" for the end of the connection, or NULL for nothing. */
static inline const char *hear(int fd)
{
	static char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n < 0)
		return errno == ECONNRESET ? "" : NULL;
	text[n] = '\0';
	return text;
}

#endif
