/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The files page.html, page.css and page.js, which stand beside this one, as texts in the program.
 */
#ifndef METRO_PAGE_PARTS_H
#define METRO_PAGE_PARTS_H

extern const char page_html[];
extern const char page_css[];
extern const char page_js[];

#endif
