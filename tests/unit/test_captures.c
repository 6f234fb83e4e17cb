/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capture files of a configuration. Run from the top of the repository: for tests/data/captures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>

#include "captures.h"
#include "plans.h"
#include "some_links.h"

#define REQUESTS  "tests/data/captures/requests.pcap"           /* 10.77.0.1 and 10.77.0.2 */
#define REQUESTS6 "tests/data/captures/requests-ipv6-nano.pcap" /* fd77::1 and fd77::2 */
#define UPLOAD    "tests/data/captures/reordered-upload.pcap"
#define STEPS     100000

static struct capture capture;
static unsigned int samples, foreign;
static struct config *config;
static struct peers *peers;
static struct captures *captures;

static void take(void *arg, const struct delivery *delivery)
{
	struct address server4, server6;

	(void)arg;
	assert_int_equal(address_parse("10.77.0.2", &server4), 0);
	assert_int_equal(address_parse("fd77::2", &server6), 0);
	assert_string_equal(delivery->iface, "file");
	samples += delivery->record->count;
	if (memcmp(&delivery->record->key.peer, &server4, sizeof(server4)) &&
	    memcmp(&delivery->record->key.peer, &server6, sizeof(server6)))
		foreign += delivery->record->count;
}

static const struct backend_settings settings = {
	.marks = 32, .max_flows = 16, .batch_limit = BATCH_MAX, .batch_age = 1000, .deliver = take};

static void begin(const char *instances)
{
	log_capture(&capture);
	config = config_of_instances(instances);
	assert_int_equal(peers_new(&peers, config, &some_links), 0);
	assert_int_equal(captures_new(&captures, config), 0);
	samples = foreign = 0;
}

static void read_all(void)
{
	for (int i = 0; i < STEPS && captures_state(captures) == CAPTURES_READING; i++)
		captures_step(captures, &settings, peers);
	assert_int_equal(captures_state(captures), CAPTURES_DONE);
}

static void end(int err)
{
	assert_int_equal(captures_end(captures, peers), err);
	peers_free(peers);
	config_free(config);
	log_release(&capture);
}

static void test_none(void **state)
{
	(void)state;
	begin("- {interface: lo, ips: [10.0.0.1]}\n");
	assert_null(captures);
	assert_int_equal(captures_state(captures), CAPTURES_DONE);
	assert_int_equal(captures_timer(captures), -1);
	captures_heard(captures, "a");
	end(0);
}

/* One direction of what both directions of the file have. */
static void test_peers(void **state)
{
	unsigned int all;

	(void)state;
	begin("- {interface: file, pcap: " REQUESTS ", ips: [0.0.0.0/0]}\n");
	read_all();
	all = samples;
	end(0);
	begin("- {interface: file, pcap: " REQUESTS ", ips: [10.77.0.2]}\n");
	assert_int_equal(captures_timer(captures), -1);
	read_all();
	assert_in_range(samples, 50, all - 50);
	assert_int_equal(foreign, 0);
	end(0);
	begin("- {interface: file, pcap: " REQUESTS ", ips: [10.77.0.99, 'fd77::/64']}\n");
	read_all();
	assert_int_equal(samples, 0);
	end(0);
}

/* Each file is measured for its own instances' peers, and read once. */
static void test_several(void **state)
{
	unsigned int v4, v6;

	(void)state;
	begin("- {interface: file, pcap: " REQUESTS ", ips: [10.77.0.2]}\n");
	read_all();
	v4 = samples;
	end(0);
	begin("- {interface: file, pcap: " REQUESTS6 ", ips: ['fd77::2']}\n");
	read_all();
	v6 = samples;
	assert_in_range(v6, 1, 100000);
	end(0);
	begin("- {interface: file, pcap: " REQUESTS ", ips: [10.77.0.2]}\n"
	      "- {interface: lo, ips: [10.77.0.1]}\n"
	      "- {interface: file, pcap: " REQUESTS6 ", ips: ['fd77::2', 10.77.0.1]}\n"
	      "- {interface: file, pcap: " REQUESTS ", ips: [10.77.0.2, 'fd77::1']}\n");
	read_all();
	assert_int_equal(samples, v4 + v6);
	assert_int_equal(foreign, 0);
	end(0);
}

static void test_hosts(void **state)
{
	(void)state;
	begin("- {interface: file, pcap: " REQUESTS ", hosts: [a.example, b.example]}\n"
	      "- {interface: lo, hosts: [c.example]}\n");
	assert_true(captures_timer(captures) >= 0);
	assert_int_equal(captures_state(captures), CAPTURES_WAITING);
	captures_heard(captures, "c.example");
	captures_heard(captures, "b.example");
	captures_heard(captures, "b.example");
	assert_int_equal(captures_state(captures), CAPTURES_WAITING);
	captures_heard(captures, "a.example");
	assert_int_equal(captures_state(captures), CAPTURES_READING);
	captures_wait_no_longer(captures);
	assert_string_equal(capture_read(&capture), "");
	read_all();
	end(0);

	begin("- {interface: file, pcap: " REQUESTS ", hosts: [a.example], ips: [10.77.0.2]}\n");
	captures_wait_no_longer(captures);
	assert_non_null(strstr(capture_read(&capture), "a.example"));
	read_all();
	assert_in_range(samples, 50, 1000);
	end(0);
}

/* Moves the client's port of every packet on; the server's is 5000. */
static void other_ports(__u8 *bytes, size_t size)
{
	for (size_t at = 0; at + 16 < size;) {
		__u32 length;
		__u8 *ports = bytes + at + 16 + 14 + 20;

		memcpy(&length, bytes + at + 8, sizeof(length));
		at += 16 + length;
		if (bytes[at - length + 12] != 8 || bytes[at - length + 23] != PROTOCOL_TCP)
			continue; /* ARP and the like */
		ports += ports[0] << 8 == (5000 & 0xff00) && ports[1] == (5000 & 0xff) ? 2 : 0;
		ports[0] ^= 0x40;
		ports[1]++;
	}
}

/* More packets than are read in one step: the same connections, again and again. */
static void write_long(char *path)
{
	static __u8 bytes[65536];
	FILE *in = fopen(REQUESTS, "r"), *out = fdopen(mkstemp(path), "w");
	size_t size = fread(bytes, 1, sizeof(bytes), in);

	fclose(in);
	fwrite(bytes, 1, 24, out); /* the file's header */
	for (int i = 0; i < 40; i++) {
		fwrite(bytes + 24, 1, size - 24, out);
		other_ports(bytes + 24, size - 24);
	}
	assert_int_equal(fclose(out), 0);
}

static void test_stopped(void **state)
{
	char path[] = "/tmp/metro-long-XXXXXX", text[128];
	unsigned int before;

	(void)state;
	write_long(path);
	snprintf(text, sizeof(text), "- {interface: file, pcap: %s, ips: [10.77.0.2]}\n", path);
	begin(text);
	captures_step(captures, &settings, peers);
	assert_int_equal(captures_state(captures), CAPTURES_READING);
	before = samples;
	assert_int_equal(captures_end(captures, peers), 0);
	captures = NULL;
	assert_in_range(samples, before + 1, before + 40 * 3 * BATCH_MAX);
	assert_non_null(strstr(capture_read(&capture), "was not read to its end"));
	end(0);
	unlink(path);
}

/* A reload between two steps. */
static void test_other_peers(void **state)
{
	char path[] = "/tmp/metro-long-XXXXXX", text[128];
	struct peers *others;
	unsigned int before;

	(void)state;
	write_long(path);
	snprintf(text, sizeof(text), "- {interface: file, pcap: %s, ips: [10.77.0.2]}\n", path);
	begin(text);
	captures_step(captures, &settings, peers);
	before = samples;
	assert_int_equal(peers_new(&others, config, &some_links), 0);
	assert_int_equal(peers_inherit(others, peers), 0);
	peers_free(peers);
	peers = others;
	read_all();
	assert_in_range(samples, before + 50, 100000);
	end(0);
	unlink(path);
}

static unsigned int samples_with(unsigned int file_marks)
{
	struct backend_settings own = settings;
	char reason[BACKEND_REASON];
	struct backend *backend;

	own.file_marks = file_marks;
	samples = 0;
	assert_int_equal(backend_file_open(&backend, &own, UPLOAD, NULL, 0, reason), 0);
	while (!backend->ops->read(backend))
		;
	while (!backend->ops->sweep(backend))
		;
	backend->ops->close(backend);
	return samples;
}

/* As many marks as are needed, whatever live interfaces have, unless a number is given. */
static void test_marks(void **state)
{
	unsigned int most = samples_with(MARKS_MAX);

	(void)state;
	assert_int_equal(samples_with(0), most);
	assert_in_range(samples_with(8), 1, most / 2);
	assert_in_range(samples_with(16), most / 2, most - 1);
}

/* A bound that is reached is reported. */
static void test_refused(void **state)
{
	struct backend_settings few = settings;
	__u64 counters[COUNTERS] = {};
	char reason[BACKEND_REASON];
	struct backend *backend;

	(void)state;
	log_capture(&capture);
	backend_file_tell_refused(REQUESTS, counters);
	assert_string_equal(capture_read(&capture), "");
	few.max_flows = 1;
	assert_int_equal(backend_file_open(&backend, &few, REQUESTS, NULL, 0, reason), 0);
	while (!backend->ops->read(backend))
		;
	backend->ops->counters(backend, counters);
	backend_file_tell_refused(REQUESTS, counters);
	backend->ops->close(backend);
	assert_int_equal(count_of(capture_read(&capture), "segments were left out"), 1);
	log_release(&capture);
}

static void test_missing(void **state)
{
	(void)state;
	begin("- {interface: file, pcap: /nowhere/a.pcap, ips: [0.0.0.0/0]}\n"
	      "- {interface: file, pcap: " REQUESTS ", ips: [10.77.0.2]}\n");
	read_all();
	assert_in_range(samples, 50, 1000);
	assert_non_null(strstr(capture_read(&capture), "/nowhere/a.pcap: "));
	assert_int_equal(count_of(capture_read(&capture), " ERROR "), 1);
	end(-ENOENT);
}

static void test_no_files(void **state)
{
	char text[256], pipe[] = "/tmp/metro-pipe-XXXXXX";

	(void)state;
	close(mkstemp(pipe));
	unlink(pipe);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	snprintf(text, sizeof(text),
		 "- {interface: file, pcap: %s, ips: [0.0.0.0/0]}\n"
		 "- {interface: file, pcap: /dev/zero, ips: [0.0.0.0/0]}\n"
		 "- {interface: file, pcap: /tmp, ips: [0.0.0.0/0]}\n",
		 pipe);
	begin(text);
	read_all();
	assert_int_equal(count_of(capture_read(&capture), "is not a regular file; for a pipe"), 2);
	assert_int_equal(count_of(capture_read(&capture), "ERROR /tmp: Is a directory"), 1);
	end(-EINVAL);
	unlink(pipe);
}

static void test_damaged(void **state)
{
	char cut[] = "/tmp/metro-cut-XXXXXX", text[256], bytes[4001];
	int out = mkstemp(cut);
	FILE *in = fopen(REQUESTS, "r");

	(void)state;
	assert_int_equal(fread(bytes, 1, sizeof(bytes), in), sizeof(bytes));
	assert_int_equal(write(out, bytes, sizeof(bytes)), sizeof(bytes));
	close(out);
	fclose(in);
	snprintf(text, sizeof(text), "- {interface: file, pcap: %s, ips: [0.0.0.0/0]}\n", cut);
	begin(text);
	read_all();
	assert_in_range(samples, 1, 1000);
	assert_non_null(strstr(capture_read(&capture), "the packets before it were read"));
	assert_true(captures_end(captures, peers) < 0);
	captures = NULL;
	end(0);
	unlink(cut);
}

/* The daemon gets its turn between two pieces of a long job: 64 MiB here, in one block. */
static void test_turns(void **state)
{
	static const __u32 header[] = {0x0a0d0d0a, 28,    0x1a2b3c4d,     1, ~0u, ~0u,
				       28,         0x555, (64 << 20) + 12};
	static const __u8 zeros[1 << 20];
	char path[] = "/tmp/metro-test-turns-XXXXXX", instances[128];
	gzFile out = gzdopen(mkstemp(path), "wb1");
	unsigned int turns = 0;

	(void)state;
	gzwrite(out, header, sizeof(header));
	for (int i = 0; i < 64; i++)
		gzwrite(out, zeros, sizeof(zeros));
	gzwrite(out, &header[8], sizeof(header[8]));
	gzclose(out);
	snprintf(instances, sizeof(instances), "- {interface: file, pcap: %s, ips: [10.77.0.2]}\n",
		 path);
	begin(instances);
	for (; captures_state(captures) == CAPTURES_READING; turns++)
		captures_step(captures, &settings, peers);
	assert_int_equal(turns, 64 / 16 + 1);
	end(0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),    cmocka_unit_test(test_peers),
		cmocka_unit_test(test_several), cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_stopped), cmocka_unit_test(test_other_peers),
		cmocka_unit_test(test_marks),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_missing), cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_turns),
	};

	return cmocka_run_group_tests_name("captures", tests, NULL, NULL);
}
