/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the sinks for standard output share: its failures, time stamps, and the buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "capture.h"
#include "decimal.h"
#include "output.h"
#include "sinks.h"
#include "timestamp.h"

#define SECOND 1000000000ULL

static struct capture out;

/* Standard output fails with this error: it is logged once, kept, and returned by close. */
static void assert_output_fails(int (*open_sink)(struct sink **, const struct peers *), int fd,
				int error)
{
	struct capture log;
	struct sink *sink;
	int status, kept;

	log_capture(&log);
	assert_int_equal(open_sink(&sink, NULL), 0);
	stdout_to(&out, fd);
	take_one(sink, &flow, "eth0", 0, 1);
	sink->ops->flush(sink);
	kept = sink->error;
	for (int i = 0; i < 2000; i++)
		take_one(sink, &flow, "eth0", i, 1);
	status = sink->ops->close(sink);
	stdout_restore(&out);
	assert_int_equal(kept, error);
	assert_int_equal(status, error);
	assert_int_equal(count_of(capture_read(&log), strerror(-error)), 1);
	log_release(&log);
}

static void test_full_standard_output(void **state)
{
	(void)state;
	assert_output_fails(sink_json_open, open("/dev/full", O_WRONLY), -ENOSPC);
	assert_output_fails(sink_text_open, open("/dev/full", O_WRONLY), -ENOSPC);
}

static int pipe_without_reader(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	return ends[1];
}

static void test_closed_standard_output(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_output_fails(sink_json_open, pipe_without_reader(), -EPIPE);
	assert_output_fails(sink_text_open, pipe_without_reader(), -EPIPE);
}

static void test_utc(void **state)
{
	struct timestamp stamp;

	(void)state;
	timestamp_init(&stamp, TIMESTAMP_UTC);
	assert_string_equal(timestamp_text(&stamp, 0), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(timestamp_text(&stamp, SECOND - 1), "1970-01-01T00:00:00.999999999Z");
	assert_string_equal(timestamp_text(&stamp, SECOND), "1970-01-01T00:00:01.000000000Z");
	assert_string_equal(timestamp_text(&stamp, SECOND - 1), "1970-01-01T00:00:00.999999999Z");
	assert_string_equal(timestamp_text(&stamp, WALL_NS), "2026-11-23T10:00:00.123456789Z");
	/* 2028-02-29, a leap day, and what follows it. */
	assert_string_equal(timestamp_text(&stamp, 1835481599 * SECOND + 999999999),
			    "2028-02-29T23:59:59.999999999Z");
	assert_string_equal(timestamp_text(&stamp, 1835481600 * SECOND),
			    "2028-03-01T00:00:00.000000000Z");
	assert_string_equal(timestamp_text(&stamp, UINT64_MAX), "2554-07-21T23:34:33.709551615Z");
}

static void test_clock_is_local_time(void **state)
{
	struct timestamp stamp;

	(void)state;
	setenv("TZ", "EAST-2:30", 1);
	tzset();
	timestamp_init(&stamp, TIMESTAMP_CLOCK);
	assert_string_equal(timestamp_text(&stamp, WALL_NS), "12:30:00.123456");
	assert_string_equal(timestamp_text(&stamp, WALL_NS + SECOND), "12:30:01.123456");
	setenv("TZ", "UTC", 1);
	tzset();
}

struct reader {
	int fd;
	size_t length;
	unsigned int wrong;
};

static void *read_slowly(void *arg)
{
	struct reader *reader = arg;
	unsigned char bytes[8192];
	ssize_t length;

	while ((length = read(reader->fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < length; i++)
			reader->wrong += bytes[i] != (unsigned char)(reader->length++ % 251);
		usleep(100);
	}
	return NULL;
}

/* Of pipes without a name, and of those alone, Linux 6.4 and newer say what they have room for. */
static void open_pipe(int ends[2], bool named)
{
	char path[] = "/tmp/test_output.XXXXXX", name[64];

	if (!named) {
		assert_int_equal(pipe(ends), 0);
		return;
	}
	assert_non_null(mkdtemp(path));
	snprintf(name, sizeof(name), "%s/pipe", path);
	assert_int_equal(mkfifo(name, 0600), 0);
	ends[0] = open(name, O_RDONLY | O_NONBLOCK);
	ends[1] = open(name, O_WRONLY);
	assert_true(ends[0] >= 0 && ends[1] >= 0);
	fcntl(ends[0], F_SETFL, 0);
	unlink(name);
	rmdir(path);
}

/* Parts of all sizes. */
static void output_to_a_slow_reader(bool named, int flags)
{
	struct output *output = malloc(sizeof(*output));
	unsigned char bytes[3000];
	struct reader reader = {0};
	size_t written = 0;
	pthread_t thread;
	int ends[2];

	assert_non_null(output);
	open_pipe(ends, named);
	fcntl(ends[1], F_SETFL, flags);
	reader.fd = ends[0];
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
	output_init(output, ends[1]);
	for (size_t length = 0; length < sizeof(bytes); length += 7) {
		for (size_t i = 0; i < length; i++)
			bytes[i] = (written + i) % 251;
		output_bytes(output, bytes, length);
		written += length;
	}
	assert_int_equal(output_flush(output), 0);
	close(ends[1]);
	pthread_join(thread, NULL);
	close(ends[0]);
	free(output);
	assert_int_equal(reader.length, written);
	assert_int_equal(reader.wrong, 0);
}

/* Somebody else may have made the pipe non-blocking. */
static void test_output_waits_for_a_slow_reader(void **state)
{
	(void)state;
	output_to_a_slow_reader(false, 0);
	output_to_a_slow_reader(false, O_NONBLOCK);
	output_to_a_slow_reader(true, 0);
	output_to_a_slow_reader(true, O_NONBLOCK);
}

/* ---- a reader that is too slow ---- */

static void put_line(struct output *output, unsigned int number)
{
	char line[101];

	memset(line, '.', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	output_filled(output, (char *)mempcpy(decimal_fixed(output_room(output, 128), 8, number),
					      line + 8, sizeof(line) - 8));
}

struct lines {
	int fd;
	unsigned int count, last;
	bool whole, rising;
};

static void *read_lines(void *arg)
{
	struct lines *lines = arg;
	FILE *file = fdopen(lines->fd, "r");
	char line[256];

	lines->whole = lines->rising = true;
	while (fgets(line, sizeof(line), file)) {
		unsigned int number = atoi(line);

		lines->whole &= strlen(line) == 101 && line[100] == '\n' && line[99] == '.';
		lines->rising &= !lines->count || number > lines->last;
		lines->last = number;
		lines->count++;
	}
	fclose(file);
	return NULL;
}

static bool is_readable(int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	return poll(&readable, 1, 0) == 1;
}

static struct output *open_output_to(int ends[2], bool named)
{
	struct output *output = malloc(sizeof(*output));

	assert_non_null(output);
	open_pipe(ends, named);
	assert_int_equal(output_open(output, ends[1]), 0);
	return output;
}

static struct output *open_output(int ends[2])
{
	return open_output_to(ends, false);
}

/* Puts lines while nobody reads, and then reads what is there. Returns how many were left out. */
static __u64 put_and_read(unsigned int count, struct lines *lines)
{
	char bytes[65536];
	pthread_t thread;
	int ends[2];
	struct output *output = open_output(ends);
	__u64 lost;

	for (unsigned int i = 0; i < count; i++)
		put_line(output, i);
	assert_int_equal(output_flush(output), 0);
	assert_false(is_readable(output->room));
	lines->fd = ends[0];
	assert_int_equal(read(ends[0], bytes, 101), 101); /* less than a page: no room yet */
	assert_int_equal(pthread_create(&thread, NULL, read_lines, lines), 0);
	while (!is_readable(output->room))
		usleep(100);
	assert_int_equal(output_close(output), 0);
	assert_null(output->backlog.bytes);
	close(ends[1]);
	pthread_join(thread, NULL);
	lost = output->lost;
	free(output);
	return lost;
}

static void test_output_keeps_lines(void **state)
{
	struct lines lines = {0};

	(void)state;
	assert_int_equal(put_and_read(20000, &lines), 0);
	assert_int_equal(lines.count, 19999);
	assert_int_equal(lines.last, 19999);
	assert_true(lines.whole && lines.rising);
}

/* The pipe and the backlog are full: what comes then is left out by whole lines, and counted. */
static void test_output_leaves_out_lines(void **state)
{
	struct lines lines = {0};
	__u64 lost;

	(void)state;
	lost = put_and_read(200000, &lines);
	assert_true(lost > 200000 - (BACKLOG_BYTES + 2 * 65536) / 101);
	assert_int_equal(lines.count + lost, 199999);
	assert_true(lines.whole && lines.rising);
}

/* Around the end of the ring: a part is read, and more comes. */
static void test_output_ring(void **state)
{
	char bytes[101];
	int ends[2];
	struct output *output = open_output(ends);
	unsigned int put = 0;

	(void)state;
	while (put < 160000)
		put_line(output, put++);
	for (unsigned int i = 0; i < 300000; i++) {
		assert_int_equal(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
		assert_int_equal(strtoul(bytes, NULL, 10), i);
		put_line(output, put++);
		if (i % 100 == 0)
			assert_int_equal(output_flush(output), 0);
	}
	assert_int_equal(output->lost, 0);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(output_close(output), -EPIPE);
	assert_null(output->backlog.bytes);
	close(ends[1]);
	free(output);
}

/* As many bytes as a write to a pipe may have come while it is full: that is not waited for. */
static void output_of_a_piece(bool named)
{
	static const char piece[4096];
	char bytes[4096];
	int ends[2];
	struct output *output = open_output_to(ends, named);

	alarm(10);
	for (unsigned int i = 0; i < 20; i++) { /* a pipe holds 16 */
		output_bytes(output, piece, sizeof(piece));
		assert_int_equal(output_flush(output), 0);
	}
	assert_int_equal(output->backlog.count, 4 * sizeof(piece));
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(output_close(output), 0);
	alarm(0);
	close(ends[0]);
	close(ends[1]);
	free(output);
}

static void test_output_of_a_piece(void **state)
{
	(void)state;
	output_of_a_piece(false);
	output_of_a_piece(true);
}

/* A terminal has room for less than a pipe when it says that it has room. */
static void test_output_to_a_terminal(void **state)
{
	struct output *output = malloc(sizeof(*output));
	int master = posix_openpt(O_RDWR | O_NOCTTY), terminal;

	(void)state;
	assert_non_null(output);
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(terminal >= 0);
	assert_int_equal(output_open(output, terminal), 0);
	alarm(10);
	for (unsigned int i = 0; i < 20000; i++)
		put_line(output, i);
	assert_int_equal(output_flush(output), 0);
	assert_int_equal(output->lost, 0);
	assert_in_range(output->backlog.count, 20000 * 101 - 65536, 20000 * 101);
	alarm(0);
	close(master);
	assert_int_equal(output_close(output), -EIO);
	close(terminal);
	free(output);
}

static void test_output_gives_up(void **state)
{
	struct capture log;
	char bytes[101];
	int ends[2];
	struct output *output = open_output(ends);

	(void)state;
	log_capture(&log);
	put_line(output, 0);
	assert_int_equal(output_flush(output), 0);
	assert_false(is_readable(output->room)); /* nobody waits for room, of which there is much */
	assert_int_equal(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	for (unsigned int i = 0; i < 1000; i++)
		put_line(output, i);
	assert_int_equal(output_close(output), -ETIMEDOUT);
	assert_non_null(strstr(capture_read(&log), "standard output is not read; 352 lines are "
						   "lost"));
	assert_int_equal(output->lost, 352); /* 65536 bytes have the ends of 648 */
	log_release(&log);
	close(ends[0]);
	close(ends[1]);
	free(output);
}

static void put_number(struct output *output, __u64 number)
{
	output_filled(output, decimal(output_room(output, strlen("18446744073709551615")), number));
}

static void test_output_numbers(void **state)
{
	struct output *output = malloc(sizeof(*output));

	(void)state;
	assert_non_null(output);
	output_init(output, -1);
	put_number(output, 0);
	output_text(output, " ");
	put_number(output, 1234567890);
	output_format(output, " %d ", -5);
	put_number(output, UINT64_MAX);
	assert_int_equal(output->length, strlen("0 1234567890 -5 18446744073709551615"));
	assert_memory_equal(output->bytes, "0 1234567890 -5 18446744073709551615", output->length);
	free(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_standard_output),
		cmocka_unit_test(test_closed_standard_output),
		cmocka_unit_test(test_utc),
		cmocka_unit_test(test_clock_is_local_time),
		cmocka_unit_test(test_output_waits_for_a_slow_reader),
		cmocka_unit_test(test_output_keeps_lines),
		cmocka_unit_test(test_output_leaves_out_lines),
		cmocka_unit_test(test_output_ring),
		cmocka_unit_test(test_output_of_a_piece),
		cmocka_unit_test(test_output_to_a_terminal),
		cmocka_unit_test(test_output_gives_up),
		cmocka_unit_test(test_output_numbers),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
