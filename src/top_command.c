/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks once a second, and draws the answer, or why there is none. */
#include "top_command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "control.h"
#include "control_client.h"
#include "descriptor.h"
#include "event_loop.h"
#include "health_command.h"
#include "log.h"
#include "screen.h"
#include "wire.h"

#define TIMEOUT_MS 2000

struct top {
	const char *path;
	struct event_loop *loop;
	int timer, signals;
	struct live_view view;
	struct live_header header;
	struct wire_rows rows;
	struct live_detail *detail;
	const struct live_row *detailed; /* whose it is; NULL: nobody's */
	char failure[ASKING_TEXT];       /* "": the daemon answers */
	bool over;
};

/* ---- the daemon ---- */

static int ask(struct top *top)
{
	const struct live_row *selected =
		live_view_selected(&top->view, top->rows.rows, top->rows.count);
	char *answer;
	int err = control_ask(top->path, "top", TIMEOUT_MS, &answer);

	if (err)
		return err;
	err = wire_read(answer, &top->header, &top->rows);
	free(answer);
	live_view_follow(&top->view, top->rows.rows, top->rows.count, selected);
	return err;
}

/* Of the peer whose page is on the screen; nothing of another stands there meanwhile. */
static void ask_detail(struct top *top)
{
	const struct live_row *row =
		live_view_selected(&top->view, top->rows.rows, top->rows.count);
	char request[CONTROL_REQUEST], *answer;

	top->detailed = NULL;
	if (!row || top->view.page != LIVE_DETAIL || *top->failure)
		return;
	snprintf(request, sizeof(request), "top_peer %u %s", row->number, row->address);
	if (control_ask(top->path, request, TIMEOUT_MS, &answer))
		return;
	if (!wire_read_detail(answer, top->detail))
		top->detailed = row;
	free(answer);
}

/* A daemon that is restarted is waited for; its figures begin anew, as its rows say. */
static int look(struct top *top)
{
	int err = ask(top);

	if (err == -EBADMSG)
		snprintf(top->failure, sizeof(top->failure),
			 "the bpf-metro at %s is of a version that does not know --top", top->path);
	else if (err)
		asking_failure(top->failure, top->path, err, TIMEOUT_MS);
	else
		top->failure[0] = '\0';
	return err;
}

/* ---- pictures ---- */

static void draw(struct top *top)
{
	struct live_header header = top->header;
	const struct live_row *row;

	if (*top->failure)
		snprintf(header.how, sizeof(header.how), "%s", top->failure);
	live_view_arrange(&top->view, top->rows.rows, top->rows.count);
	row = live_view_selected(&top->view, top->rows.rows, top->rows.count);
	live_draw(&top->view, top->rows.rows, &header,
		  row && row == top->detailed ? top->detail : NULL);
}

/* The daemon counts on for as long as it is asked, also while the picture is held. */
static void on_timer(void *arg, int fd)
{
	struct top *top = arg;
	char *answer;

	event_timer_take(fd);
	if (!top->view.paused) {
		look(top);
		ask_detail(top);
	} else if (!control_ask(top->path, "top", TIMEOUT_MS, &answer)) {
		free(answer);
	}
	draw(top);
}

/* For all who watch the same daemon. The next answer shows it. */
static void reset(struct top *top)
{
	char *answer;

	top->view.reset = false;
	if (!control_ask(top->path, "top_reset", TIMEOUT_MS, &answer))
		free(answer);
}

static void press(struct top *top, unsigned int key)
{
	const struct live_row *row;

	live_view_key(&top->view, key);
	if (top->view.reset)
		reset(top);
	live_view_arrange(&top->view, top->rows.rows, top->rows.count);
	row = live_view_selected(&top->view, top->rows.rows, top->rows.count);
	if (top->view.page == LIVE_DETAIL && row != top->detailed)
		ask_detail(top);
}

static void on_key(void *arg, int fd)
{
	struct top *top = arg;
	bool gone = false;
	unsigned int key;

	(void)fd;
	while (!top->view.over && (key = screen_key(&gone)))
		press(top, key);
	top->over = top->view.over || gone;
	if (!top->over)
		draw(top);
}

static void on_signal(void *arg, int fd)
{
	struct top *top = arg;
	int signal;

	while ((signal = event_signal_take(fd, NULL))) {
		if (!screen_is_signal(signal)) {
			top->over = true;
			return;
		}
		screen_follow(signal);
		draw(top);
	}
}

/* ---- life ---- */

static int start(struct top *top)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP};
	sigset_t set;
	int err = event_loop_new(&top->loop);

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		sigaddset(&set, wanted[i]);
	screen_add_signals(&set);
	top->signals = err ? -1 : event_signals(&set);
	top->timer = err ? -1 : event_timer(1);
	if (!err)
		err = top->signals < 0 ? top->signals : top->timer < 0 ? top->timer : 0;
	if (!err)
		err = event_loop_add(top->loop, top->signals, on_signal, top);
	if (!err)
		err = event_loop_add(top->loop, top->timer, on_timer, top);
	if (!err)
		err = event_loop_add(top->loop, screen_fd(), on_key, top);
	if (err)
		log_critical("cannot start: %s", strerror(-err));
	return err;
}

static int wait_for_events(struct top *top)
{
	int err = event_loop_once(top->loop, true);

	if (err)
		log_critical("the live view ends: cannot wait for events: %s", strerror(-err));
	return err;
}

static int run(struct top *top)
{
	int err = start(top);

	if (!err) {
		screen_open();
		draw(top);
	}
	while (!err && !top->over)
		err = wait_for_events(top);
	screen_close();
	event_loop_free(top->loop);
	descriptor_close(&top->timer);
	descriptor_close(&top->signals);
	return err;
}

static int watch(const char *path)
{
	struct live_detail detail;
	struct top top = {.path = path, .timer = -1, .signals = -1, .detail = &detail};
	int err;

	if (screen_prepare())
		return HEALTH_ILL;
	live_view_init(&top.view);
	err = look(&top); /* before there is a picture: nobody may be there */
	if (err) {
		screen_close();
		log_critical("%s", top.failure);
		wire_free(&top.rows);
		return err == -ETIMEDOUT || err == -EPIPE || err == -EBADMSG ? HEALTH_ILL
									     : HEALTH_NOBODY;
	}
	err = run(&top);
	wire_free(&top.rows);
	return err ? HEALTH_ILL : HEALTH_WELL;
}

int top_command(const struct options *options)
{
	int status = HEALTH_WRONG;
	char *path = NULL;

	if (asking_find_path(options, &path))
		return HEALTH_WRONG;
	if (*path)
		status = watch(path);
	else
		log_critical("the configuration has control_socket: none, so nobody can be asked");
	free(path);
	return status;
}
