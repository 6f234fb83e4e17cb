/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds out what format a file has, and does what all formats share: interfaces, times, and
 * complaints. */
#include "capture_file.h"
#include "array.h"
#include "capture_format.h"
#include "log.h"
#include "units.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Overflow is harmless: the result is right modulo 2^64. */
__u64 capture_time(const struct capture_interface *i, __u64 units)
{
	unsigned __int128 rest;

	if (likely(i->unit_ns))
		return units * i->unit_ns + (__u64)i->offset_s * NS_PER_S;
	rest = (unsigned __int128)(units % i->units_per_s) * NS_PER_S;
	return (units / i->units_per_s + (__u64)i->offset_s) * NS_PER_S +
	       (__u64)(rest / i->units_per_s);
}

int capture_damaged(struct capture_file *file, const char *format, ...)
{
	va_list args;
	int n;

	n = snprintf(file->reason, file->reason_size, "packet %llu: ", file->frames + 1);
	if (n < 0 || (size_t)n >= file->reason_size)
		return -EBADMSG;
	va_start(args, format);
	vsnprintf(file->reason + n, file->reason_size - (size_t)n, format, args);
	va_end(args);
	return -EBADMSG;
}

int capture_short(struct capture_file *file, long n, size_t len, const char *what)
{
	if (n == -EAGAIN || n == 0)
		return (int)n;
	if (n > 0)
		return capture_damaged(file, "the file ends in the middle of %s (%ld of %zu bytes)",
				       what, n, len);
	snprintf(file->reason, file->reason_size, "packet %llu: %s", file->frames + 1,
		 byte_stream_explain(file->stream, n));
	return (int)n;
}

/* Room for twice as many, up to the bound. */
static int more_interfaces(struct capture_file *file)
{
	size_t room = file->interfaces_room ? 2 * file->interfaces_room : 4;
	struct capture_interface *all;

	if (file->interfaces_count == CAPTURE_INTERFACES_MAX)
		return capture_damaged(
			file,
			"the section describes more than %d interfaces, the most that can be read",
			CAPTURE_INTERFACES_MAX);
	all = realloc(file->interfaces, room * sizeof(*all));
	if (!all) {
		snprintf(file->reason, file->reason_size, "out of memory");
		return -ENOMEM;
	}
	file->interfaces = all;
	file->interfaces_room = room;
	return 0;
}

int capture_add_interface(struct capture_file *file, const struct capture_interface *interface)
{
	struct capture_interface *added;
	int err = file->interfaces_count < file->interfaces_room ? 0 : more_interfaces(file);

	if (err)
		return err;
	added = &file->interfaces[file->interfaces_count++];
	*added = *interface;
	if (interface->units_per_s && NS_PER_S % interface->units_per_s == 0)
		added->unit_ns = NS_PER_S / interface->units_per_s;
	return 0;
}

/* What is wrong with a file that begins with these n bytes. */
static const char *explain_unknown(const __u8 *magic, long n)
{
	static const struct {
		const char *magic, *reason;
	} compressed[] = {
#define COMPRESSED(name)                                                                           \
	"compressed with " name ", which bpf-metro cannot read; try `" name                        \
	" -dc FILE | bpf-metro -r -`"
		{"\xfd\x37zX", COMPRESSED("xz")},
		{"\x28\xb5\x2f\xfd", COMPRESSED("zstd")},
	};

	for (size_t i = 0; i < ARRAY_SIZE(compressed); i++)
		if (n == CAPTURE_MAGIC && !memcmp(magic, compressed[i].magic, CAPTURE_MAGIC))
			return compressed[i].reason;
	return n ? "neither a pcap nor a pcapng capture file" : "the file is empty";
}

static int recognise(struct capture_file *file)
{
	static const struct capture_format *const formats[] = {&capture_pcap, &capture_pcapng};
	const __u8 *magic;
	long n = byte_stream_peek(file->stream, CAPTURE_MAGIC, &magic);
	int status = 0;

	if (n < 0) {
		snprintf(file->reason, file->reason_size, "%s",
			 byte_stream_explain(file->stream, n));
		return (int)n;
	}
	for (size_t i = 0; i < ARRAY_SIZE(formats) && !status; i++) {
		if (n == CAPTURE_MAGIC)
			status = formats[i]->open(file, magic);
		if (status == 1)
			file->format = formats[i];
	}
	if (status == 0) {
		snprintf(file->reason, file->reason_size, "%s", explain_unknown(magic, n));
		return -EBADMSG;
	}
	return status < 0 ? status : 0;
}

/* Data that makes no sense may come from damaged gzip data: says so if that is the case. */
static void blame_compression(struct capture_file *file)
{
	const char *damage = byte_stream_examine(file->stream);
	size_t length = strlen(file->reason);

	if (damage && !strstr(file->reason, damage))
		snprintf(file->reason + length, file->reason_size - length, "; %s", damage);
}

/* Where the cooked headers have the low byte of the packet type (linux/if_packet.h), and the type
 * of hardware. */
enum { SLL_PACKET_TYPE = 1, SLL_HARDWARE = 2, SLL2_HARDWARE = 8, SLL2_PACKET_TYPE = 10 };

unsigned int captured_way(const struct captured *packet)
{
	bool second = packet->link_type == DLT_LINUX_SLL2;
	const __u8 *hardware = packet->bytes + (second ? SLL2_HARDWARE : SLL_HARDWARE);
	__u8 type;

	if (packet->way != CAPTURED_UNKNOWN)
		return packet->way;
	if ((!second && packet->link_type != DLT_LINUX_SLL) || packet->length <= SLL2_PACKET_TYPE)
		return CAPTURED_UNKNOWN;
	type = packet->bytes[second ? SLL2_PACKET_TYPE : SLL_PACKET_TYPE];
	if ((hardware[0] << 8 | hardware[1]) == ARPHRD_LOOPBACK)
		return CAPTURED_ARRIVED | CAPTURED_LEFT;
	return type == PACKET_OUTGOING ? CAPTURED_LEFT : CAPTURED_ARRIVED;
}

const char *capture_file_name(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

int capture_file_new(struct capture_file **file, const char *path, char *reason, size_t reason_size)
{
	struct capture_file *f = calloc(1, sizeof(*f));
	int err;

	if (!f) {
		snprintf(reason, reason_size, "out of memory");
		return -ENOMEM;
	}
	f->name = capture_file_name(path);
	f->reason = reason;
	f->reason_size = reason_size;
	f->pause_at = CAPTURE_PAUSE;
	err = byte_stream_open(&f->stream, path);
	if (err) {
		snprintf(reason, reason_size, "%s", strerror(-err));
		capture_file_close(f);
		return err;
	}
	*file = f;
	return 0;
}

void capture_file_read_ahead(struct capture_file *file)
{
	byte_stream_read_ahead(file->stream);
}

int capture_file_begin(struct capture_file *file)
{
	int err = recognise(file);

	if (err == -EBADMSG)
		blame_compression(file);
	return err == -EAGAIN ? 0 : err;
}

int capture_file_open(struct capture_file **file, const char *path, char *reason,
		      size_t reason_size)
{
	struct capture_file *f;
	int err = capture_file_new(&f, path, reason, reason_size);

	if (err)
		return err;
	err = capture_file_begin(f);
	if (err) {
		capture_file_close(f);
		return err;
	}
	*file = f;
	return 0;
}

static int end(const struct capture_file *file)
{
	__u64 at = byte_stream_ignored_at(file->stream);

	if (at)
		log_warning("%s: what follows the gzip data, from byte %llu on, is ignored",
			    file->name, at);
	return 0;
}

int capture_file_next(struct capture_file *file, struct captured *packet, char *reason,
		      size_t reason_size)
{
	int status = 0;

	file->reason = reason;
	file->reason_size = reason_size;
	byte_stream_skip(file->stream, file->consumed);
	file->consumed = 0;
	if (unlikely(capture_pauses(file)))
		return -EINTR;
	if (unlikely(!file->format))
		status = recognise(file);
	if (likely(!status))
		status = file->format->next(file, packet);
	if (likely(status == 1))
		packet->number = ++file->frames;
	else if (status == 0)
		return end(file);
	else if (status == -EBADMSG)
		blame_compression(file);
	return status;
}

int capture_file_fd(const struct capture_file *file)
{
	return file->stream->input.live ? file->stream->input.fd : -1;
}

/* It may have grown since. */
double capture_file_share(const struct capture_file *file)
{
	const struct input *input = &file->stream->input;
	__u64 offset = input_offset(input);

	if (!input->size)
		return -1;
	return offset < input->size ? (double)offset / (double)input->size : 1;
}

void capture_file_close(struct capture_file *file)
{
	if (!file)
		return;
	byte_stream_close(file->stream);
	free(file->interfaces);
	free(file);
}
