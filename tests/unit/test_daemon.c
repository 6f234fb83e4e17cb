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
#include "namespace.h"
#include "plans.h"

#define REQUESTS          "tests/data/captures/requests.pcap"
#define FILE_OF(path, ip) "instances:\n- {interface: file, pcap: " path ", ips: [" ip "]}\n"
#define LO(ip)            "init_config: {report_interval: 0.2}\ninstances:\n- {interface: lo, ips: [" ip "]}\n"

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

static void test_full_output(void **state)
{
	(void)state;
	output = (struct capture){};
	stdout_to(&output, open("/dev/full", O_WRONLY));
	assert_int_equal(daemon_run(&settings, config_of(FILE_OF(REQUESTS, "10.77.0.2"))), -ENOSPC);
	stdout_restore(&output);
}

/* ---- an interface ---- */

/* Waits until the log has the text so often. */
static void await(const char *text, int times)
{
	while (said(text) < times)
		usleep(10000);
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
	await("INFO measuring on lo with libpcap", 1);
	talk();
	write_text(file.path, LO("not an address"));
	kill(daemon, SIGHUP);
	await("was not reloaded: keeping the old configuration", 1);
	write_text(file.path, LO("127.0.0.0/8"));
	kill(daemon, SIGHUP);
	await("INFO reloaded ", 1);
	talk();
	kill(daemon, SIGTERM);
}

static void test_life(void **state)
{
	struct config *config;
	pid_t user, daemon = getpid();
	int status;

	(void)state;
	enter_namespace();
	close(capture_file(&file));
	write_text(file.path, LO("127.0.0.1"));
	assert_int_equal(config_load(file.path, &config), 0);
	settings.config_path = file.path;
	user = fork();
	if (user == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		use(daemon);
		_exit(0);
	}
	assert_int_equal(run(config), 0);
	waitpid(user, &status, 0);
	assert_int_equal(status, 0);
	assert_in_range(printed("\"iface\":\"lo\",\"src\":\"127.0.0.1\""), 60, 100);
	assert_int_equal(said("INFO counters: samples="), 1);
	capture_free(&file);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(captures), T(no_capture), T(no_interface), T(full_output), T(life),
	};

	return cmocka_run_group_tests_name("daemon", tests, NULL, NULL);
}
