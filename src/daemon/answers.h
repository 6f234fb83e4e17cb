/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the control socket answers: one table of verbs, and what they tell of the services. */
#ifndef METRO_ANSWERS_H
#define METRO_ANSWERS_H

#include "health.h"
#include "wiring.h"

/* Opens the control socket where the configuration wants it; the services must have started. What
 * goes wrong is reported: the daemon does without it. */
void answers_start(struct wiring *w);

/* Before root's rights are given up: makes the socket's directory. */
void answers_prepare(const struct wiring *w);

/* The facts of this moment. Texts are borrowed from the services. */
void answers_gather(struct wiring *w, struct health *health);

/* Another configuration is in force. */
void answers_follow(struct wiring *w);

void answers_stop(struct wiring *w);

#endif
