/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A StatsD server known by its name: waiting for an address, and following it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clients.h"
#include "prefix.h"
#include "statsd_queue.h"

static int setup_name(void **state)
{
	if (setup_server(state))
		return -1;
	fixture.config.statsd_ip = "statsd.example.org";
	return statsd_client_open(&fixture.client, &fixture.config);
}

static void set_server(struct fixture *f, const char *first, const char *second)
{
	struct address addrs[2];

	assert_int_equal(address_parse(first, &addrs[0]), 0);
	if (second)
		assert_int_equal(address_parse(second, &addrs[1]), 0);
	statsd_client_set_server(f->client, addrs, second ? 2 : 1);
}

static void test_name_is_told(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(statsd_client_server_name(f->client), "statsd.example.org");
	f->config.statsd_ip = "127.0.0.1";
	assert_int_equal(statsd_client_redirect(f->client, &f->config), 0);
	assert_null(statsd_client_server_name(f->client));
	f->config.statsd_ip = "other.example.org";
	assert_int_equal(statsd_client_redirect(f->client, &f->config), 0);
	assert_string_equal(statsd_client_server_name(f->client), "other.example.org");
	f->config.statsd_socket = "unix:///tmp/x";
	assert_int_equal(statsd_client_redirect(f->client, &f->config), 0);
	assert_null(statsd_client_server_name(f->client));
}

/* A report that comes after the address is known: no message about a failure. */
static void test_resolved_before_the_first_report(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(log_text(f), "");
	set_server(f, "127.0.0.1", NULL);
	assert_non_null(
		strstr(log_text(f), "INFO StatsD server statsd.example.org is at 127.0.0.1"));
	report(f, 2);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 2);
	report(f, 0);
	assert_counted(f, 2, 0);
	assert_int_equal(count_of(log_text(f), LOST), 0);
	assert_int_equal(count_of(log_text(f), "\n"), 1);
}

static void test_waiting_for_the_address(void **state)
{
	struct fixture *f = *state;

	report(f, 2);
	report(f, 1);
	assert_counted(f, 0, 3);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_non_null(strstr(log_text(f), "its name has not been resolved yet"));
	statsd_client_set_server(f->client, NULL, 0);
	set_server(f, "127.0.0.1", NULL);
	report(f, 1);
	report(f, 0);
	assert_counted(f, 1, 3);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	assert_non_null(strstr(log_text(f), "3 datagrams were lost"));
}

static void test_address_stays_while_it_is_valid(void **state)
{
	struct fixture *f = *state;

	set_server(f, "127.0.0.1", "127.0.0.2");
	set_server(f, "127.0.0.0", "127.0.0.1");
	statsd_client_set_server(f->client, NULL, 0);
	assert_int_equal(count_of(log_text(f), "\n"), 1);
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
}

static void test_address_moves(void **state)
{
	struct fixture *f = *state;
	int other = server_open("127.0.0.2", f->port), v6 = server_open("::1", f->port);

	set_server(f, "127.0.0.1", NULL);
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);

	set_server(f, "127.0.0.2", "127.0.0.3");
	assert_non_null(strstr(log_text(f), "is at 127.0.0.2 now, no longer at 127.0.0.1"));
	report(f, 1);
	assert_int_equal(server_receive_all(other, f->text, sizeof(f->text)), 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 0);
	report(f, 0);
	assert_counted(f, 2, 0);

	if (v6 >= 0) {
		set_server(f, "::1", NULL);
		report(f, 1);
		assert_int_equal(server_receive_all(v6, f->text, sizeof(f->text)), 1);
		close(v6);
	}
	close(other);
}

/* What still waits goes to the new address. */
static void test_address_moves_within_a_report(void **state)
{
	struct fixture *f = *state;
	int other = server_open("127.0.0.2", f->port);

	set_server(f, "127.0.0.1", NULL);
	report(f, FIRST + 4);
	set_server(f, "127.0.0.2", NULL);
	pump(f, 1000);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), FIRST);
	assert_int_equal(server_receive_all(other, f->text, sizeof(f->text)), 4);
	assert_int_equal(atoi(f->text), FIRST + 1);
	report(f, 0);
	assert_counted(f, FIRST + 4, 0);
	close(other);
}

/* From a server that is gone to one that is there: what was lost is still told. */
static void test_move_ends_an_outage(void **state)
{
	struct fixture *f = *state;
	int other = server_open("127.0.0.2", f->port);

	set_server(f, "127.0.0.1", NULL);
	stop_server(f);
	report(f, 2);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_non_null(strstr(log_text(f), "server statsd.example.org:"));
	assert_non_null(strstr(log_text(f), " (127.0.0.1): Connection refused"));
	set_server(f, "127.0.0.2", NULL);
	report(f, 1);
	report(f, 0);
	assert_counted(f, 1, 2);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	assert_non_null(strstr(log_text(f), "2 datagrams were lost"));
	close(other);
}

/* A server that listens on only one of its addresses is found, trying one address per report. */
static void test_next_address_is_tried(void **state)
{
	struct fixture *f = *state;
	int other = server_open("127.0.0.2", f->port);

	stop_server(f);
	set_server(f, "127.0.0.1", "127.0.0.2");
	report(f, 2);
	report(f, 0); /* proves nothing about the address that is tried next */
	report(f, 0);
	report(f, 3);
	assert_int_equal(server_receive_all(other, f->text, sizeof(f->text)), 3);
	report(f, 1);
	report(f, 0);
	assert_int_equal(server_receive_all(other, f->text, sizeof(f->text)), 1);
	assert_counted(f, 4, 2);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	assert_non_null(strstr(log_text(f), " (127.0.0.2) " AGAIN));
	/* It is still where it was found after another lookup. */
	set_server(f, "127.0.0.1", "127.0.0.2");
	report(f, 1);
	assert_int_equal(server_receive_all(other, f->text, sizeof(f->text)), 1);
	/* And round again. */
	close(other);
	start_server(f);
	report(f, 1);
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
}

/* Nor is one without a route, as IPv6 often is, any obstacle. */
static void test_address_without_a_route(void **state)
{
	struct fixture *f = *state;

	set_server(f, "255.255.255.255", "127.0.0.1"); /* refused without SO_BROADCAST */
	report(f, 1);
	report(f, 0);
	assert_counted(f, 1, 0);
	assert_int_equal(count_of(log_text(f), LOST), 0);
}

/* A report that is too large is not the address's fault. */
static void test_address_stays_where_we_are_at_fault(void **state)
{
	struct fixture *f = *state;
	int other = server_open("127.0.0.2", f->port);

	set_server(f, "127.0.0.1", "127.0.0.2");
	statsd_client_begin(f->client);
	for (size_t i = 0; i < STATSD_QUEUE_BYTES / STATSD_DATAGRAM_MAX + 1; i++)
		line_of_length(f, "", STATSD_DATAGRAM_MAX);
	statsd_client_end(f->client);
	assert_int_equal(count_of(log_text(f), "larger than"), 1);
	report(f, 1);
	while (recv(f->server, f->text, sizeof(f->text), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(recv(other, f->text, sizeof(f->text), MSG_DONTWAIT), -1);
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	close(other);
}

/* A reload of the same name does not make it unknown. */
static void test_redirect_to_the_same_name(void **state)
{
	struct fixture *f = *state;

	set_server(f, "127.0.0.1", NULL);
	assert_int_equal(statsd_client_redirect(f->client, &f->config), 0);
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	assert_int_equal(count_of(log_text(f), "\n"), 1);
}

static void test_addresses_for_nobody(void **state)
{
	struct fixture *f = *state;

	f->config.statsd_ip = "127.0.0.1";
	assert_int_equal(statsd_client_redirect(f->client, &f->config), 0);
	set_server(f, "127.0.0.2", NULL); /* of a lookup that was under way */
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
}

int main(void)
{
#define NAME(name) cmocka_unit_test_setup_teardown(name, setup_name, teardown)
	const struct CMUnitTest tests[] = {
		NAME(test_name_is_told),
		NAME(test_resolved_before_the_first_report),
		NAME(test_waiting_for_the_address),
		NAME(test_address_stays_while_it_is_valid),
		NAME(test_address_moves),
		NAME(test_address_moves_within_a_report),
		NAME(test_move_ends_an_outage),
		NAME(test_next_address_is_tried),
		NAME(test_address_without_a_route),
		NAME(test_address_stays_where_we_are_at_fault),
		NAME(test_redirect_to_the_same_name),
		NAME(test_addresses_for_nobody),
	};

	return cmocka_run_group_tests_name("statsd_name", tests, NULL, NULL);
}
