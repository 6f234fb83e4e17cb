/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ring buffer of records, read by whoever opened it: as soon as something is there, or where
 * they may wait, many records at a time and in order of time. */
#ifndef METRO_BPF_RECORDS_H
#define METRO_BPF_RECORDS_H

#include "record.h"

#include <stdbool.h>

struct bpf_records;

struct bpf_records_settings {
	int map;           /* stays the caller's */
	__u64 delay_ns;    /* a record may wait this long; 0: as long as the programs wake nobody */
	__u32 wake_bytes;  /* .. unless this many bytes wait */
	unsigned int most; /* records that one call of read takes */
	void (*take)(void *arg, const struct flow_record *record);
	void *arg;
};

/* Returns 0 or -errno. */
int bpf_records_open(struct bpf_records **records, const struct bpf_records_settings *settings);
void bpf_records_close(struct bpf_records *records); /* or NULL */

/* Readable when there may be something to read. */
int bpf_records_fd(const struct bpf_records *records);

/* That is readable: is it time to read? If not, it becomes readable again in time. */
bool bpf_records_due(struct bpf_records *records);

/* Takes what is there, whether or not it was time. Returns 0 or -errno. */
int bpf_records_read(struct bpf_records *records);

/* .. and delivers what would have waited for its order. */
int bpf_records_read_all(struct bpf_records *records);

#endif
