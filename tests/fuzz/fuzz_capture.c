/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The reader of capture files, and all that follows it offline. */
#include "backend.h"
#include "fuzzing.h"
#include "memory_file.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_open("/dev/null");
	return 0;
}

static void deliver(void *arg, const struct delivery *delivery)
{
	*(__u64 *)arg += delivery->record->count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	__u64 samples = 0, counters[COUNTERS];
	struct backend_settings settings = {
		.marks = 8,
		.max_flows = 16,
		.snaplen = 512,
		.batch_limit = 1,
		.batch_age = 1000000,
		.deliver = deliver,
		.arg = &samples,
	};
	char reason[BACKEND_REASON];
	struct backend *backend;

	if (backend_file_open(&backend, &settings, memory_file(data, size), NULL, 0, reason))
		return 0;
	while (backend->ops->read(backend) == 0)
		;
	while (!backend->ops->sweep(backend))
		;
	backend->ops->counters(backend, counters);
	if (counters[COUNTER_SAMPLES] != samples)
		abort();
	backend->ops->close(backend);
	return 0;
}
