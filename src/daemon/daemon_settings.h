/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the command line says to the daemon. */
#ifndef METRO_DAEMON_SETTINGS_H
#define METRO_DAEMON_SETTINGS_H

#include "log_choice.h"
#include "measuring.h"
#include "plan.h"
#include "sink.h"

struct daemon_settings {
	const char *config_path; /* is read again on SIGHUP; NULL: there is no file */
	const char *user;        /* who root is to become; NULL: as privileges.h says */
	bool watched;            /* by somebody who waits for output */
	enum output_choice output;
	struct log_choice log;
	struct measuring_choice measuring;
	struct plan_overrides overrides;
};

#endif
