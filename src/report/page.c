/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts the parts of the page together. */
#include "page.h"
#include "page_data.h"
#include "page_hashes.h" /* made by the build */
#include "page_parts.h"

#include <string.h>

#define MARK_BEGIN "{{"
#define MARK_END   "}}"

/* Nothing but these two may run or style, and nothing may be fetched. */
static const char policy[] =
	"default-src 'none'; script-src '" PAGE_SCRIPT_HASH "'; style-src '" PAGE_STYLE_HASH
	"'; base-uri 'none'; form-action 'none'";

struct part {
	struct output *output;
	struct pairs *pairs;
	const struct page_terms *terms;
};

/* What stands for a mark of page.html. */
static void write_part(const struct part *part, const char *name, size_t length)
{
	const struct {
		const char *name;
		const char *text;
	} texts[] = {{"policy", policy}, {"style", page_css}, {"script", page_js}};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strlen(texts[i].name) == length && !strncmp(texts[i].name, name, length))
			output_text(part->output, texts[i].text);
	if (length == strlen("data") && !strncmp(name, "data", length))
		page_data_write(part->output, part->pairs, part->terms);
}

int page_write(struct output *output, struct pairs *pairs, const struct page_terms *terms)
{
	const struct part part = {output, pairs, terms};
	const char *from = page_html, *mark, *end;

	while ((mark = strstr(from, MARK_BEGIN)) && (end = strstr(mark, MARK_END))) {
		output_bytes(output, from, (size_t)(mark - from));
		mark += strlen(MARK_BEGIN);
		write_part(&part, mark, (size_t)(end - mark));
		from = end + strlen(MARK_END);
	}
	output_text(output, from);
	return output_flush(output);
}
