/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The figures of a page, as JSON that may stand inside of a script element. */
#ifndef METRO_PAGE_DATA_H
#define METRO_PAGE_DATA_H

#include "page.h"

void page_data_write(struct output *output, struct pairs *pairs, const struct page_terms *terms);

#endif
