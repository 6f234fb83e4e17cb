/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Another configuration in place of the one in force, or none at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plain_environment.h"
#include "peering.h"
#include "plans.h"
#include "reload.h"
#include "small_backend.h"

#define LO(ip) "- {interface: lo, ips: [" ip "]}\n"

static struct capture capture;
static char path[] = "/tmp/metro-reload-XXXXXX";
static struct plan plan, before;
static struct backend *backend;

static int measure(void *arg, const struct plan *next)
{
	assert_ptr_equal(arg, &plan);
	return backend->ops->set_peers(backend, next->peers);
}

/* A failed reload leaves everything as it was. */
static void leave(void *arg, const struct plan *next)
{
	assert_ptr_equal(arg, &plan);
	note("leave");
	assert_ptr_equal(plan.peers, before.peers);
	assert_ptr_equal(plan.config, before.config);
	assert_ptr_equal(small_bpf.peers, next->peers);
	assert_int_equal(peers_count(plan.peers), 1);
}

static struct reload_terms terms = {.path = path, .measure = measure, .leave = leave, .arg = &plan};

static int setup(void **state)
{
	const struct backend_settings settings = {};
	char reason[BACKEND_REASON];

	(void)state;
	plain_environment();
	strcpy(strchr(path, '-') + 1, "reload-XXXXXX");
	close(mkstemp(path));
	log_capture(&capture);
	small_backends_reset();
	small_open_bpf(&backend, &settings, reason);
	plan = before = plan_of("instances:\n" LO("10.0.0.1"));
	asked[0] = '\0';
	terms.chooses_server = false;
	terms.overrides = (struct plan_overrides){};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	backend->ops->close(backend);
	plan_free(&plan);
	log_release(&capture);
	unlink(path);
	return 0;
}

static int reload_text(const char *text)
{
	write_text(path, text);
	return reload(&plan, &terms);
}

static int said(const char *text)
{
	return count_of(capture_read(&capture), text);
}

static bool has(const char *text)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return matches_address(plan.peers, 1, &addr);
}

static void assert_unchanged(void)
{
	assert_ptr_equal(plan.config, before.config);
	assert_ptr_equal(plan.peers, before.peers);
	assert_true(has("10.0.0.1"));
	assert_int_equal(said("was not reloaded: "), 1);
}

/* ---- what goes wrong ---- */

static void test_mistake(void **state)
{
	(void)state;
	assert_int_equal(reload_text("instances:\n" LO("10.0.0.300")), -EINVAL);
	assert_asked("");
	assert_unchanged();
	assert_int_equal(said("keeping the old configuration\n"), 1);
}

static void test_no_file(void **state)
{
	(void)state;
	unlink(path);
	assert_int_equal(reload(&plan, &terms), -ENOENT);
	assert_asked("");
	assert_unchanged();
}

/* The environment counts where the server is chosen, and nowhere else. */
static void test_environment(void **state)
{
	(void)state;
	setenv("DD_DOGSTATSD_PORT", "no port", 1);
	terms.chooses_server = true;
	assert_int_equal(reload_text("instances:\n" LO("10.0.0.2")), -EINVAL);
	assert_asked("");
	assert_unchanged();
	terms.chooses_server = false;
	assert_int_equal(reload_text("instances:\n" LO("10.0.0.2")), 0);
	unsetenv("DD_DOGSTATSD_PORT");
}

/* A backend that cannot take the new peers gets the old ones again. */
static void test_rollback(void **state)
{
	(void)state;
	small_bpf.peers_error = -ENOSPC;
	small_bpf.peers_failures = 1;
	assert_int_equal(reload_text("instances:\n" LO("10.0.0.2")), -ENOSPC);
	assert_asked("bpf.peers bpf.peers");
	assert_ptr_equal(small_bpf.peers, before.peers);
	assert_unchanged();
	assert_int_equal(
		said("was not reloaded: No space left on device; keeping the old configuration\n"),
		1);
	assert_int_equal(reload_text("instances:\n" LO("10.0.0.2")), 0);
	assert_true(has("10.0.0.2"));
}

/* ---- what goes well ---- */

static void test_reload(void **state)
{
	(void)state;
	assert_int_equal(reload_text("instances:\n" LO("10.0.0.2") LO("10.0.0.3")), 0);
	assert_asked("bpf.peers leave");
	assert_ptr_equal(small_bpf.peers, plan.peers);
	assert_true(has("10.0.0.2"));
	assert_false(has("10.0.0.1"));
	assert_int_equal(said("\n"), 0);
}

static void test_overrides(void **state)
{
	(void)state;
	assert_int_equal(reload_text("init_config: {report_interval: 3}\n"
				     "instances:\n" LO("10.0.0.2")),
			 0);
	assert_true(plan.config->report_interval_s == 3);
	before = plan;
	terms.overrides = (struct plan_overrides){.interval_s = 0.5, .soften = true};
	assert_int_equal(reload_text("init_config: {report_interval: 3}\n"
				     "instances:\n" LO("10.0.0.2")),
			 0);
	assert_true(plan.config->report_interval_s == 0.5);
	assert_true(plan.config->soften);
}

/* A host that stays has its address at once. */
static void test_inherits(void **state)
{
	struct address addr;

	(void)state;
	plan_free(&plan);
	plan = before = plan_of("instances:\n- {interface: lo, hosts: [a.example]}\n");
	assert_int_equal(address_parse("192.0.2.7", &addr), 0);
	assert_int_equal(peers_set_host(plan.peers, "a.example", &addr, 1), 1);
	assert_int_equal(peers_update(plan.peers), 1);
	assert_int_equal(
		reload_text("instances:\n- {interface: lo, hosts: [b.example, a.example]}\n"), 0);
	assert_true(has("192.0.2.7"));
}

/* ---- what has to wait for a restart ---- */

static void test_captures(void **state)
{
	const char *line = "WARNING new capture files are only read when bpf-metro is restarted\n";

	(void)state;
	plan_free(&plan);
	plan = before = plan_of("instances:\n" LO(
		"10.0.0.1") "- {interface: file, pcap: /a.pcap, ips: [10.0.0.1]}\n");
	assert_int_equal(reload_text("instances:\n- {interface: file, pcap: /a.pcap, "
				     "ips: [10.0.0.2]}\n" LO("10.0.0.1")),
			 0);
	assert_int_equal(said(line), 0);
	before = plan;
	assert_int_equal(
		reload_text("instances:\n" LO(
			"10.0.0.1") "- {interface: file, pcap: /b.pcap, ips: [10.0.0.1]}\n"),
		0);
	assert_int_equal(said(line), 1);
	before = plan;
	assert_int_equal(reload_text("instances:\n" LO("10.0.0.1")), 0);
	assert_int_equal(said(line), 1);
}

static void test_sizes(void **state)
{
	static const char *const keys[] = {"marks: 16", "max_flows: 16", "snaplen: 128"};
	char text[128];

	(void)state;
	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "init_config: {%s}\ninstances:\n" LO("10.0.0.1"),
			 keys[i]);
		assert_int_equal(reload_text(text), 0);
		before = plan;
		assert_int_equal(said("snaplen only take effect when bpf-metro is restarted\n"),
				 2 * i + 1);
		assert_int_equal(reload_text(text), 0);
		before = plan;
		assert_int_equal(said("take effect when"), 2 * i + 1);
		assert_int_equal(reload_text("instances:\n" LO("10.0.0.1")), 0);
		before = plan;
		assert_int_equal(said("take effect when"), 2 * i + 2);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(mistake),   T(no_file),  T(environment), T(rollback), T(reload),
		T(overrides), T(inherits), T(captures),    T(sizes),
	};

	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
