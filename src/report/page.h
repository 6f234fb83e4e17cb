/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A report as one page of HTML that needs nothing else: page.html with page.css and page.js in it,
 * and the figures as JSON. At most some 4 MB: of very many pairs and connections, those with the
 * most samples are in it, and it says how many are not.
 */
#ifndef METRO_PAGE_H
#define METRO_PAGE_H

#include "output.h"
#include "pairs.h"
#include "seen.h"

#define PAGE_PAIRS       1000
#define PAGE_CONNECTIONS 8000  /* of all pairs */
#define PAGE_POINTS      80000 /* likewise */

struct page_terms {
	const char *file; /* what was read */
	const char *note; /* a sentence about what was not measured; NULL: there is none */
	bool whole;       /* it was read to its end */
	__u64 packets;    /* all, whatever they were .. */
	__u64 tcp;        /* .. and TCP segments that were read */
};

/* Sorts the pairs and thins their points. Returns 0, or -errno of the output. */
int page_write(struct output *output, struct pairs *pairs, const struct page_terms *terms);

#endif
