/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture_file.h"
#include "capture_format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000ull

/* 64 bits of the result go round as those of the sum would. */
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

	n = snprintf(file->reason, file->reason_size, "packet %llu: ", file->packets + 1);
	if (n < 0 || (size_t)n >= file->reason_size)
		return -EBADMSG;
	va_start(args, format);
	vsnprintf(file->reason + n, file->reason_size - (size_t)n, format, args);
	va_end(args);
	return -EBADMSG;
}

int capture_short(struct capture_file *file, long n, size_t len, const char *what)
{
	if (n < 0) {
		snprintf(file->reason, file->reason_size, "reading packet %llu: %s",
			 file->packets + 1, strerror((int)-n));
		return (int)n;
	}
	if (n == 0)
		return 0;
	return capture_damaged(file, "the file ends in the middle of %s (%ld of %zu bytes)", what,
			       n, len);
}

int capture_add_interface(struct capture_file *file, const struct capture_interface *interface)
{
	struct capture_interface *all;

	all = realloc(file->interfaces, (file->interfaces_count + 1) * sizeof(*all));
	if (!all) {
		snprintf(file->reason, file->reason_size, "out of memory");
		return -ENOMEM;
	}
	all[file->interfaces_count] = *interface;
	all[file->interfaces_count++].unit_ns =
		NS_PER_S % interface->units_per_s ? 0 : NS_PER_S / interface->units_per_s;
	file->interfaces = all;
	return 0;
}

static int recognise(struct capture_file *file)
{
	static const struct capture_format *const formats[] = {&capture_pcap, &capture_pcapng};
	int status = 0;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]) && !status; i++) {
		status = formats[i]->open(file);
		if (status == 1)
			file->format = formats[i];
	}
	if (status == 0) {
		snprintf(file->reason, file->reason_size,
			 "neither a pcap nor a pcapng capture file");
		return -EBADMSG;
	}
	return status < 0 ? status : 0;
}

int capture_file_open(struct capture_file **file, const char *path, char *reason,
		      size_t reason_size)
{
	struct capture_file *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->reason = reason;
	f->reason_size = reason_size;
	err = byte_stream_open(&f->stream, path);
	if (err)
		snprintf(reason, reason_size, "%s", strerror(-err));
	else
		err = recognise(f);
	if (err) {
		capture_file_close(f);
		return err;
	}
	*file = f;
	return 0;
}

int capture_file_next(struct capture_file *file, struct captured *packet, char *reason,
		      size_t reason_size)
{
	int status;

	file->reason = reason;
	file->reason_size = reason_size;
	byte_stream_skip(file->stream, file->consumed);
	file->consumed = 0;
	status = file->format->next(file, packet);
	if (status == 1)
		packet->number = ++file->packets;
	return status;
}

void capture_file_close(struct capture_file *file)
{
	if (!file)
		return;
	byte_stream_close(file->stream);
	free(file->interfaces);
	free(file);
}
