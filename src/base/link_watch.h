/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* News from the kernel about interfaces and what lies on them. */
#ifndef METRO_LINK_WATCH_H
#define METRO_LINK_WATCH_H

#include <stdbool.h>

enum link_news {
	NEWS_LINKS = 1,  /* interfaces or addresses came, changed or went, or default routes did */
	NEWS_FILTERS = 2 /* .. or somebody changed filters at clsact */
};

/* A descriptor that is readable when there are news. Returns it or -errno. */
int link_watch_open(void);

/* Whether to hear of default routes, too: on a router, that may be thousands of messages a second.
 * Where the kernel refuses, there are no such news. */
void link_watch_routes(int fd, bool on);

/* Reads and drops what there is; returns a set of enum link_news. */
unsigned int link_watch_take(int fd);

#endif
