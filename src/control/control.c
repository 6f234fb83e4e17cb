/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Accepts clients, takes their requests, and hands out answers as fast as they are taken. */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "descriptor.h"

#define ACCEPT_MOST   4 /* in a turn of the loop, which has other things to do */
#define CHECK_EVERY_S 1.0

struct client {
	int fd;         /* -1: a free place */
	__u64 heard_ms; /* when it last asked something or took all of an answer, or came */
	__u64 order;    /* .. and among all: many may come in one millisecond */
	char request[CONTROL_REQUEST];
	size_t length; /* of what has come of the next request */
	char *answer;  /* NULL: it has taken all of it */
	size_t answer_length, taken;
};

struct control {
	struct event_loop *loop;
	struct control_socket socket;
	const struct control_verb *verbs;
	void *arg;
	int timer;
	bool ticking;
	bool paused; /* nobody is accepted until the timer says so */
	__u64 order; /* of who was heard last */
	struct client clients[CONTROL_CLIENTS];
};

/* ---- clients ---- */

static struct client *find(struct control *c, int fd)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].fd == fd)
			return &c->clients[i];
	return NULL;
}

static void note_heard(struct control *c, struct client *client)
{
	client->heard_ms = monotonic_ms();
	client->order = ++c->order;
}

static void drop(struct control *c, struct client *client)
{
	event_loop_remove(c->loop, client->fd);
	descriptor_close(&client->fd);
	free(client->answer);
	client->answer = NULL;
}

/* It ticks only while there is something to look after. */
static void tick(struct control *c, bool on)
{
	if (c->ticking != on)
		event_timer_set(c->timer, on ? CHECK_EVERY_S : 0);
	c->ticking = on;
}

static void on_connection(void *arg, int fd);

static void resume(struct control *c)
{
	if (c->paused)
		c->paused = event_loop_add(c->loop, c->socket.fd, on_connection, c) != 0;
}

/* A connection that stays silent, or does not take its answer, is of no use to anybody. */
static void on_timer(void *arg, int fd)
{
	struct control *c = arg;
	__u64 now = monotonic_ms();
	bool any = false;

	event_timer_take(fd);
	resume(c);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &c->clients[i];

		if (client->fd >= 0 && now - client->heard_ms > CONTROL_PATIENCE_MS)
			drop(c, client);
		any |= client->fd >= 0;
	}
	tick(c, any || c->paused);
}

/* ---- answers ---- */

/* Returns false if the client is gone. */
static bool hand_out(struct control *c, struct client *client)
{
	ssize_t n = send(client->fd, client->answer + client->taken,
			 client->answer_length - client->taken, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (n > 0)
		client->taken += (size_t)n;
	if (client->taken == client->answer_length) {
		free(client->answer);
		client->answer = NULL;
		note_heard(c, client);
	}
	event_loop_await_room(c->loop, client->fd, client->answer);
	return true;
}

static void say_unknown(const struct control *c, struct json *json)
{
	json_open(json, NULL, '{');
	json_text(json, "error", "unknown verb");
	json_open(json, "verbs", '[');
	for (const struct control_verb *verb = c->verbs; verb->name; verb++)
		json_text(json, NULL, verb->name);
	json_close(json, ']');
	json_close(json, '}');
}

/* NULL: there is none. *about becomes what stands behind it. */
static const struct control_verb *find_verb(const struct control *c, const char *request,
					    const char **about)
{
	size_t length = strcspn(request, " ");

	*about = request[length] ? request + length + 1 : "";
	for (const struct control_verb *verb = c->verbs; verb->name; verb++)
		if (!strncmp(verb->name, request, length) && !verb->name[length] &&
		    (verb->takes_about || !request[length]))
			return verb;
	return NULL;
}

/* Returns false without memory for it. */
static bool answer(struct control *c, struct client *client, const char *request)
{
	const struct control_verb *verb;
	const char *about;
	struct json json;

	if (json_begin(&json))
		return false;
	verb = find_verb(c, request, &about);
	if (verb)
		verb->answer(c->arg, about, &json);
	else
		say_unknown(c, &json);
	putc('\n', json.out);
	client->answer = json_take(&json, &client->answer_length);
	client->taken = 0;
	note_heard(c, client);
	return client->answer && hand_out(c, client);
}

/* ---- requests ---- */

/* Returns false if the client is to be dropped. */
static bool answer_first(struct control *c, struct client *client, const char *end)
{
	size_t length = (size_t)(end - client->request);
	char name[CONTROL_REQUEST];

	memcpy(name, client->request, length);
	name[length] = '\0';
	name[strcspn(name, "\r")] = '\0'; /* as telnet(1) has it */
	client->length -= length + 1;
	memmove(client->request, end + 1, client->length);
	return answer(c, client, name);
}

/* Several requests may have come at once: as many as a request has bytes. */
static bool answer_all(struct control *c, struct client *client)
{
	const char *end;

	while (!client->answer && (end = memchr(client->request, '\n', client->length)))
		if (!answer_first(c, client, end))
			return false;
	return client->answer || client->length < sizeof(client->request);
}

/* Returns false at the end of the connection. */
static bool take_more(struct client *client)
{
	ssize_t n = recv(client->fd, client->request + client->length,
			 sizeof(client->request) - client->length, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	client->length += (size_t)n;
	return n > 0;
}

static void on_client(void *arg, int fd)
{
	struct control *c = arg;
	struct client *client = find(c, fd);
	bool goes_on = client->answer ? hand_out(c, client) : take_more(client);

	if (!goes_on || !answer_all(c, client))
		drop(c, client);
}

/* ---- connections ---- */

static struct client *make_place(struct control *c)
{
	struct client *oldest = c->clients;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &c->clients[i];

		if (client->fd < 0)
			return client;
		if (client->order < oldest->order)
			oldest = client;
	}
	drop(c, oldest);
	return oldest;
}

static void take_in(struct control *c, int fd)
{
	struct client *client = make_place(c);

	*client = (struct client){.fd = fd};
	note_heard(c, client);
	if (event_loop_add(c->loop, fd, on_client, c)) {
		descriptor_close(&client->fd);
		return;
	}
	tick(c, true);
	on_client(c, fd); /* it has mostly asked by now */
}

static bool is_short(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

/* Without a descriptor for it, who knocks would have the loop turn without end. */
static void pause_accepting(struct control *c)
{
	event_loop_remove(c->loop, c->socket.fd);
	c->paused = true;
	tick(c, true);
}

static void on_connection(void *arg, int fd)
{
	struct control *c = arg;

	for (int i = 0; i < ACCEPT_MOST; i++) {
		int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (accepted < 0 && is_short(errno))
			pause_accepting(c);
		if (accepted < 0)
			return;
		take_in(c, accepted);
	}
}

/* ---- life ---- */

static int listen_to_events(struct control *c)
{
	int err;

	c->timer = event_timer(CHECK_EVERY_S);
	if (c->timer < 0)
		return c->timer;
	c->ticking = true; /* until there is nothing to do */
	err = event_loop_add(c->loop, c->timer, on_timer, c);
	return err ? err : event_loop_add(c->loop, c->socket.fd, on_connection, c);
}

int control_new(struct control **control, struct event_loop *loop, const char *path,
		const struct control_verb *verbs, void *arg)
{
	struct control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	*c = (struct control){.loop = loop, .verbs = verbs, .arg = arg, .timer = -1};
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		c->clients[i].fd = -1;
	err = control_socket_listen(&c->socket, path);
	if (!err)
		err = listen_to_events(c);
	if (err)
		control_free(c);
	else
		*control = c;
	return err;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			drop(c, &c->clients[i]);
	event_loop_remove(c->loop, c->timer);
	descriptor_close(&c->timer);
	event_loop_remove(c->loop, c->socket.fd);
	control_socket_close(&c->socket);
	free(c);
}

const char *control_path(const struct control *c)
{
	return c->socket.path;
}
