/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A signal that says where the answer is to go (reload_reply.h). */
#include "request_reload.h"

#include "clock.h"
#include "lines.h"
#include "log.h"
#include "notify.h"
#include "reload_reply.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define LOOK_MS     500 /* between looks whether it still runs */
/* A plain SIGHUP that already waits takes the place of ours, and nobody is answered. */
#define AGAIN_MS 10000

/* Binds to a name that the kernel chooses; returns that as a number, or -errno. */
static int choose_name(int fd)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(sa_family_t);
	char digits[8] = "";
	int on = 1;

	if (bind(fd, (const struct sockaddr *)&name, length) ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)))
		return -errno;
	length = sizeof(name);
	if (getsockname(fd, (struct sockaddr *)&name, &length))
		return -errno;
	length -= offsetof(struct sockaddr_un, sun_path) + 1;
	if (length >= sizeof(digits))
		return -EPROTO;
	memcpy(digits, name.sun_path + 1, length);
	return (int)strtol(digits, NULL, 16);
}

/* From whoever: anybody may send datagrams to the name. */
static bool is_from(struct msghdr *message, pid_t pid)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(message);
	struct ucred sender;

	if (!part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&sender, CMSG_DATA(part), sizeof(sender));
	return sender.pid == pid;
}

/* Returns 1 and the result if the answer has come. */
static int take_answer(int fd, pid_t pid, int *result)
{
	char text[16] = "", control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec part = {text, sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};

	if (recvmsg(fd, &message, MSG_DONTWAIT) <= 0 || !is_from(&message, pid))
		return 0;
	*result = (int)strtol(text, NULL, 10);
	return 1;
}

static bool add_signals(void *arg, char *line)
{
	unsigned long long set, *all = arg;

	/* blocked (a bpf-metro reads it from a descriptor), ignored, or caught */
	if (sscanf(line, "SigBlk: %llx", &set) == 1 || sscanf(line, "SigIgn: %llx", &set) == 1 ||
	    sscanf(line, "SigCgt: %llx", &set) == 1)
		*all |= set;
	return false;
}

/* Would SIGHUP end it? Then it is no bpf-metro: the number is wrong, or an old one. Where /proc
 * does not tell, it is asked. */
static bool would_end(pid_t pid)
{
	unsigned long long set = 0;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	lines_each(path, add_signals, &set);
	return access(path, R_OK) == 0 && !(set >> (SIGHUP - 1) & 1);
}

static int ask(pid_t pid, int name)
{
	const union sigval value = {.sival_int = RELOAD_WANTS_REPLY | name};

	return sigqueue(pid, SIGHUP, value) ? -errno : 0;
}

/* Returns 0 with the result, or -errno: it has not answered. */
static int converse(int fd, pid_t pid, int name, int *result)
{
	__u64 begin = monotonic_ms(), asked = begin;
	int err = ask(pid, name);

	while (!err && monotonic_ms() - begin < PATIENCE_MS) {
		struct pollfd in = {.fd = fd, .events = POLLIN};

		if (poll(&in, 1, LOOK_MS) > 0 && take_answer(fd, pid, result))
			return 0;
		if (monotonic_ms() - asked > AGAIN_MS) {
			asked = monotonic_ms();
			err = ask(pid, name);
		} else if (kill(pid, 0)) {
			err = -errno;
		}
	}
	return err ? err : -ETIMEDOUT;
}

static void say_silence(pid_t pid, int err)
{
	if (err == -ETIMEDOUT)
		log_error("process %d does not say whether it has reloaded: is it a bpf-metro of "
			  "this version? Its log tells",
			  (int)pid);
	else
		log_error("process %d cannot be asked to reload: %s", (int)pid, strerror(-err));
}

int request_reload(pid_t pid)
{
	int fd, result = 0, name, err;

	if (would_end(pid)) {
		log_error("process %d is no bpf-metro that measures: SIGHUP would end it",
			  (int)pid);
		return -EINVAL;
	}
	fd = notify_socket();
	if (fd < 0) {
		say_silence(pid, fd);
		return fd;
	}
	name = choose_name(fd);
	err = name < 0 ? name : converse(fd, pid, name, &result);
	close(fd);
	if (err)
		say_silence(pid, err);
	else if (result)
		log_error("not reloaded, or not all of it: %s; process %d has said why in its log",
			  strerror(-result), (int)pid);
	return err ? err : result;
}
