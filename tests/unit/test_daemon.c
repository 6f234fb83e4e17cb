/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A whole life: start, events, end. Run from the top of the repository: for tests/data/captures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "daemon.h"
#include "emulated.h"
#include "namespace.h"
#include "plans.h"

#define REQUESTS          "tests/data/captures/requests.pcap"
#define FILE_OF(path, ip) "instances:\n- {interface: file, pcap: " path ", ips: [" ip "]}\n"
#define CONFIG                                                                                     \
	"init_config: {report_interval: 0.2, reverse_names: false}\n"                              \
	"instances:\n"

static struct capture journal, output, file;
static struct daemon_settings settings;

static int setup(void **state)
{
	(void)state;
	close(capture_file(&journal));
	settings = (struct daemon_settings){
		.output = OUTPUT_JSON,
		.log.path = journal.path,
		.measuring.backend = BACKEND_PCAP,
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	capture_free(&journal);
	return 0;
}

/* Its whole life. What it printed can be read afterwards, until output is freed. */
static int run(struct config *config)
{
	int err;

	stdout_capture(&output);
	err = daemon_run(&settings, config);
	stdout_restore(&output);
	return err;
}

static int said(const char *text)
{
	return count_of(capture_read(&journal), text);
}

static int printed(const char *text)
{
	int count = count_of(capture_read(&output), text);

	capture_free(&output);
	return count;
}

/* ---- capture files ---- */

/* With nothing else to measure, their end is the end. */
static void test_captures(void **state)
{
	(void)state;
	assert_int_equal(run(config_of(FILE_OF(REQUESTS, "10.77.0.2"))), 0);
	assert_in_range(printed("\"dst\":\"10.77.0.2\""), 50, 1000);
	assert_int_equal(said("INFO all capture files are read, and there is no interface"), 1);
	assert_false(log_is_file());
}

static void test_no_capture(void **state)
{
	(void)state;
	assert_int_equal(run(config_of(FILE_OF("/nowhere/a.pcap", "10.77.0.2"))), -ENOENT);
	assert_int_equal(printed("\n"), 0);
	assert_int_equal(said("and there is no interface to measure: done"), 0);
}

/* ---- what does not start ---- */

static void test_no_interface(void **state)
{
	(void)state;
	settings.output = OUTPUT_TEXT;
	assert_int_equal(run(config_of("instances:\n- {interface: metro-none, ips: [10.0.0.1]}\n")),
			 -ENODEV);
	assert_int_equal(said("CRITICAL cannot measure: interface metro-none does not exist\n"), 1);
	assert_int_equal(printed("no round-trip times seen"), 0);
}

/* ---- an interface ---- */

/* Waits until the log has the text so often; after too long, ends the daemon and this process. */
static void await(const char *text, int times)
{
	for (int i = 0; said(text) < times; i++) {
		if (i == 3000) {
			kill(getppid(), SIGTERM);
			_exit(1);
		}
		usleep(10000);
	}
}

/* Requests and answers on a connection to this host. */
static void talk(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t size = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0), here = socket(AF_INET, SOCK_STREAM, 0);
	int there;
	char byte = '!';

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&addr, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &size) ||
	    connect(here, (struct sockaddr *)&addr, size))
		_exit(1);
	there = accept(listener, NULL, NULL);
	for (int i = 0; i < 20; i++)
		if (write(here, &byte, 1) != 1 || read(there, &byte, 1) != 1 ||
		    write(there, &byte, 1) != 1 || read(here, &byte, 1) != 1)
			_exit(1);
	close(here);
	close(there);
	close(listener);
}

/* Who uses the daemon: beside it, with what it reads and writes. */
static void use(pid_t daemon)
{
	char moved[sizeof(journal.path) + 2];

	await("INFO measuring on lo with libpcap", 1);
	talk();
	write_text(file.path, CONFIG "- {interface: lo, ips: [not an address]}\n");
	snprintf(moved, sizeof(moved), "%s.1", journal.path);
	rename(journal.path, moved); /* as logrotate does it, who is told why nothing is reloaded */
	kill(daemon, SIGHUP);
	await("was not reloaded: keeping the old configuration", 1);
	unlink(moved);
	write_text(file.path, CONFIG "- {interface: lo, ips: [127.0.0.0/8], hosts: [localhost]}\n"
				     "- {interface: m0, ips: [10.0.0.1]}\n");
	kill(daemon, SIGHUP);
	await("INFO reloaded ", 1);
	await("INFO measuring on m0 with libpcap", 1);
	await("INFO host localhost is ", 1);
	talk();
	kill(daemon, SIGTERM);
}

/* Runs the daemon in a namespace of its own while another process does what is said. */
static int run_beside(void (*other)(pid_t daemon), int (*run_it)(struct config *config))
{
	struct config *config;
	pid_t pid, daemon = getpid();
	int status, err;

	skip_emulated("no capture on interfaces: libpcap's ioctl and ring are unknown");
	enter_namespace();
	add_link("m0", 70);
	assert_true(run_tool("ip link set m0 up"));
	close(capture_file(&file));
	write_text(file.path, CONFIG "- {interface: lo, ips: [127.0.0.1]}\n");
	assert_int_equal(config_load(file.path, &config), 0);
	settings.config_path = file.path;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		other(daemon);
		_exit(0);
	}
	err = run_it(config);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	capture_free(&file);
	return err;
}

static void test_life(void **state)
{
	const char *text;

	(void)state;
	settings.output = OUTPUT_TEXT;
	assert_int_equal(run_beside(use, run), 0);
	text = capture_read(&output);
	assert_in_range(count_of(text, " ms\n"), 60, 100);
	assert_int_equal(count_of(text, "\nlo    127.0.0.1 localhost "), 1); /* the table */
	capture_free(&output);
	assert_int_equal(said("INFO counters: samples="), 1);
	assert_int_equal(said("INFO counters: samples=0 "), 0);
}

static void talk_alone(pid_t daemon)
{
	(void)daemon;
	await("INFO measuring on lo with libpcap", 1);
	talk();
}

static int run_full(struct config *config)
{
	int err;

	output = (struct capture){};
	stdout_to(&output, open("/dev/full", O_WRONLY));
	err = daemon_run(&settings, config);
	stdout_restore(&output);
	return err;
}

/* Nobody tells it to end: what it measures is lost. */
static void test_lost(void **state)
{
	(void)state;
	assert_int_equal(run_beside(talk_alone, run_full), -ENOSPC);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(captures), T(no_capture), T(no_interface), T(life), T(lost),
	};

	return cmocka_run_group_tests_name("daemon", tests, NULL, NULL);
}
