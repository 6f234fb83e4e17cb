/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An end of the cable: the packet socket of an interface. */
#ifndef DELAY_LINK_PORT_H
#define DELAY_LINK_PORT_H

#include "../toolkit.h"
#include "frame.h"

struct port {
	const char *name;
	int fd;
};

int port_open(struct port *port, const char *name);
void port_close(struct port *port);

/* Frames that came faster than we could take them. Reading this number sets it back to 0. */
uint64_t port_drops(const struct port *port);

/*
 * Receives one frame. Returns 1 with the frame and its arrival, 0 when there was one which had to
 * be dropped, -EAGAIN when there is none, or another -errno.
 */
int port_receive(const struct port *port, struct frame *frame, uint64_t *arrival);

#endif
