/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A capture file as one page of HTML, written at its end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "output.h"
#include "page.h"
#include "pairs.h"
#include "sink.h"

struct html_sink {
	struct sink sink;
	struct pairs pairs;
	struct page_terms terms;
	char note[SEEN_TEXT];
	struct output output;
};

static struct html_sink *html_sink(struct sink *sink)
{
	return (struct html_sink *)sink;
}

static void html_take(struct sink *sink, const struct delivery *delivery)
{
	pairs_count(&html_sink(sink)->pairs, delivery);
}

/* A page that is passed on need not tell in which directories we keep what. */
static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void html_finish(struct sink *sink, const struct sink_capture *capture)
{
	struct html_sink *html = html_sink(sink);

	html->terms = (struct page_terms){.file = last_part(capture->name),
					  .whole = capture->whole,
					  .packets = capture->seen->packets,
					  .tcp = capture->seen->tcp};
	if (seen_matters(capture->seen, capture->counters))
		html->terms.note = seen_explain(capture->seen, capture->counters, html->note);
}

static int html_close(struct sink *sink)
{
	struct html_sink *html = html_sink(sink);
	int error = 0;

	if (!sink->error && html->terms.file)
		error = page_write(&html->output, &html->pairs, &html->terms);
	if (html->pairs.lost)
		log_error("out of memory: %llu samples are missing from the report",
			  html->pairs.lost);
	pairs_close(&html->pairs);
	free(html);
	return error;
}

static const struct sink_ops html_ops = {
	.name = "html",
	.batch_limit = 1,
	.handshakes = true,
	.take = html_take,
	.finish = html_finish,
	.close = html_close,
};

int sink_html_open(struct sink **sink)
{
	struct html_sink *html = calloc(1, sizeof(*html));

	if (!html || pairs_open(&html->pairs)) {
		log_error("cannot start HTML output: out of memory");
		free(html);
		return -ENOMEM;
	}
	html->sink.ops = &html_ops;
	output_init(&html->output, STDOUT_FILENO);
	*sink = &html->sink;
	return 0;
}
