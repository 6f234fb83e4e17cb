/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "offline.h"
#include "backend.h"
#include "counter_names.h"
#include "flow.h"
#include "log.h"

#include <errno.h>
#include <string.h>

static void deliver(void *arg, const struct batch *batch)
{
	struct sink *sink = arg;

	sink->ops->take(sink, batch);
}

static int read_all(struct backend *backend, const struct sink *sink, const char *what)
{
	__u64 counters[COUNTERS];
	struct seen seen;
	int status = 0;

	while (!status && !sink->error)
		status = backend->ops->read(backend);
	while (!backend->ops->sweep(backend))
		;
	backend->ops->counters(backend, counters);
	if (log_get_level() <= LEVEL_DEBUG)
		counters_log(counters);
	backend->ops->seen(backend, &seen);
	seen_log(&seen, counters, what);
	return status < 0 ? status : 0;
}

int offline_run(const struct options *options)
{
	char reason[BACKEND_REASON] = "out of memory";
	struct backend *backend;
	struct sink *sink;
	int err, closed;

	err = options->output == OUTPUT_JSON ? sink_json_open(&sink, NULL)
					     : sink_text_open(&sink, NULL);
	if (err)
		return err;
	struct backend_settings settings = {
		.marks = options->marks ? options->marks : MARKS_DEFAULT,
		.max_flows = BACKEND_FILE_FLOWS,
		.batch_limit = sink->ops->batch_limit,
		.expression = options->filter,
		.deliver = deliver,
		.arg = sink,
	};
	err = backend_file_open(&backend, &settings, options->read_path, options->local,
				options->local_count, reason);
	if (err) {
		log_error("%s", reason);
		sink->error = err; /* nothing was measured: there is nothing to say about it */
	} else {
		err = read_all(backend, sink, options->read_path);
		backend->ops->close(backend);
	}
	closed = sink->ops->close(sink);
	return err ? err : closed;
}
