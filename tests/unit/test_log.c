/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Levels, and files that are rotated: what is kept, and what happens when rotating fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "log.h"
#include "log_file.h"

#define LINES_FULL 500 /* of 200 bytes: one file */

static char directory[] = "/tmp/metro-log-XXXXXX";
static char path[64];

/* The path of log file number N, 0 being the one that is written to. */
static const char *file(int number)
{
	static char text[2][80];
	static int turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), number ? "%s.%d" : "%s", path, number);
	return text[turn];
}

static int setup(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/a.log", directory);
	log_set_level(LEVEL_INFO);
	return log_open(path);
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	log_close();
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

/* Writes a line of 200 bytes, newline and all, that begins with the number. */
static void write_line(int number)
{
	log_info("%06d %0*d", number, 200 - 25 - 5 - 7 - 1, 0);
}

static long size_of(const char *name)
{
	struct stat stat_;

	return stat(name, &stat_) ? -1 : (long)stat_.st_size;
}

static int lines_of(const char *name)
{
	FILE *in = fopen(name, "r");
	int lines = 0, c;

	if (!in)
		return -1;
	while ((c = fgetc(in)) != EOF)
		lines += c == '\n';
	fclose(in);
	return lines;
}

/* The number in a file's first line; -1: there is none. */
static int first_of(const char *name)
{
	FILE *in = fopen(name, "r");
	int number = -1;

	if (!in)
		return -1;
	if (fscanf(in, "%*s INFO %d", &number) != 1)
		number = -1;
	fclose(in);
	return number;
}

static char *slurp(const char *name)
{
	static char text[4096];
	FILE *in = fopen(name, "r");

	assert_non_null(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	return text;
}

static void test_rotation(void **state)
{
	(void)state;
	for (int i = 0; i < 8 * LINES_FULL + 1; i++) {
		write_line(i);
		assert_in_range(size_of(path), 1, LOG_FILE_MAX);
	}
	for (int i = 0; i <= LOG_FILE_OLD; i++)
		assert_int_equal(first_of(file(i)), (8 - i) * LINES_FULL);
	for (int i = 1; i <= LOG_FILE_OLD; i++)
		assert_int_equal(size_of(file(i)), LOG_FILE_MAX);
	assert_int_equal(size_of(file(LOG_FILE_OLD + 1)), -1);
	assert_int_equal(size_of(path), 200);
}

/* The file of the process before: it counts, too. */
static void test_appends(void **state)
{
	struct stat stat_;

	(void)state;
	for (int i = 0; i < LINES_FULL - 1; i++)
		write_line(i);
	log_close();
	assert_int_equal(log_open(path), 0);
	write_line(LINES_FULL - 1);
	assert_int_equal(size_of(path), LOG_FILE_MAX);
	write_line(LINES_FULL);
	assert_int_equal(first_of(path), LINES_FULL);
	assert_int_equal(first_of(file(1)), 0);
	assert_int_equal(stat(path, &stat_), 0);
	assert_int_equal(stat_.st_mode & 0137, 0); /* nothing for others */
}

/* logrotate without a signal: logging goes on in the file that it made, and nothing is renamed. */
static void test_moved_away(void **state)
{
	(void)state;
	for (int i = 0; i < LINES_FULL; i++)
		write_line(i);
	assert_int_equal(rename(path, file(9)), 0);
	write_line(LINES_FULL);
	assert_int_equal(first_of(path), LINES_FULL);
	assert_int_equal(first_of(file(9)), 0);
	assert_int_equal(size_of(file(1)), -1);
}

static void test_somebody_elses(void **state)
{
	int fd;

	(void)state;
	for (int i = 0; i < LINES_FULL; i++)
		write_line(i);
	assert_int_equal(rename(path, file(9)), 0);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "theirs\n", 7), 7);
	close(fd);
	write_line(LINES_FULL);
	assert_int_equal(size_of(path), 207);
	assert_memory_equal(slurp(path), "theirs\n", 7);
	assert_int_equal(size_of(file(1)), -1);
}

/* logrotate with a signal: the same path, opened again. */
static void test_reopened(void **state)
{
	(void)state;
	write_line(1);
	assert_int_equal(rename(path, file(1)), 0);
	write_line(2);
	assert_int_equal(size_of(path), -1);
	assert_int_equal(log_open(path), 0);
	write_line(3);
	assert_int_equal(first_of(path), 3);
	assert_int_equal(size_of(file(1)), 400);
}

/* A directory in the way of the oldest: nothing is overwritten, nothing lost, and it says so. */
static void test_rename_fails(void **state)
{
	long size;

	(void)state;
	assert_int_equal(mkdir(file(5), 0700), 0);
	for (int i = 0; i < 5 * LINES_FULL; i++)
		write_line(i);
	for (int i = 0; i <= 4; i++)
		assert_true(first_of(file(i)) >= 0);
	assert_int_equal(first_of(file(4)), 0);
	for (int i = 0; i < LINES_FULL; i++)
		write_line(5 * LINES_FULL + i);
	assert_int_equal(first_of(file(4)), 0);
	assert_int_equal(first_of(path), 4 * LINES_FULL);
	size = size_of(path);
	assert_in_range(size, 2 * LOG_FILE_MAX, 2 * LOG_FILE_MAX + 200);

	/* The way is free again: the next attempt succeeds. */
	assert_int_equal(rmdir(file(5)), 0);
	for (int i = 0; i < LINES_FULL; i++)
		write_line(6 * LINES_FULL + i);
	assert_int_equal(first_of(file(5)), 0);
	assert_int_equal(first_of(file(1)), 4 * LINES_FULL);
	assert_in_range(size_of(path), 1, LOG_FILE_MAX);
}

static void test_says_that_it_fails(void **state)
{
	static char text[300000];
	FILE *in;
	int said = 0;

	(void)state;
	assert_int_equal(mkdir(file(5), 0700), 0);
	close(open(file(4), O_WRONLY | O_CREAT, 0600));
	for (int i = 0; i < 2 * LINES_FULL - 5; i++)
		write_line(i);
	in = fopen(path, "r");
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	for (const char *at = text; (at = strstr(at, " WARNING cannot rotate this log file")); at++)
		said++;
	assert_int_equal(said, 1);
}

static void test_symbolic_link(void **state)
{
	char elsewhere[80], rotated[96];

	(void)state;
	log_close();
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", directory);
	snprintf(rotated, sizeof(rotated), "%s.1", elsewhere);
	unlink(path);
	assert_int_equal(symlink(elsewhere, path), 0);
	assert_int_equal(log_open(path), 0);
	for (int i = 0; i <= LINES_FULL; i++)
		write_line(i);
	assert_int_equal(first_of(path), LINES_FULL);
	assert_int_equal(first_of(rotated), 0);
	assert_int_equal(size_of(file(1)), -1);
}

static void test_not_a_file(void **state)
{
	char name[80];
	int reader;

	(void)state;
	snprintf(name, sizeof(name), "%s/pipe", directory);
	assert_int_equal(mkfifo(name, 0600), 0);
	assert_int_equal(log_open(name), -ENXIO); /* nobody reads */
	reader = open(name, O_RDONLY | O_NONBLOCK);
	assert_int_equal(log_open(name), 0);
	for (int i = 0; i < 2 * LINES_FULL; i++)
		write_line(i); /* full after 64 KiB: lost, and no waiting */
	close(reader);
	assert_int_equal(log_open("/dev/full"), 0);
	write_line(1);
	assert_int_equal(log_open("/dev/null"), 0);
	write_line(1);
	assert_int_equal(access("/dev/null.1", F_OK), -1);
}

static void test_directory(void **state)
{
	char name[96];

	(void)state;
	snprintf(name, sizeof(name), "%s/one/a.log", directory);
	assert_int_equal(log_open(name), 0);
	snprintf(name, sizeof(name), "%s/two/three/a.log", directory);
	assert_int_equal(log_open(name), -ENOENT);
	assert_int_equal(log_open(directory), -EISDIR);
	write_line(1);
	snprintf(name, sizeof(name), "%s/one/a.log", directory);
	assert_int_equal(first_of(name), 1);
}

/* Whoever started it by hand reads why it ended, wherever else it logs. */
static void test_critical(void **state)
{
	int saved = dup(STDERR_FILENO), fd;
	char name[96];

	(void)state;
	snprintf(name, sizeof(name), "%s/stderr", directory);
	fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	assert_true(log_is_file());
	log_critical("0");
	log_serve_daemon(true);
	log_error("0");
	log_critical("1\n2");
	log_close();
	assert_false(log_is_file());
	log_critical("3"); /* once, although it is both */
	log_serve_daemon(false);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(fd);
	assert_int_equal(lines_of(name), 3);
	assert_int_equal(lines_of(path), 4);
}

/* Standard error, as it is for the test, goes to a file; returns what it was. */
static int redirect_stderr(const char *name)
{
	int saved = dup(STDERR_FILENO), fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	close(fd);
	return saved;
}

static void restore_stderr(int saved)
{
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
}

/* With JOURNAL_STREAM saying that standard error is the inode that it is, or the next one. */
static void find_journal(unsigned int off)
{
	char stream[64];
	struct stat is;

	assert_int_equal(fstat(STDERR_FILENO, &is), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)is.st_dev,
		 (uintmax_t)is.st_ino + off);
	setenv("JOURNAL_STREAM", stream, 1);
	log_find_journal();
	unsetenv("JOURNAL_STREAM");
}

/* Its lines have a priority and no time; those of a file do not change. */
static void test_journal(void **state)
{
	char name[96];
	int saved;

	(void)state;
	snprintf(name, sizeof(name), "%s/journal", directory);
	saved = redirect_stderr(name);
	find_journal(0);
	assert_true(log_is_journal());
	assert_string_equal(log_priority(LEVEL_ERROR), "<3>");
	log_serve_daemon(true);
	log_critical("both");
	log_close();
	log_set_level(LEVEL_TRACE);
	log_trace("t");
	log_debug("d");
	log_info("i");
	log_warning("w\n<0>forged");
	log_error("e");
	log_serve_daemon(false);
	restore_stderr(saved);
	assert_string_equal(slurp(name), "<2>both\n<7>t\n<7>d\n<6>i\n<4>w\n<4>| <0>forged\n<3>e\n");
	assert_non_null(strstr(slurp(path), "Z CRITICAL both\n"));
}

/* The variable is somebody else's, whose standard error ours is not. */
static void test_not_the_journal(void **state)
{
	char name[96];
	int saved;

	(void)state;
	snprintf(name, sizeof(name), "%s/stderr", directory);
	saved = redirect_stderr(name);
	find_journal(1);
	log_close();
	log_info("i");
	restore_stderr(saved);
	assert_false(log_is_journal());
	assert_string_equal(log_priority(LEVEL_ERROR), "");
	assert_non_null(strstr(slurp(name), "Z INFO i\n"));
	log_find_journal(); /* without the variable */
	assert_false(log_is_journal());
}

/* More than a pipe holds, and nobody reads. The alarm ends a test that waits. */
static void test_asleep(void **state)
{
	int saved = dup(STDERR_FILENO), ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	log_close();
	assert_true(saved >= 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	log_serve_daemon(true);
	alarm(20);
	for (int i = 0; i < 10000; i++)
		write_line(i);
	alarm(0);
	log_serve_daemon(false);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

static void test_levels(void **state)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{"trace", LEVEL_TRACE},     {"debug", LEVEL_DEBUG},       {"Info", LEVEL_INFO},
		{"warning", LEVEL_WARNING}, {"WARN", LEVEL_WARNING},      {"error", LEVEL_ERROR},
		{"err", LEVEL_ERROR},       {"critical", LEVEL_CRITICAL}, {"crit", LEVEL_CRITICAL},
	};
	enum log_level level;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(log_level_parse(names[i].name, &level), 0);
		assert_int_equal(level, names[i].level);
	}
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
	for (level = LEVEL_TRACE; level <= LEVEL_CRITICAL; level++) {
		int lines = 0;

		assert_int_equal(truncate(path, 0), 0);
		log_set_level(level);
		log_trace("a");
		log_debug("a");
		log_info("a");
		log_warning("a");
		log_error("a");
		log_critical("a");
		for (const char *at = slurp(path); (at = strchr(at, '\n')); at++)
			lines++;
		assert_int_equal(lines, LEVEL_CRITICAL - level + 1);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotation),
		TEST(test_appends),
		TEST(test_moved_away),
		TEST(test_somebody_elses),
		TEST(test_reopened),
		TEST(test_rename_fails),
		TEST(test_says_that_it_fails),
		TEST(test_symbolic_link),
		TEST(test_not_a_file),
		TEST(test_directory),
		TEST(test_levels),
		TEST(test_critical),
		TEST(test_asleep),
		TEST(test_journal),
		TEST(test_not_the_journal),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
