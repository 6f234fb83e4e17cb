/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The thread drives libmicrohttpd by itself: so it gives up its capabilities before the first byte
 * of a client is read, and ends connections that take too long. What it shares with the loop is
 * under one lock, which nobody holds for longer than it takes to exchange pointers.
 */
#include "metrics_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "clock.h"
#include "descriptor.h"
#include "exposition.h"
#include "metrics_clients.h"
#include "negotiation.h"
#include "privileges.h"

#define LOOK_MS        500        /* between looks at clients, whose time may be up */
#define SILENCE_S      10         /* for which a client may be silent */
#define MEMORY         (8 * 1024) /* of a connection: a request's head has to fit */
#define HEALTH_MS      100        /* for which an answer about health holds */
#define HEALTH_WAIT_MS 1000       /* for the loop's answer */

#define TYPE_JSON      "application/json"
#define TYPE_PLAIN     "text/plain; charset=utf-8"

struct answer {
	bool healthy, ready;
	char *json;     /* NULL: none was given in time, or there was no memory */
	__u64 until_ms; /* it holds until then */
};

struct metrics_server {
	struct MHD_Daemon *http;
	pthread_t thread;
	int wake;     /* the loop wants the thread to look at stopping */
	int question; /* the thread wants an answer about health */

	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool stopping;
	bool asking;
	struct answer answer;
	struct snapshot *next; /* NULL: the thread has taken the latest */

	/* The thread's own. */
	struct snapshot *snapshot;
	struct MHD_Response
		*bodies[EXPOSITION_FORMATS][2]; /* of this snapshot; NULL: not made yet */
	struct metrics_clients clients;
};

/* ---- eventfd(2) ---- */

static void signal_event(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: then it is signalled */
}

static void take_event(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return;
}

/* ---- responses ---- */

static struct MHD_Response *make_response(const char *type, char *body, size_t length,
					  enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(length, body, mode);

	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(body);
		return NULL;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	return response;
}

static enum MHD_Result give(struct MHD_Connection *connection, unsigned int status,
			    struct MHD_Response *response)
{
	return response ? MHD_queue_response(connection, status, response) : MHD_NO;
}

static enum MHD_Result give_once(struct MHD_Connection *connection, unsigned int status,
				 struct MHD_Response *response)
{
	enum MHD_Result result = give(connection, status, response);

	if (response)
		MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned int status, const char *text)
{
	struct MHD_Response *response =
		make_response(TYPE_PLAIN, (char *)text, strlen(text), MHD_RESPMEM_PERSISTENT);

	if (response && status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return give_once(connection, status, response);
}

/* ---- /metrics ---- */

static void drop_bodies(struct metrics_server *s)
{
	for (int format = 0; format < EXPOSITION_FORMATS; format++)
		for (int packed = 0; packed < 2; packed++) {
			if (s->bodies[format][packed])
				MHD_destroy_response(s->bodies[format][packed]);
			s->bodies[format][packed] = NULL;
		}
}

static void take_snapshot(struct metrics_server *s)
{
	struct snapshot *next;

	pthread_mutex_lock(&s->lock);
	next = s->next;
	s->next = NULL;
	pthread_mutex_unlock(&s->lock);
	if (!next)
		return;
	snapshot_free(s->snapshot);
	s->snapshot = next;
	drop_bodies(s);
}

static struct MHD_Response *make_body(const struct metrics_server *s, enum exposition_format format,
				      bool packed)
{
	struct MHD_Response *response;
	size_t length;
	char *body = packed ? exposition_pack(s->snapshot, format, &length)
			    : exposition_write(s->snapshot, format, &length);

	if (!body)
		return NULL;
	response = make_response(exposition_type(format), body, length, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return NULL;
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
	if (packed)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return response;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer_metrics(struct metrics_server *s, struct MHD_Connection *connection)
{
	enum exposition_format format =
		negotiate_format(header(connection, MHD_HTTP_HEADER_ACCEPT));
	bool packed = negotiate_gzip(header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING));
	struct MHD_Response **body = &s->bodies[format][packed];

	take_snapshot(s);
	if (!s->snapshot)
		return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "nothing is known yet\n");
	if (!*body)
		*body = make_body(s, format, packed);
	return give(connection, MHD_HTTP_OK, *body);
}

/* ---- /healthz, /readyz ---- */

static void set_answer(struct metrics_server *s, const struct answer *answer)
{
	free(s->answer.json);
	s->answer = *answer;
}

/* The lock is held, and let go of meanwhile. */
static void ask_loop(struct metrics_server *s)
{
	__u64 until_ns = monotonic_ns() + HEALTH_WAIT_MS * NS_PER_MS;
	const struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
				       .tv_nsec = (long)(until_ns % NS_PER_S)};
	int err = 0;

	s->asking = true;
	signal_event(s->question);
	while (s->asking && !s->stopping && !err)
		err = pthread_cond_timedwait(&s->answered, &s->lock, &until);
	if (s->asking)
		set_answer(s, &(struct answer){.until_ms = monotonic_ms() + HEALTH_WAIT_MS});
	s->asking = false;
}

static enum MHD_Result answer_health(struct metrics_server *s, struct MHD_Connection *connection,
				     bool readiness)
{
	char *json = NULL;
	bool well;

	pthread_mutex_lock(&s->lock);
	if (monotonic_ms() >= s->answer.until_ms)
		ask_loop(s);
	well = readiness ? s->answer.ready : s->answer.healthy;
	if (s->answer.json)
		json = strdup(s->answer.json);
	pthread_mutex_unlock(&s->lock);
	if (!json)
		return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			   "the event loop does not answer\n");
	return give_once(connection, well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
			 make_response(TYPE_JSON, json, strlen(json), MHD_RESPMEM_MUST_FREE));
}

/* ---- requests ---- */

static void note_request(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct metrics_client *client = info ? info->socket_context : NULL;

	if (client)
		client->asked = true;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_length, void **state)
{
	struct metrics_server *s = arg;

	(void)version;
	(void)upload;
	(void)upload_length;
	(void)state;
	note_request(connection);
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (!strcmp(url, "/metrics"))
		return answer_metrics(s, connection);
	if (!strcmp(url, "/healthz"))
		return answer_health(s, connection, false);
	if (!strcmp(url, "/readyz"))
		return answer_health(s, connection, true);
	return say(connection, MHD_HTTP_NOT_FOUND, "there are /metrics, /healthz and /readyz\n");
}

/* libmicrohttpd takes no more of them than there are places. */
static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct metrics_server *s = arg;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = metrics_clients_add(&s->clients, info->connect_fd, monotonic_ms());
	} else if (*context) {
		metrics_clients_remove(&s->clients, *context);
	}
}

/* ---- the thread ---- */

static bool is_stopping(struct metrics_server *s)
{
	bool stopping;

	pthread_mutex_lock(&s->lock);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return stopping;
}

/* Never without end: at its limit libmicrohttpd takes the listening socket out of what it waits
 * for, and puts it back only when it runs again after connections have gone. */
static void wait_for_clients(struct metrics_server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->http, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = {{.fd = info->epoll_fd, .events = POLLIN},
			       {.fd = s->wake, .events = POLLIN}};
	MHD_UNSIGNED_LONG_LONG wanted;
	int timeout = LOOK_MS;

	if (MHD_get_timeout(s->http, &wanted) == MHD_YES && wanted < LOOK_MS)
		timeout = (int)wanted;
	if (poll(fds, 2, timeout) > 0 && fds[1].revents)
		take_event(s->wake);
}

static void *serve(void *arg)
{
	struct metrics_server *s = arg;

	privileges_shed_thread(0);
	pthread_setname_np(pthread_self(), "openmetrics");
	while (!is_stopping(s)) {
		wait_for_clients(s);
		MHD_run(s->http);
		metrics_clients_expire(&s->clients, monotonic_ms());
	}
	return NULL;
}

/* ---- life ---- */

static void make_lock(struct metrics_server *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->answered, &attr);
	pthread_condattr_destroy(&attr);
}

static int start_http(struct metrics_server *s, int listening)
{
	errno = 0;
	s->http = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s,
				   MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_CONNECTION_LIMIT,
				   2u * METRICS_CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				   (unsigned int)SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				   (size_t)MEMORY, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
				   MHD_OPTION_END);
	if (s->http)
		return 0;
	return errno ? -errno : -EINVAL;
}

static int start_thread(struct metrics_server *s)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&s->thread, NULL, serve, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

static void end(struct metrics_server *s)
{
	drop_bodies(s);
	if (s->http)
		MHD_stop_daemon(s->http); /* closes the socket, too */
	snapshot_free(s->snapshot);
	snapshot_free(s->next);
	free(s->answer.json);
	descriptor_close(&s->wake);
	descriptor_close(&s->question);
	pthread_cond_destroy(&s->answered);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int metrics_server_start(struct metrics_server **server, int listening)
{
	struct metrics_server *s = calloc(1, sizeof(*s));
	int err = s ? 0 : -ENOMEM;

	if (err) {
		close(listening);
		return err;
	}
	make_lock(s);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->question = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake < 0 || s->question < 0)
		err = -errno;
	if (!err)
		err = start_http(s, listening);
	if (!s->http)
		close(listening);
	if (!err)
		err = start_thread(s);
	if (err)
		end(s);
	else
		*server = s;
	return err;
}

void metrics_server_stop(struct metrics_server *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->answered);
	pthread_mutex_unlock(&s->lock);
	signal_event(s->wake);
	pthread_join(s->thread, NULL);
	end(s);
}

void metrics_server_publish(struct metrics_server *s, struct snapshot *snapshot)
{
	struct snapshot *old;

	pthread_mutex_lock(&s->lock);
	old = s->next;
	s->next = snapshot;
	pthread_mutex_unlock(&s->lock);
	snapshot_free(old);
}

int metrics_server_question(const struct metrics_server *s)
{
	return s->question;
}

void metrics_server_answer(struct metrics_server *s, bool healthy, bool ready, char *json)
{
	const struct answer answer = {
		.healthy = healthy,
		.ready = ready,
		.json = json,
		.until_ms = monotonic_ms() + HEALTH_MS,
	};

	take_event(s->question);
	pthread_mutex_lock(&s->lock);
	set_answer(s, &answer);
	s->asking = false;
	pthread_cond_signal(&s->answered);
	pthread_mutex_unlock(&s->lock);
}
