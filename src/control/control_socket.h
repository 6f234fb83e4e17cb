/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The control socket's place in the file system: who listens at a path, and who may ask there. */
#ifndef METRO_CONTROL_SOCKET_H
#define METRO_CONTROL_SOCKET_H

#include <sys/types.h>

#define CONTROL_DEFAULT_PATH "/run/bpf-metro/bpf-metro.sock"
#define CONTROL_PATH         108 /* sizeof(sun_path), its final zero included: unix(7) */

struct control_socket {
	int fd; /* -1: closed */
	char path[CONTROL_PATH];
	dev_t device; /* of the socket at the path, .. */
	ino_t inode;  /* .. so that another's is left alone */
};

/*
 * Listens at the path, and makes its directory, but not that directory's parents. Its owner and its
 * group may connect. What a dead daemon has left there is replaced. Returns 0, or -errno, and
 * nothing is open: -EADDRINUSE: another process listens there; -EEXIST: there is something that is
 * no socket; -ENAMETOOLONG.
 */
int control_socket_listen(struct control_socket *sock, const char *path);

/* The part of it that may take more rights than the rest; directory becomes its name. Returns 0 if
 * it is there, or -errno. */
int control_socket_make_directory(const char *path, char directory[CONTROL_PATH]);

/* Closes it, and takes its name away if that still leads to it. */
void control_socket_close(struct control_socket *sock);

/* Connects to the path. Returns a descriptor that never waits, or -errno: -ECONNREFUSED: the daemon
 * is gone; -EAGAIN: it has no time for more; -ENOENT, -EACCES, .. */
int control_socket_connect(const char *path);

#endif
