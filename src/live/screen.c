/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ncurses, with signals left to the event loop, and a way back for when we crash. */
#define NCURSES_WIDECHAR 1

#include "screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>
#include <term.h>

#include "array.h"
#include "log.h"
#include "log_lines.h"
#include "view.h"

#define ESCAPE_MS 25 /* in which the rest of a key's sequence has to follow */

static struct {
	SCREEN *screen; /* NULL: not prepared */
	bool open;
	bool unicode;
	attr_t styles[SCREEN_STYLES];
	short pairs[SCREEN_STYLES];
	struct termios before; /* what the terminal was like */
	char leave[256];       /* what has it leave our picture */
} self;

/* ---- when we crash ---- */

static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

/* Only what signal-safety(7) allows. The signal comes again after that, and ends us. */
static void on_crash(int number)
{
	ssize_t written = write(STDOUT_FILENO, self.leave, strlen(self.leave));

	(void)written;
	tcsetattr(STDIN_FILENO, TCSANOW, &self.before);
	raise(number);
}

static void watch_crashes(bool on)
{
	struct sigaction action = {.sa_handler = on ? on_crash : SIG_DFL};

	action.sa_flags = on ? (int)SA_RESETHAND : 0;
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &action, NULL);
}

static void add_capability(const char *name)
{
	const char *text = tigetstr((char *)name);
	size_t length = strlen(self.leave);

	if (text && text != (const char *)-1)
		snprintf(self.leave + length, sizeof(self.leave) - length, "%s", text);
}

static void remember_way_back(void)
{
	self.leave[0] = '\0';
	add_capability("sgr0");
	add_capability("cnorm");
	add_capability("rmkx");
	add_capability("rmcup");
}

/* ---- begin and end ---- */

static int no_terminal(const char *why)
{
	log_critical("cannot show the live view: %s", why);
	return -ENOTTY;
}

int screen_prepare(void)
{
	char why[256];
	int found = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &self.before))
		return no_terminal("standard input and output have to be a terminal; --output text "
				   "goes anywhere");
	setlocale(LC_CTYPE, "");
	self.unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (setupterm(NULL, STDOUT_FILENO, &found) != OK) {
		const char *term = getenv("TERM");

		snprintf(why, sizeof(why),
			 "nobody knows terminals of the kind TERM=%s; install the terminfo of "
			 "ncurses (ncurses-base, ncurses-term), or set TERM to another",
			 term ? term : "");
		return no_terminal(why);
	}
	signal(SIGTSTP, SIG_IGN); /* ncurses would stop us without the loop's knowledge */
	self.screen = newterm(NULL, stdout, stdin);
	if (!self.screen)
		return no_terminal("ncurses cannot use this terminal");
	remember_way_back();
	endwin(); /* newterm has begun our picture: what is said before screen_open is not part of
		     it */
	return 0;
}

static void set_style(enum screen_style style, attr_t attributes, int colour)
{
	self.styles[style] = attributes;
	self.pairs[style] = 0;
	if (colour >= 0 && init_pair((short)style, (short)colour, -1) == OK)
		self.pairs[style] = (short)style;
}

/* The eight colours that all have, on the background that there is. https://no-color.org */
static void choose_styles(void)
{
	const char *none = getenv("NO_COLOR");
	bool colours = has_colors() && !(none && *none) && start_color() == OK &&
		       use_default_colors() == OK;

	set_style(SCREEN_PLAIN, A_NORMAL, -1);
	set_style(SCREEN_TITLE, A_BOLD, -1);
	set_style(SCREEN_SORTED, A_BOLD | A_UNDERLINE, colours ? COLOR_CYAN : -1);
	set_style(SCREEN_SELECTED, A_REVERSE, -1);
	set_style(SCREEN_DIM, A_DIM, -1);
	set_style(SCREEN_BARS, A_NORMAL, colours ? COLOR_GREEN : -1);
	set_style(SCREEN_WARNING, A_BOLD, colours ? COLOR_YELLOW : -1);
	set_style(SCREEN_ERROR, A_BOLD, colours ? COLOR_RED : -1);
}

static void resize(void)
{
	struct winsize size;

	if (!self.open || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		return;
	if (size.ws_row != LINES || size.ws_col != COLS)
		resizeterm(size.ws_row, size.ws_col);
}

void screen_open(void)
{
	if (!self.screen || self.open)
		return;
	self.open = true;
	log_lines_begin();
	watch_crashes(true);
	reset_prog_mode();
	choose_styles();
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	set_escdelay(ESCAPE_MS);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	resize();
}

void screen_close(void)
{
	if (self.open) {
		endwin();
		watch_crashes(false);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &self.before);
		self.open = false;
		log_lines_end();
	}
	if (self.screen)
		delscreen(self.screen);
	self.screen = NULL;
}

/* ---- signals ---- */

void screen_add_signals(sigset_t *set)
{
	sigaddset(set, SIGWINCH);
	sigaddset(set, SIGTSTP);
	sigaddset(set, SIGCONT);
}

bool screen_is_signal(int signal)
{
	return signal == SIGWINCH || signal == SIGTSTP || signal == SIGCONT;
}

/* As who does not take SIGTSTP is stopped. That we go on is known here: its signal is of no use. */
static void stop(void)
{
	const struct timespec at_once = {};
	sigset_t stops, goes_on;

	sigemptyset(&stops);
	sigaddset(&stops, SIGTSTP);
	sigemptyset(&goes_on);
	sigaddset(&goes_on, SIGCONT);
	signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &stops, NULL); /* we stand here */
	pthread_sigmask(SIG_BLOCK, &stops, NULL);
	signal(SIGTSTP, SIG_IGN);
	sigtimedwait(&goes_on, NULL, &at_once);
}

/* The shell may have changed anything meanwhile: all is set anew by the next screen_show, which
 * endwin(3) has do so. Whoever goes on in the background is stopped there, by SIGTTOU. */
void screen_follow(int signal)
{
	if (signal != SIGWINCH && self.open) {
		endwin();
		clearok(curscr, TRUE);
	}
	if (signal == SIGTSTP)
		stop();
	resize();
}

/* ---- keys ---- */

static unsigned int translate(int key)
{
	switch (key) {
	case KEY_UP:
		return LIVE_KEY_UP;
	case KEY_DOWN:
		return LIVE_KEY_DOWN;
	case KEY_LEFT:
		return LIVE_KEY_LEFT;
	case KEY_RIGHT:
		return LIVE_KEY_RIGHT;
	case KEY_PPAGE:
		return LIVE_KEY_PAGE_UP;
	case KEY_NPAGE:
		return LIVE_KEY_PAGE_DOWN;
	case KEY_HOME:
		return LIVE_KEY_HOME;
	case KEY_END:
		return LIVE_KEY_END;
	case KEY_ENTER:
	case '\r':
	case '\n':
		return LIVE_KEY_ENTER;
	case KEY_BACKSPACE:
	case 127:
	case 8:
		return LIVE_KEY_BACKSPACE;
	case 27:
		return LIVE_KEY_ESCAPE;
	default:
		return key < 256 ? (unsigned int)key : LIVE_KEYS;
	}
}

int screen_fd(void)
{
	return STDIN_FILENO;
}

unsigned int screen_key(bool *gone)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	int key = self.open ? getch() : ERR, waiting = 0;

	if (key != ERR)
		return translate(key);
	/* A terminal that is gone is always ready, with nothing to read; a key that has come since
	 * getch looked is there for the next call. */
	if (poll(&in, 1, 0) > 0 && (ioctl(STDIN_FILENO, FIONREAD, &waiting) || !waiting)) {
		log_warning("the live view ends: its terminal is gone");
		*gone = true;
	}
	return 0;
}

/* ---- drawing ---- */

bool screen_has_unicode(void)
{
	return self.unicode;
}

int screen_width(void)
{
	return COLS;
}

int screen_height(void)
{
	return LINES;
}

/* How many columns a text of at most width takes; what does not fit is cut off. */
static int fit(wchar_t *wide, int width)
{
	int taken = 0;

	for (; *wide; wide++) {
		int cells = wcwidth(*wide);

		if (cells < 0) {
			*wide = L'?';
			cells = 1;
		}
		if (taken + cells > width) {
			*wide = L'\0';
			break;
		}
		taken += cells;
	}
	return taken;
}

int screen_text(int y, int x, int width, enum screen_style style, const char *text)
{
	wchar_t wide[512];
	size_t length;

	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return 0;
	length = mbstowcs(wide, text, ARRAY_SIZE(wide) - 1);
	if (length == (size_t)-1) { /* not of this locale */
		for (length = 0; text[length] && length < ARRAY_SIZE(wide) - 1; length++)
			wide[length] = text[length] & 0x80 ? L'?' : (wchar_t)text[length];
	}
	wide[length] = L'\0';
	width = fit(wide, width < COLS - x ? width : COLS - x);
	attr_set(self.styles[style], self.pairs[style], NULL);
	mvaddwstr(y, x, wide);
	attr_set(A_NORMAL, 0, NULL);
	return width;
}

void screen_fill(int y, int x, enum screen_style style)
{
	if (y < 0 || y >= LINES || x >= COLS)
		return;
	attr_set(self.styles[style], self.pairs[style], NULL);
	mvhline(y, x, ' ' | self.styles[style], COLS - x);
	attr_set(A_NORMAL, 0, NULL);
}

void screen_erase(void)
{
	erase();
}

void screen_show(void)
{
	refresh();
}
