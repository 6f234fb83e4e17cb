/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Binds, replaces what is stale, and connects. */
#include "control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "descriptor.h"
#include "units.h"

#define BACKLOG        8
#define DIRECTORY_MODE 0755
#define OTHERS         0117 /* for umask(2): the socket's mode is 0660 */
#define LOCK_TRIES     20
#define LOCK_WAIT_MS   5

static int make_address(struct sockaddr_un *addr, const char *path)
{
	*addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	return 0;
}

static int make_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

int control_socket_connect(const char *path)
{
	struct sockaddr_un addr;
	int err = make_address(&addr, path), fd;

	if (err)
		return err;
	fd = make_socket();
	if (fd < 0)
		return fd;
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static void directory_of(const char *path, char directory[CONTROL_PATH])
{
	size_t length = (size_t)(strrchr(path, '/') - path);

	snprintf(directory, CONTROL_PATH, "%.*s", (int)(length ? length : 1), path);
}

/* One that the group can get through, whatever the umask is. */
int control_socket_make_directory(const char *path, char directory[CONTROL_PATH])
{
	directory_of(path, directory);
	if (mkdir(directory, DIRECTORY_MODE))
		return errno == EEXIST ? 0 : -errno;
	return chmod(directory, DIRECTORY_MODE) ? -errno : 0;
}

/* Of two daemons that start at the same time, one looks at a stale socket after the other has
 * replaced it. Others may hold such a lock as well, so nobody waits long for it. Returns a
 * descriptor of the directory, or -errno. */
static int lock_directory(const char *path)
{
	const struct timespec wait = {.tv_nsec = LOCK_WAIT_MS * NS_PER_MS};
	char directory[CONTROL_PATH];
	int fd, err;

	err = control_socket_make_directory(path, directory);
	if (err)
		return err;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (int i = 0; i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB); i++)
		nanosleep(&wait, NULL);
	return fd;
}

/* Returns 0 if the path is free. */
static int remove_stale(const char *path)
{
	struct stat stat;
	int fd;

	if (lstat(path, &stat))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(stat.st_mode))
		return -EEXIST;
	fd = control_socket_connect(path);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN)
		return -EADDRINUSE;
	if (fd != -ECONNREFUSED)
		return fd;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

/* No moment passes in which others could connect. */
static int bind_private(int fd, const struct sockaddr_un *addr)
{
	mode_t before = umask(OTHERS);
	int err = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? -errno : 0;

	umask(before);
	return err;
}

static int open_at(struct control_socket *sock, const struct sockaddr_un *addr)
{
	struct stat stat;
	int err = remove_stale(addr->sun_path);

	if (!err)
		err = bind_private(sock->fd, addr);
	if (err)
		return err;
	if (lstat(addr->sun_path, &stat) || listen(sock->fd, BACKLOG)) {
		err = -errno;
		unlink(addr->sun_path);
		return err;
	}
	strcpy(sock->path, addr->sun_path);
	sock->device = stat.st_dev;
	sock->inode = stat.st_ino;
	return 0;
}

int control_socket_listen(struct control_socket *sock, const char *path)
{
	struct sockaddr_un addr;
	int err = make_address(&addr, path), directory;

	sock->fd = -1;
	if (err)
		return err;
	directory = lock_directory(path);
	if (directory < 0)
		return directory;
	sock->fd = make_socket();
	err = sock->fd < 0 ? sock->fd : open_at(sock, &addr);
	if (err)
		descriptor_close(&sock->fd);
	close(directory);
	return err;
}

void control_socket_close(struct control_socket *sock)
{
	struct stat stat;

	if (sock->fd < 0)
		return;
	if (!lstat(sock->path, &stat) && stat.st_dev == sock->device && stat.st_ino == sock->inode)
		unlink(sock->path);
	descriptor_close(&sock->fd);
}
