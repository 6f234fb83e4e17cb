/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The line that `systemctl status` shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "monitor_state.h"
#include "status.h"

#define MANY 5

static struct instance instances[MANY];
static struct config config;
static struct monitored at[MANY];
static struct hold hold = {.how = "BPF at tcx"};
static struct monitor monitor;
static struct status status;
static char text[STATUS_SIZE];

/* measured of so many interfaces, a0 and so on, in as many instances. */
static void make(unsigned int count, unsigned int measured)
{
	static char names[MANY][16];

	config = (struct config){.instances = instances, .instances_count = count};
	monitor = (struct monitor){.first = count ? at : NULL, .measured = measured};
	status = (struct status){.rate = -1};
	for (unsigned int i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "a%u", i);
		instances[i] = (struct instance){.interface = names[i]};
		at[i] = (struct monitored){.hold = i >= count - measured ? &hold : NULL,
					   .next = i + 1 < count ? &at[i + 1] : NULL};
		strcpy(at[i].now.name, names[i]);
	}
}

static const char *written(void)
{
	status_write(&status, &config, &monitor, text);
	return text;
}

static void test_interfaces(void **state)
{
	(void)state;
	make(1, 1);
	assert_string_equal(written(), "measuring a0 with BPF at tcx");
	make(4, 2);
	assert_string_equal(written(), "measuring a2, a3 with BPF at tcx");
	make(5, 4);
	assert_string_equal(written(), "measuring 4 interfaces (a1, a2, a3, ..) with BPF at tcx");
	make(2, 0);
	assert_string_equal(written(), "waiting for a0; a1");
	make(5, 0);
	assert_string_equal(written(), "waiting for a0; a1; a2; ..");
	instances[0].interface = "a\nREADY=1";
	assert_string_equal(written(), "waiting for a?READY=1; a1; a2; ..");
	instances[0].interface = "a\xff"; /* systemd takes UTF-8 alone */
	assert_string_equal(written(), "waiting for a?; a1; a2; ..");
}

static void test_none(void **state)
{
	(void)state;
	make(0, 0);
	assert_string_equal(written(), "measuring nothing: the configuration has no instances");
	make(1, 0);
	instances[0].pcap = "a.pcap";
	assert_string_equal(written(), "reading capture files");
}

static void test_rate(void **state)
{
	(void)state;
	make(1, 1);
	status_count(&status, 1000);
	assert_string_equal(written(), "measuring a0 with BPF at tcx"); /* since when? */
	status.at_ns -= 10 * NS_PER_S;
	status_count(&status, 1025);
	assert_string_equal(written(), "measuring a0 with BPF at tcx; 2.5 samples a second");
	status.at_ns -= 10 * NS_PER_S;
	status_count(&status, 1000); /* of another backend */
	assert_string_equal(written(), "measuring a0 with BPF at tcx; 100 samples a second");
}

/* A list of interfaces may be longer than the line. */
static void test_long(void **state)
{
	static char list[2000];

	(void)state;
	make(1, 0);
	memset(list, 'x', sizeof(list) - 1);
	instances[0].interface = list;
	assert_int_equal(strlen(written()), STATUS_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
