/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The control socket: who may listen where, requests and answers, and clients that mean no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "control_client.h"

#define LARGE (4 << 20) /* more than a socket holds */

static struct world {
	char directory[32], path[64];
	struct event_loop *loop;
	struct control *control;
	unsigned int answered;
} world;

static void answer_small(void *arg, const char *about, struct json *json)
{
	struct world *w = arg;

	(void)about;
	w->answered++;
	json_whole(json, NULL, w->answered);
}

static void answer_large(void *arg, const char *about, struct json *json)
{
	(void)arg;
	(void)about;
	json_open(json, NULL, '[');
	for (unsigned int i = 0; i < LARGE / 8; i++)
		json_whole(json, NULL, 1000000 + i % 7);
	json_close(json, ']');
}

static void answer_echo(void *arg, const char *about, struct json *json)
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

static int set_up(void **state)
{
	(void)state;
	world = (struct world){.directory = "/tmp/metro-test-XXXXXX"};
	assert_non_null(mkdtemp(world.directory));
	snprintf(world.path, sizeof(world.path), "%s/socket", world.directory);
	assert_int_equal(event_loop_new(&world.loop), 0);
	assert_int_equal(control_new(&world.control, world.loop, world.path, verbs, &world), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	control_free(world.control);
	event_loop_free(world.loop);
	assert_int_equal(rmdir(world.directory), 0); /* nothing is left in it */
	return 0;
}

/* ---- a client by hand ---- */

static int connect_client(void)
{
	int fd = control_socket_connect(world.path);

	assert_true(fd >= 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void turns(int count)
{
	while (count--)
		assert_int_equal(event_loop_once(world.loop, false), 0);
}

/* What has come, or "" for the end of the connection, or NULL for nothing. */
static const char *hear(int fd)
{
	static char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n < 0)
		return errno == ECONNRESET ? "" : NULL;
	text[n] = '\0';
	return text;
}

static void test_requests(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "small\n");
	turns(1);
	assert_string_equal(hear(fd), "1\n");
	say(fd, "sma");
	turns(2);
	assert_null(hear(fd));
	say(fd, "ll\r\n");
	turns(1);
	assert_string_equal(hear(fd), "2\n");
	say(fd, "small\nsmall\nsmall\nsm");
	turns(1);
	assert_string_equal(hear(fd), "3\n4\n5\n");
	close(fd);
	turns(1);
	assert_int_equal(world.answered, 5);
}

static void test_unknown(void **state)
{
	static const char answer[] =
		"{\"error\":\"unknown verb\",\"verbs\":[\"small\",\"large\",\"echo\"]}\n";
	int fd = connect_client();

	(void)state;
	say(fd, "smal\n");
	turns(1);
	assert_string_equal(hear(fd), answer);
	say(fd, "\n");
	turns(1);
	assert_string_equal(hear(fd), answer);
	say(fd, "small talk\n"); /* it is about nothing */
	turns(1);
	assert_string_equal(hear(fd), answer);
	assert_int_equal(send(fd, "small\0x\n", 8, MSG_NOSIGNAL),
			 8); /* the name ends with the zero */
	turns(1);
	assert_string_equal(hear(fd), "1\n");
	close(fd);
}

static void test_about(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "echo 1 2\n");
	turns(1);
	assert_string_equal(hear(fd), "\"1 2\"\n");
	say(fd, "echo\n");
	turns(1);
	assert_string_equal(hear(fd), "\"\"\n");
	close(fd);
}

/* As `echo small | socat - UNIX:..` does. */
static void test_half_closed(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "small\n");
	shutdown(fd, SHUT_WR);
	turns(2);
	assert_string_equal(hear(fd), "1\n");
	assert_string_equal(hear(fd), "");
	close(fd);
}

static void test_too_long(void **state)
{
	char text[CONTROL_REQUEST + 1];
	int fd = connect_client();

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	say(fd, text);
	turns(2);
	assert_string_equal(hear(fd), "");
	close(fd);
}

/* Who takes an answer in small bites holds up nobody. */
static void test_large(void **state)
{
	int slow = connect_client(), other = connect_client();
	size_t length = 0;
	char bite[30000], last = 0;
	ssize_t n;

	(void)state;
	say(slow, "large\nsmall\n");
	turns(2);
	while (length < LARGE) {
		__u64 begin = monotonic_ms();

		say(other, "small\n");
		turns(1);
		assert_non_null(hear(other));
		assert_in_range(monotonic_ms() - begin, 0, 1000);
		n = recv(slow, bite, sizeof(bite), MSG_DONTWAIT);
		if (n <= 0)
			continue;
		length += (size_t)n;
		last = bite[n - 1];
	}
	while (last != '\n' || length < LARGE + 4) { /* and then the next one's */
		turns(1);
		n = recv(slow, bite, sizeof(bite), MSG_DONTWAIT);
		if (n <= 0)
			continue;
		length += (size_t)n;
		last = bite[n - 1];
	}
	close(slow);
	close(other);
}

/* A client that goes with its answer half taken. */
static void test_gone(void **state)
{
	int fd = connect_client(), other;

	(void)state;
	say(fd, "large\n");
	turns(2);
	close(fd);
	turns(2);
	other = connect_client();
	say(other, "small\n");
	turns(1);
	assert_string_equal(hear(other), "1\n");
	close(other);
}

/* However many there are, the next one is served. */
static void test_many(void **state)
{
	int silent[4 * CONTROL_CLIENTS], fd;

	(void)state;
	for (int i = 0; i < 4 * CONTROL_CLIENTS; i++) {
		silent[i] = connect_client();
		turns(1);
	}
	fd = connect_client();
	say(fd, "small\n");
	turns(2);
	assert_string_equal(hear(fd), "1\n");
	assert_string_equal(hear(silent[0]), "");           /* made room */
	assert_null(hear(silent[4 * CONTROL_CLIENTS - 1])); /* has not */
	for (int i = 0; i < 4 * CONTROL_CLIENTS; i++)
		close(silent[i]);
	close(fd);
	turns(4);
}

/* Takes its time: more than CONTROL_PATIENCE_MS. */
static void test_silent(void **state)
{
	int silent = connect_client(), lazy = connect_client();
	__u64 begin = monotonic_ms();
	const char *heard = NULL;

	(void)state;
	say(lazy, "large\n"); /* and does not take it */
	while (!heard && monotonic_ms() < begin + 3 * CONTROL_PATIENCE_MS) {
		assert_int_equal(event_loop_once(world.loop, true), 0);
		heard = hear(silent);
	}
	assert_string_equal(heard, "");
	assert_in_range(monotonic_ms() - begin, CONTROL_PATIENCE_MS, 2 * CONTROL_PATIENCE_MS);
	while (send(lazy, "x", 1, MSG_NOSIGNAL) == 1 &&
	       monotonic_ms() < begin + 3 * CONTROL_PATIENCE_MS)
		assert_int_equal(event_loop_once(world.loop, true), 0);
	assert_int_equal(send(lazy, "x", 1, MSG_NOSIGNAL), -1);
	close(silent);
	close(lazy);
}

/* Without a descriptor for who knocks, the loop does not turn in vain, and goes on later. */
static void test_no_descriptor(void **state)
{
	int fd = connect_client(); /* the lowest that was free */
	__u64 begin = monotonic_ms();
	struct rlimit limit, low;
	const char *heard = NULL;

	(void)state;
	say(fd, "small\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = (struct rlimit){.rlim_cur = (rlim_t)fd + 1, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(event_loop_once(world.loop, true), 0); /* the connection */
	assert_int_equal(event_loop_once(world.loop, true), 0); /* not again: the timer */
	assert_in_range(monotonic_ms() - begin, 500, 5000);
	assert_null(hear(fd));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (!heard && monotonic_ms() < begin + 10000) {
		event_loop_once(world.loop, true);
		heard = hear(fd);
	}
	assert_string_equal(heard, "1\n");
	close(fd);
}

/* What a hostile client sends is so much noise. */
static void test_noise(void **state)
{
	unsigned int seed = 1;
	char noise[3000];
	int fd;

	(void)state;
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)(rand_r(&seed) >> 8);
		fd = connect_client();
		send(fd, noise, 1 + (size_t)rand_r(&seed) % sizeof(noise), MSG_NOSIGNAL);
		turns(rand_r(&seed) % 4);
		close(fd);
	}
	turns(CONTROL_CLIENTS);
	fd = connect_client();
	say(fd, "small\n");
	turns(2);
	assert_string_equal(hear(fd), "1\n");
	close(fd);
}

/* ---- the client of ours ---- */

/* A daemon beside this process, which must end it. */
static pid_t serve_beside(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	alarm(30);
	for (;;)
		event_loop_once(world.loop, true);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_ask(void **state)
{
	pid_t pid = serve_beside();
	char *answer = NULL;

	(void)state;
	assert_int_equal(control_ask(world.path, "small", 5000, &answer), 0);
	assert_string_equal(answer, "1");
	free(answer);
	assert_int_equal(control_ask(world.path, "large", 5000, &answer), 0);
	assert_int_equal(strlen(answer), LARGE + 1);
	free(answer);
	end(pid);
}

static void test_ask_in_vain(void **state)
{
	__u64 begin = monotonic_ms();
	char missing[80], *answer;

	(void)state;
	assert_int_equal(control_ask(world.path, "small", 200, &answer), -ETIMEDOUT);
	assert_in_range(monotonic_ms() - begin, 200, 2000);
	snprintf(missing, sizeof(missing), "%s/none", world.directory);
	assert_int_equal(control_ask(missing, "small", 200, &answer), -ENOENT);
}

/* Nobody accepts, and the queue is full. */
static void test_ask_where_it_is_full(void **state)
{
	int waiting[64], count = 0;
	char *answer;

	(void)state;
	while (count < 64 && (waiting[count] = control_socket_connect(world.path)) >= 0)
		count++;
	assert_in_range(count, 1, 63);
	assert_int_equal(control_ask(world.path, "small", 100, &answer), -ETIMEDOUT);
	while (count)
		close(waiting[--count]);
}

/* ---- the place ---- */

static void test_mode(void **state)
{
	struct control_socket sock;
	char path[80], directory[64];
	mode_t before = umask(0077);
	struct stat stat;

	(void)state;
	snprintf(directory, sizeof(directory), "%s/new", world.directory);
	snprintf(path, sizeof(path), "%s/socket", directory);
	assert_int_equal(control_socket_listen(&sock, path), 0);
	assert_int_equal(umask(before), 0077); /* as it was */
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_mode, S_IFSOCK | 0660);
	assert_int_equal(lstat(directory, &stat), 0);
	assert_int_equal(stat.st_mode, S_IFDIR | 0755);
	control_socket_close(&sock);
	control_socket_close(&sock);
	assert_int_equal(lstat(path, &stat), -1);
	assert_int_equal(rmdir(directory), 0);
}

static void test_living(void **state)
{
	struct control_socket sock;
	int fd;

	(void)state;
	assert_int_equal(control_socket_listen(&sock, world.path), -EADDRINUSE);
	assert_int_equal(sock.fd, -1);
	fd = connect_client();
	say(fd, "small\n");
	turns(2);
	assert_string_equal(hear(fd), "1\n");
	close(fd);
}

static void test_stale(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct control_socket sock;

	(void)state;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/stale", world.directory);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd); /* as a killed daemon leaves it */
	assert_int_equal(control_socket_connect(addr.sun_path), -ECONNREFUSED);
	assert_int_equal(control_socket_listen(&sock, addr.sun_path), 0);
	fd = control_socket_connect(addr.sun_path);
	assert_true(fd >= 0);
	close(fd);
	control_socket_close(&sock);
}

/* The name leads to another's socket by now: that one's stays. */
static void test_anothers(void **state)
{
	struct control_socket ours, theirs;
	struct stat stat;
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/taken", world.directory);
	assert_int_equal(control_socket_listen(&ours, path), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(control_socket_listen(&theirs, path), 0);
	control_socket_close(&ours);
	assert_int_equal(lstat(path, &stat), 0);
	control_socket_close(&theirs);
	assert_int_equal(lstat(path, &stat), -1);
}

static void test_no_socket(void **state)
{
	struct control_socket sock;
	char path[64], long_path[200];
	struct stat stat;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", world.directory);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(control_socket_listen(&sock, path), -EEXIST);
	assert_int_equal(lstat(path, &stat), 0);
	unlink(path);
	assert_int_equal(symlink(world.path, path), 0); /* nor is a link to one */
	assert_int_equal(control_socket_listen(&sock, path), -EEXIST);
	unlink(path);
	assert_int_equal(control_socket_listen(&sock, "/nowhere/at/all"), -ENOENT);
	memset(long_path, '/', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(control_socket_listen(&sock, long_path), -ENAMETOOLONG);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(requests),    T(unknown),
		T(about),       T(half_closed),
		T(too_long),    T(large),
		T(gone),        T(many),
		T(silent),      T(no_descriptor),
		T(noise),       T(ask),
		T(ask_in_vain), T(ask_where_it_is_full),
		T(mode),        T(living),
		T(stale),       T(anothers),
		T(no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
