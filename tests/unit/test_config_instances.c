/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys of an instance that came after go-metro's plain ones, and interfaces and hosts as people
 * paste them: what each accepts, refuses, and becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_keys.h"

static void assert_refused(const char *init, const char *instance, const char *message)
{
	struct config *config = NULL;
	char expected[2048];

	log_capture(&capture);
	assert_int_equal(load(init, instance, &config), -EINVAL);
	snprintf(expected, sizeof(expected), "%s\n", message);
	assert_string_equal(messages(), expected);
	assert_null(config);
	log_release(&capture);
}

static void test_instances(void **state)
{
	struct config *config;

	(void)state;
	assert_int_equal(load("",
			      "{interface: lo, hosts: [a], sample: true, sample_duration: 1, "
			      "sample_interval: 86400}",
			      &config),
			 0);
	assert_true(config->instances[0].sample);
	assert_int_equal(config->instances[0].sample_duration_s, 1);
	assert_int_equal(config->instances[0].sample_interval_s, 86400);
	assert_null(config->instances[0].pcap);
	config_free(config);

	assert_int_equal(
		load("", "{interface: lo, hosts: [a], sample: no, sample_interval: 2}", &config),
		0);
	assert_false(config->instances[0].sample);
	config_free(config);

	assert_int_equal(
		load("", "{pcap: a b.pcap, hosts: [a], interface: file, sample: false}", &config),
		0);
	assert_string_equal(config->instances[0].interface, "file");
	assert_string_equal(config->instances[0].pcap, "a b.pcap");
	config_free(config);
}

static void test_wrong_instances(void **state)
{
	(void)state;
	assert_refused("", "{interface: lo, hosts: [a], sample: true}",
		       "instances[0]: sample: true needs sample_duration and sample_interval; "
		       "accepted: both, whole numbers of seconds from 1 to 86400");
	assert_refused("", "{interface: lo, hosts: [a], sample: true, sample_duration: 1}",
		       "instances[0]: sample: true needs sample_duration and sample_interval; "
		       "accepted: both, whole numbers of seconds from 1 to 86400");
	assert_refused("", "{interface: lo, hosts: [a], sample: false, sample_interval: 0}",
		       "instances[0].sample_interval: \"0\" is out of range; accepted: a whole "
		       "number from 1 to 86400");
	assert_refused("", "{interface: file, hosts: [a]}",
		       "instances[0]: interface: file needs a capture file; accepted: pcap: PATH "
		       "beside it");
	assert_refused("", "{interface: lo, pcap: a, hosts: [a]}",
		       "instances[0]: pcap only goes with interface: file; accepted: interface: "
		       "file, or no pcap");
	assert_refused("", "{interface: file, pcap: '', hosts: [a]}",
		       "instances[0].pcap: is empty; accepted: the path of a capture file");
}

static void assert_direction(const char *instance, enum direction_choice direction,
			     unsigned int ways)
{
	struct config *config;

	assert_int_equal(load("", instance, &config), 0);
	assert_int_equal(config->instances[0].direction, direction);
	assert_int_equal(direction_ways(direction), ways);
	config_free(config);
}

static void test_direction(void **state)
{
	(void)state;
	assert_direction("{interface: lo, hosts: [a]}", DIRECTION_OUT, WAY_OUT);
	assert_direction("{interface: lo, hosts: [a], direction: out}", DIRECTION_OUT, WAY_OUT);
	assert_direction("{interface: lo, hosts: [a], direction: in}", DIRECTION_IN, WAY_IN);
	assert_direction("{interface: lo, hosts: [a], direction: both}", DIRECTION_BOTH,
			 WAY_IN | WAY_OUT);
	assert_refused("", "{interface: lo, hosts: [a], direction: inout}",
		       "instances[0].direction: \"inout\" is not a direction; accepted: out, in, "
		       "both");
	assert_refused("", "{interface: file, pcap: a, hosts: [a], direction: in}",
		       "instances[0]: direction goes with a network interface; for a capture file "
		       "run bpf-metro -r FILE -Q DIRECTION");
}

static void test_pasted(void **state)
{
	(void)state;
	assert_refused("", "{interface: \"eth0,veth*\", hosts: [a]}",
		       "instances[0].interface: \"eth0,veth*\" has a comma; accepted: one name or "
		       "pattern, or a list of them, such as [eth0, \"veth*\"]");
	assert_refused("", "{interface: ve0@if5, hosts: [a]}",
		       "instances[0].interface: \"ve0@if5\" has more than the interface's name, as "
		       "`ip link` shows it; accepted: ve0");
	assert_refused("", "{interface: 'eth0.100@eth0-and-more:', hosts: [a]}",
		       "instances[0].interface: \"eth0.100@eth0-and-more:\" has more than the "
		       "interface's name, as `ip link` shows it; accepted: eth0.100");
	assert_refused("", "{interface: 'lo:', hosts: [a]}",
		       "instances[0].interface: \"lo:\" has more than the interface's name, as `ip "
		       "link` shows it; accepted: lo");
	assert_refused(
		"", "{interface: lo, hosts: [m\xc3\xbcnchen.example]}",
		"instances[0].hosts[0]: \"m\xc3\xbcnchen.example\" is not valid; accepted: a "
		"host name or an address; write the name in ASCII, xn--..., as `idn2 NAME` "
		"prints it");
}

static bool containers_of(const char *instance)
{
	struct config *config;
	bool containers;

	assert_int_equal(load("", instance, &config), 0);
	containers = config->instances[0].containers;
	config_free(config);
	return containers;
}

/* Their tags take room from the others', whichever of the two keys comes first. */
static void test_containers(void **state)
{
	char text[1000];

	(void)state;
	assert_false(containers_of("{interface: lo, hosts: [a]}"));
	assert_true(containers_of("{interface: lo, hosts: [a], containers: true}"));
	log_capture(&capture);
	assert_false(containers_of("{interface: file, pcap: a, hosts: [a], containers: true}"));
	assert_non_null(strstr(capture_read(&capture), "WARNING"));
	assert_non_null(strstr(capture_read(&capture), "containers: true is ignored"));
	log_release(&capture);
	assert_refused("", "{interface: lo, hosts: [a], containers: 1}",
		       "instances[0].containers: \"1\" is neither true nor false; accepted: true "
		       "or false");
	snprintf(text, sizeof(text),
		 "{interface: lo, hosts: [a], containers: true, tags: ['%0599d']}", 1);
	assert_true(containers_of(text));
	snprintf(text, sizeof(text),
		 "{interface: lo, hosts: [a], tags: ['%0600d'], containers: true}", 1);
	assert_refused("", text,
		       "instances[0].tags: are 601 bytes long together, too many for a StatsD "
		       "datagram that has those of containers, too; accepted: up to 600, "
		       "counting a comma for each");
}

static void test_file_as_argument(void **state)
{
	struct config *config = NULL;

	(void)state;
	log_capture(&capture);
	assert_int_equal(config_from_arguments("file", (char *[]){"::1"}, 1, &config), -EINVAL);
	assert_non_null(strstr(capture_read(&capture), "bpf-metro -r FILE"));
	log_release(&capture);
}

/* ---- ports ---- */

#define PORT_WRONG(place, text, reason)                                                            \
	"instances[0].ports" place ": \"" text "\" " reason                                        \
	"; accepted: a port from 1 to 65535, or a range such as 8000-8999"

static void assert_ports_refused(const char *ports, const char *message)
{
	char instance[4096];

	snprintf(instance, sizeof(instance), "{interface: lo, ips: [127.0.0.1], %s}", ports);
	assert_refused("", instance, message);
}

static void test_ports(void **state)
{
	static const struct ports expected = {3, {{80, 80}, {443, 443}, {8000, 9000}}};
	struct config *config;

	(void)state;
	assert_int_equal(load("",
			      "{interface: lo, ips: [127.0.0.1], tag_port: yes, "
			      "ports: [8500-9000, 443, '80', \"8000-8500\", 8001, 443]}",
			      &config),
			 0);
	assert_true(ports_equal(config->instances[0].ports, &expected));
	assert_true(config->instances[0].tag_port);
	config_free(config);
	assert_int_equal(
		load("", "{interface: lo, ips: [127.0.0.1], ports: , tag_port: no}", &config), 0);
	assert_null(config->instances[0].ports);
	config_free(config);
}

static void test_wrong_ports(void **state)
{
	(void)state;
	assert_ports_refused("ports: [443, 0]", PORT_WRONG("[1]", "0", "is no port"));
	assert_ports_refused("ports: [65536]", PORT_WRONG("[0]", "65536", "is no port"));
	assert_ports_refused("ports: [9000-8000]",
			     PORT_WRONG("[0]", "9000-8000", "ends before it begins"));
	assert_ports_refused("ports: [https]", PORT_WRONG("[0]", "https", "is not valid"));
	assert_ports_refused("ports: ['80,443']", PORT_WRONG("[0]", "80,443", "is not valid"));
	assert_ports_refused("ports: []", "instances[0].ports: is an empty list; accepted: ports "
					  "in it, or no ports: for all of them");
	assert_ports_refused("ports: 443", "instances[0].ports: is a single value; accepted: a "
					   "list, each item after \"- \"");
	assert_ports_refused("tag_port: true",
			     "instances[0]: tag_port: true needs ports; accepted: a list of ports "
			     "beside it");
	assert_ports_refused(
		"port: [443]",
		"instances[0]: \"port\" is not a known key (did you mean ports?); "
		"accepted: interface, ips, hosts, tags, direction, ports, tag_port, sample, "
		"sample_duration, sample_interval, pcap, containers");
}

/* 257 that do not touch; and lists that differ, of which one less is accepted. */
static void test_too_many_ports(void **state)
{
	static char many[16384];
	struct config *config;
	size_t length = 0;

	(void)state;
	length = (size_t)sprintf(many, "ports: [2");
	for (unsigned int i = 2; i <= PORTS_MAX + 1; i++)
		length += (size_t)sprintf(many + length, ", %u", 2 * i);
	strcpy(many + length, "]");
	assert_ports_refused(many, "instances[0].ports[256]: \"514\" is one too many; accepted: up "
				   "to 256 ports and ranges, those that touch counted once");
	length = (size_t)sprintf(many, "{interface: lo, ips: ['::1'], ports: [1]}");
	for (unsigned int i = 2; i <= PORT_LISTS_MAX; i++)
		length += (size_t)sprintf(many + length,
					  "\n- {interface: lo, ips: ['::1'], ports: [%u]}", i);
	length += (size_t)sprintf(many + length, "\n- {interface: lo, ips: ['::1'], ports: [7]}");
	assert_int_equal(load("", many, &config), 0);
	assert_int_equal(config->instances[63].ports_list, 63);
	assert_int_equal(config->instances[64].ports_list, 6);
	config_free(config);
	strcpy(many + length, "\n- {interface: lo, ips: ['::1'], ports: [1, 2]}");
	assert_refused("", many,
		       "instances[65].ports: are one list too many; accepted: up to 64 lists that "
		       "differ, over all instances");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instances),
		cmocka_unit_test(test_wrong_instances),
		cmocka_unit_test(test_direction),
		cmocka_unit_test(test_pasted),
		cmocka_unit_test(test_file_as_argument),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_wrong_ports),
		cmocka_unit_test(test_too_many_ports),
	};

	return cmocka_run_group_tests_name("config instances", tests, NULL, NULL);
}
