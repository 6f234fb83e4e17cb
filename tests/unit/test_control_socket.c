/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The control socket's place: who finds it, as our client does, and who may listen there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "clock.h"
#include "control_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ask),      T(ask_in_vain), T(ask_where_it_is_full), T(mode), T(living), T(stale),
		T(anothers), T(no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
