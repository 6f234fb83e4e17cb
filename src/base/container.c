/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads container ids and pod UIDs out of cgroup paths. What is an id: what Datadog's Agent takes
 * for one (its pkg/util/cgroups), 64 hexadecimal digits, 32 and a number (Amazon ECS), or Garden's,
 * and a UUID, as its clients do; but never in a directory of conmon or of a mount.
 */
#include "container.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* A part of a path: the name of a directory. */
struct piece {
	const char *at;
	size_t length;
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* How many hexadecimal digits, of most, there are at the place. */
static size_t hex_digits(const char *at, const char *end, size_t most)
{
	size_t count = 0;

	while (count < most && at + count < end && is_hex(at[count]))
		count++;
	return count;
}

/* Does the piece end in this, and in front of it in nothing or in what cannot be a part of it? */
static bool begins_at(const struct piece *piece, size_t length)
{
	const char *at = piece->at + piece->length - length;

	return piece->length == length ||
	       (piece->length > length && !isalnum((unsigned char)at[-1]));
}

/* Groups of hexadecimal digits with a dash or underscore between them: the whole length, or 0. */
static size_t grouped(const char *at, const char *end, size_t last)
{
	static const size_t before[] = {8, 4, 4, 4};
	const char *from = at;

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		if (hex_digits(at, end, before[i]) != before[i])
			return 0;
		at += before[i];
		if (at == end || (*at != '-' && *at != '_'))
			return 0;
		at++;
	}
	return hex_digits(at, end, last) == last ? (size_t)(at - from) + last : 0;
}

#define UUID_LAST   12 /* 8-4-4-4-12 */
#define GARDEN_LAST 4  /* 8-4-4-4-4 */
#define HASH        32 /* of a static pod's manifest, which is its UID */

/* ---- pods ---- */

/* pod and a UID, behind nothing or a dash, up to the end, a colon or ".slice". */
static bool take_pod(const struct piece *piece, const char *at, char uid[POD_UID])
{
	const char *end = piece->at + piece->length, *from = at + strlen("pod");
	size_t length = grouped(from, end, UUID_LAST);

	if (at > piece->at && at[-1] != '-')
		return false;
	if (!length && hex_digits(from, end, HASH) == HASH)
		length = HASH;
	if (!length)
		return false;
	from += length;
	if (from < end && *from != ':' &&
	    ((size_t)(end - from) < strlen(".slice") || memcmp(from, ".slice", strlen(".slice"))))
		return false;
	for (size_t i = 0; i < length; i++)
		uid[i] = from[i - length] == '_' ? '-' : from[i - length];
	uid[length] = '\0';
	return true;
}

static void find_pod(const struct piece *piece, char uid[POD_UID])
{
	for (size_t i = 0; i + strlen("pod") < piece->length; i++)
		if (!memcmp(piece->at + i, "pod", strlen("pod")) &&
		    take_pod(piece, piece->at + i, uid))
			return;
}

/* ---- containers ---- */

static bool starts_with(const struct piece *piece, const char *text)
{
	return piece->length >= strlen(text) && !memcmp(piece->at, text, strlen(text));
}

static bool cut_end(struct piece *piece, const char *text)
{
	size_t length = strlen(text);

	if (piece->length < length || memcmp(piece->at + piece->length - length, text, length))
		return false;
	piece->length -= length;
	return true;
}

/* 32 hexadecimal digits, a dash, and a number. */
static size_t task_length(const struct piece *piece)
{
	size_t digits = 0;
	const char *end = piece->at + piece->length;

	while (digits < piece->length && isdigit((unsigned char)end[-(ptrdiff_t)digits - 1]))
		digits++;
	if (!digits || piece->length < digits + 1 + HASH || end[-(ptrdiff_t)digits - 1] != '-')
		return 0;
	if (hex_digits(end - digits - 1 - HASH, end, HASH) != HASH)
		return 0;
	return HASH + 1 + digits;
}

/* How long the id is that the piece ends in; 0: there is none. */
static size_t id_length(const struct piece *piece)
{
	const char *end = piece->at + piece->length;
	size_t length = CONTAINER_ID - 1;

	if (piece->length >= length && hex_digits(end - length, end, length) == length &&
	    begins_at(piece, length))
		return length;
	length = task_length(piece);
	if (length && length < CONTAINER_ID && begins_at(piece, length))
		return length;
	/* A terminal's scope may end in a UUID, too: Garden has nothing but that in the name. */
	if (grouped(piece->at, end, UUID_LAST) == piece->length ||
	    grouped(piece->at, end, GARDEN_LAST) == piece->length)
		return piece->length;
	return 0;
}

static bool is_conmon(const struct piece *piece)
{
	return starts_with(piece, "crio-conmon-") || starts_with(piece, "libpod-conmon-");
}

static bool take_id(struct piece piece, char id[CONTAINER_ID])
{
	size_t length;

	if (is_conmon(&piece))
		return false;
	cut_end(&piece, ".scope");
	length = id_length(&piece);
	if (!length)
		return false;
	memcpy(id, piece.at + piece.length - length, length);
	id[length] = '\0';
	return true;
}

/* ---- paths ---- */

static const struct container none;

bool container_of_path(const char *path, struct container *container, bool *own)
{
	char pod_uid[POD_UID] = "";
	struct piece piece;
	bool last = false;

	*container = none;
	for (; *path; path += piece.length) {
		path += *path == '/';
		piece = (struct piece){path, strcspn(path, "/")};
		if (!piece.length)
			continue;
		if (is_conmon(&piece)) {
			*container = none;
			return false;
		}
		find_pod(&piece, pod_uid);
		last = take_id(piece, container->id);
		if (last)
			strcpy(container->pod_uid, pod_uid);
	}
	if (own)
		*own = last;
	return container->id[0] != '\0';
}

/* How much of the path leads to a directory that has both below it, or is them. */
static size_t common_length(const char *path, const char *other)
{
	size_t i = 0, length = 0;

	for (; path[i] && path[i] == other[i]; i++)
		if (path[i] == '/')
			length = i;
	return strchr("/", path[i]) && strchr("/", other[i]) ? i : length;
}

/* A directory of all containers of a pod of podman's, not of one of them. */
static bool is_libpod_pod(const char *path, const struct piece *piece)
{
	static const char parent[] = "/libpod_parent/", child[] = "/libpod-";
	size_t before = (size_t)(piece->at - path);

	return before >= strlen(parent) &&
	       !memcmp(piece->at - strlen(parent), parent, strlen(parent)) &&
	       !strncmp(piece->at + piece->length, child, strlen(child));
}

/* Others have directories of that name, too (ECS): a longer id may come below. */
static bool is_uuid(const struct container *container)
{
	return strcspn(container->id, "-") == 8;
}

bool container_outermost(const char *path, const char *own_path, struct container *container)
{
	const char *start = path, *below = path + common_length(path, own_path);
	struct container found = none;
	struct piece piece;
	char pod_uid[POD_UID] = "";

	*container = none;
	for (; *path; path += piece.length) {
		path += *path == '/';
		piece = (struct piece){path, strcspn(path, "/")};
		if (is_conmon(&piece)) {
			*container = none;
			return false;
		}
		find_pod(&piece, pod_uid);
		if (path <= below || is_libpod_pod(start, &piece) || !take_id(piece, found.id))
			continue;
		strcpy(found.pod_uid, pod_uid);
		if (!*container->id || !is_uuid(&found))
			*container = found;
		if (!is_uuid(container))
			break;
	}
	return container->id[0] != '\0';
}

const char *container_line_path(const char *line)
{
	const char *colon = line + strspn(line, "0123456789");

	if (colon == line || *colon != ':')
		return NULL;
	colon = strchr(colon + 1, ':');
	return colon ? colon + 1 : NULL;
}

bool container_is_empty(const struct container *container)
{
	return !*container->id && !*container->pod_uid;
}

bool container_is_same(const struct container *a, const struct container *b)
{
	return !strcmp(a->id, b->id) && !strcmp(a->pod_uid, b->pod_uid);
}
