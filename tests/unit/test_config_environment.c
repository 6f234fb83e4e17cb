/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Variables of the environment in a configuration's values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "load_config.h"
#include "yaml_environment.h"

/* .. without a warning. */
static struct config *load_quietly(const char *text)
{
	struct config *config = load_good(text);

	assert_string_equal(logged(), "");
	return config;
}

static int setup(void **state)
{
	catch_log(state);
	setenv("NODE", "node-7", 1);
	setenv("EMPTY", "", 1);
	unsetenv("UNSET");
	return 0;
}

#define TAG(tag) INSTANCE "  tags:\n  - " tag "\n"

/* ---- what a value becomes ---- */

static void test_tags(void **state)
{
	static const struct {
		const char *text, *tag;
	} cases[] = {
		{TAG("node:${NODE}"), "node:node-7"},
		{TAG("\"node:${NODE}\""), "node:node-7"},
		{TAG("'node:${NODE}'"), "node:node-7"},
		{TAG("\"\\x24{NODE}\""), "node-7"}, /* YAML's own escapes come first */
		{TAG("${NODE}${NODE}:${NODE}"), "node-7node-7:node-7"},
		{TAG("node:${EMPTY}"), "node:"},
		{TAG("node:${UNSET:-}"), "node:"},
		{TAG("node:${UNSET:-none}"), "node:none"},
		{TAG("node:${EMPTY:-none}"), "node:none"},
		{TAG("node:${NODE:-none}"), "node:node-7"},
		{TAG("node:${UNSET:-a:-b}"), "node:a:-b"},
		{TAG("node:${UNSET:-a b{c}}"), "node:a b{c}"}, /* the first } ends it */
		{TAG("node:${UNSET:-\xc3\xa9}\xc3\xa9"), "node:\xc3\xa9\xc3\xa9"},
		{TAG("a\n    ${NODE}"), "a node-7"},
		/* a dollar */
		{TAG("$${NODE}"), "${NODE}"},
		{TAG("$$${NODE}"), "$node-7"},
		{TAG("$$$${NODE}"), "$${NODE}"},
		{TAG("${NODE}$$"), "node-7$"},
		{TAG("${NODE}$$$$x$$"), "node-7$$x$"},
		{TAG("${NODE}$"), "node-7$"},
		{TAG("$x $1 $} ${NODE}"), "$x $1 $} node-7"},
		{TAG("${UNSET:-$x $$ $}"), "$x $ $"},
		{TAG("${UNSET:-$${x}"), "${x"},
		/* in a file with ${, also where the value has none */
		{TAG("cost:$$5\n  - ${NODE}"), "cost:$5"},
		{TAG("cost:$5\n  - ${NODE}"), "cost:$5"},
		/* in a file without, and ${ in a comment does not count, there is nothing to it */
		{TAG("cost:$$5 # ${NODE}"), "cost:$$5"},
		{TAG("$$"), "$$"},
		{TAG("$NODE$"), "$NODE$"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *c = load_quietly(cases[i].text);

		assert_string_equal(c->instances[0].tags[0], cases[i].tag);
		config_free(c);
	}
}

/* What a variable holds is text of its value, whatever it looks like, and is not looked into. */
static void test_no_structure(void **state)
{
	static const char *const texts[] = {"a: b",  "- a", "[a, b]", "*anchor",   "&a b",
					    "a # b", "\"a", "'",      "${NODE}",   "$$",
					    "!!x",   "a,b", "{a: b}", "%d %s %n%n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct config *c;

		setenv("TEXT", texts[i], 1);
		c = load_quietly(
			"instances:\n- {interface: file, pcap: \"${TEXT}\", ips: ['::1']}\n");
		assert_string_equal(c->instances[0].pcap, texts[i]);
		config_free(c);
	}
}

/* Numbers, words, addresses: as if they stood in the file. */
static void test_types(void **state)
{
	struct config *c;

	(void)state;
	setenv("INTERVAL", "2.5", 1);
	setenv("YES", "true", 1);
	setenv("NET", "10.7", 1);
	c = load_quietly("init_config:\n"
			 "  report_interval: ${INTERVAL:-10}\n"
			 "  max_flows: \"${UNSET:-4096}\"\n"
			 "  marks: 1${UNSET:-6}\n"
			 "  telemetry: ${YES}\n"
			 "  log_level: ${UNSET:-debug}\n"
			 "  metrics: ['${UNSET:-min}', max]\n"
			 "  statsd_ip: '${NET}.0.1'\n"
			 "instances:\n"
			 "- interface: ${UNSET:-eth0}\n"
			 "  ips: ['${NET}.0.0/16']\n"
			 "  hosts: ['db.${UNSET:-example}.net']\n"
			 "  sample: ${UNSET:-yes}\n"
			 "  sample_duration: ${UNSET:-3}\n"
			 "  sample_interval: ${UNSET:-4}\n");
	assert_true(c->report_interval_s == 2.5);
	assert_int_equal(c->max_flows, 4096);
	assert_int_equal(c->marks, 16);
	assert_true(c->telemetry);
	assert_int_equal(c->log_level, LEVEL_DEBUG);
	assert_int_equal(c->metrics, METRIC_BIT(METRIC_MIN) | METRIC_BIT(METRIC_MAX));
	assert_string_equal(c->statsd_ip, "10.7.0.1");
	assert_string_equal(c->instances[0].interface, "eth0");
	assert_int_equal(c->instances[0].ips[0].bits, 112);
	assert_string_equal(c->instances[0].hosts[0], "db.example.net");
	assert_true(c->instances[0].sample);
	assert_int_equal(c->instances[0].sample_duration_s, 3);
	assert_int_equal(c->instances[0].sample_interval_s, 4);
	config_free(c);
}

/* Nothing is no value, without quotes: the key's default. In quotes it is an empty one. */
static void test_nothing(void **state)
{
	struct config *c = load_quietly("init_config: \n"
					"  max_flows: ${EMPTY}\n"
					"  statsd_port: ${UNSET:-}\n"
					"  statsd_ip: ${UNSET:-null}\n"
					"  statsd_socket: unix:///run/s\n" INSTANCE);

	(void)state;
	assert_int_equal(c->max_flows, 32768);
	assert_int_equal(c->statsd_port, 0);
	assert_null(c->statsd_ip);
	config_free(c);
	assert_refused("init_config: {max_flows: \"${EMPTY}\"}\n" INSTANCE,
		       "ERROR 1: init_config.max_flows: \"\" is not valid; accepted: a whole "
		       "number from 16 to 16777216\n");
}

/* Once, wherever a node is repeated: what came out of a variable is not replaced again. */
static void test_aliases(void **state)
{
	struct config *c;

	(void)state;
	setenv("TEXT", "${NODE}$$", 1);
	c = load_quietly("x: &all {interface: \"${UNSET:-lo}\", tags: &tags [\"${TEXT}\"]}\n"
			 "instances:\n"
			 "- {<<: *all, ips: ['::1']}\n"
			 "- {<<: *all, ips: ['::2']}\n"
			 "- {interface: eth0, ips: ['::3'], tags: *tags}\n");
	for (int i = 0; i < 3; i++) {
		assert_string_equal(c->instances[i].interface, i < 2 ? "lo" : "eth0");
		assert_int_equal(c->instances[i].tags_count, 1);
		assert_string_equal(c->instances[i].tags[0], "${NODE}$$");
	}
	config_free(c);
}

/* Keys are left alone, and so is what nobody reads. */
static void test_not_values(void **state)
{
	struct config *c;
	const char *text = "logs: [{path: \"${UNSET}\"}]\n" INSTANCE "  \"${NODE}\": \"${\"\n";

	(void)state;
	assert_int_equal(load(text, strlen(text), &c), 0);
	assert_non_null(strstr(logged(), "WARNING 5: instances[0]: \"${NODE}\" is not a known key "
					 "and is ignored; "));
	config_free(c);
}

/* ---- mistakes ---- */

#define FORM                                                                                       \
	"accepted: ${NAME} or ${NAME:-DEFAULT}, NAME of up to 127 letters, digits and _, no "      \
	"digit first; $${ for a plain ${\n"
#define LACKS " lacks its }; accepted: ${NAME} or ${NAME:-DEFAULT}; $${ for a plain ${\n"
#define NESTED                                                                                     \
	" has a variable in a default; accepted: text without variables and }; $${ for a plain "   \
	"${\n"
#define AT_TAG "ERROR 5: instances[0].tags[0]: "

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{TAG("a:${UNSET}"),
		 AT_TAG "${UNSET} is not set in the environment; accepted: a variable that is, or "
			"${UNSET:-DEFAULT}; $${ for a plain ${\n"},
		{TAG("\"${}\""), AT_TAG "\"${}\" is not valid; " FORM},
		{TAG("\"${ NODE}\""), AT_TAG "\"${ NODE}\" is not valid; " FORM},
		{TAG("${1A} b"), AT_TAG "\"${1A}\" is not valid; " FORM},
		{TAG("${A-B}"), AT_TAG "\"${A-B}\" is not valid; " FORM},
		{TAG("${NODE:?no}"), AT_TAG "\"${NODE:?no}\" is not valid; " FORM},
		{TAG("${NODE:+x}"), AT_TAG "\"${NODE:+x}\" is not valid; " FORM},
		{TAG("${NODE:}"), AT_TAG "\"${NODE:}\" is not valid; " FORM},
		{TAG("${N\xc3\x96"
		     "DE}"),
		 AT_TAG "\"${N\xc3\x96"
			"DE}\" is not valid; " FORM},
		{TAG("\"${NO\\0DE}\""), AT_TAG "\"${NO\" is not valid; " FORM},
		{TAG("\"${NO\\eDE}\""), AT_TAG "\"${NO?DE}\" is not valid; " FORM},
		{TAG("a ${NODE"), AT_TAG "\"${NODE\"" LACKS},
		{TAG("${"), AT_TAG "\"${\"" LACKS},
		{TAG("${NODE:-x"), AT_TAG "\"${NODE:-x\"" LACKS},
		{TAG("${UNSET:-${NODE}}"), AT_TAG "\"${UNSET:-${NODE}\"" NESTED},
		{TAG("${NODE:-${NODE}}"), AT_TAG "\"${NODE:-${NODE}\"" NESTED}, /* needed or not */
		{TAG("${UNSET:-a$$${NODE}}"), AT_TAG "\"${UNSET:-a$$${NODE}\"" NESTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i].text, cases[i].message);
}

/* A name that is too long, and one that just is not; a long piece is cut in the message. */
static void test_long_names(void **state)
{
	char name[YAML_VARIABLE_NAME_MAX + 2], text[1024];
	struct config *c;

	(void)state;
	memset(name, 'N', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	setenv(name, "x", 1);
	setenv(name + 1, "y", 1);
	snprintf(text, sizeof(text), TAG("${%s}"), name + 1);
	c = load_quietly(text);
	assert_string_equal(c->instances[0].tags[0], "y");
	config_free(c);
	snprintf(text, sizeof(text), TAG("${%s}"), name);
	assert_refused(text, AT_TAG "\"${NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN"
				    "NNNNNNNN...\" is not valid; " FORM);
}

/* All are told at once, each once, and nothing follows from them. */
static void test_all_at_once(void **state)
{
#define UNSET(name)                                                                                \
	"${" name "} is not set in the environment; accepted: a variable that is, or "             \
	"${" name ":-DEFAULT}; $${ for a plain ${\n"
	(void)state;
	assert_refused(
		"init_config:\n"
		"  report_interval: ${UNSET}\n"
		"  marks: 33\n"
		"instances:\n"
		"- interface: ${UNSET1}\n"
		"  ips: &ips ['${UNSET2}']\n"
		"- interface: lo\n"
		"  ips: *ips\n"
		"  sample: ${UNSET3}\n",
		"ERROR 2: init_config.report_interval: " UNSET(
			"UNSET") "ERROR 3: init_config.marks: 33 is not a power of two; accepted: "
				 "8, 16, "
				 "32, 64\n"
				 "ERROR 5: instances[0].interface: " UNSET(
					 "UNSET1") "ERROR 6: "
						   "instances[0]."
						   "ips[0]:"
						   " " UNSET(
							   "UNS"
							   "ET"
							   "2") "ERROR 9: "
								"instances[1].sample: " UNSET("UNSE"
											      "T"
											      "3"));
}

/* What is no line of text is refused, and never shown. */
static void test_odd_environments(void **state)
{
	static const struct {
		const char *value, *message;
	} cases[] = {
		{"secret\n", "control"},         {"\tsecret", "control"},
		{"secret\x1b[31m", "control"},   {"secret\x7f", "control"},
		{"secret\xc2\x9b", "control"},   {"\xffsecret", "UTF-8"},
		{"secret\xc3", "UTF-8"},         {"\xc0\x80secret", "UTF-8"},
		{"secret\xed\xa0\x80", "UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("ODD", cases[i].value, 1);
		assert_refused(TAG("${ODD:-x}"),
			       strcmp(cases[i].message, "UTF-8")
				       ? AT_TAG "${ODD} has a control character in the "
						"environment, such as a line break or a tab; "
						"accepted: one line of text\n"
				       : AT_TAG "${ODD} is not UTF-8 in the environment; accepted: "
						"UTF-8\n");
	}
}

/* ---- bounds ---- */

/* A configuration that has ${BIG} this many times as a host. */
static char *many(unsigned int count, size_t *length)
{
	static const char head[] = "instances:\n- interface: lo\n  hosts:\n",
			  item[] = "  - ${BIG}\n";
	char *text = malloc(sizeof(head) + count * strlen(item));

	*length = (size_t)sprintf(text, "%s", head);
	while (count--)
		*length += (size_t)sprintf(text + *length, "%s", item);
	return text;
}

static void test_long_values(void **state)
{
	char big[YAML_EXPANDED_MAX + 2];
	struct config *c;

	(void)state;
	memset(big, 'x', sizeof(big));
	big[YAML_EXPANDED_MAX] = '\0';
	setenv("BIG", big, 1);
	c = load_quietly("instances:\n- {interface: file, pcap: \"${BIG}\", ips: ['::1']}\n");
	assert_int_equal(strlen(c->instances[0].pcap), YAML_EXPANDED_MAX);
	config_free(c);
#define TOO_LONG                                                                                   \
	"ERROR 2: instances[0].pcap: is too long with its variables; accepted: up to 4096 bytes\n"
	assert_refused("instances:\n- {interface: file, pcap: \"${BIG}x\", ips: ['::1']}\n",
		       TOO_LONG);
	assert_refused("instances:\n- {interface: file, pcap: \"x${BIG}\", ips: ['::1']}\n",
		       TOO_LONG);
	assert_refused("instances:\n- {interface: file, pcap: \"${BIG}${BIG}\", ips: ['::1']}\n",
		       TOO_LONG);
	big[YAML_EXPANDED_MAX] = 'x';
	big[YAML_EXPANDED_MAX + 1] = '\0';
	setenv("BIG", big, 1);
	assert_refused("instances:\n- {interface: file, pcap: \"${BIG}\", ips: ['::1']}\n",
		       TOO_LONG);
}

/* A small file does not become a large configuration. */
static void test_many_values(void **state)
{
	char big[YAML_EXPANDED_MAX + 1];
	struct config *c;
	size_t length;
	char *text = many(100000, &length);
	__u64 before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	(void)state;
	memset(big, 'x', YAML_EXPANDED_MAX);
	big[YAML_EXPANDED_MAX] = '\0';
	setenv("BIG", big, 1);
	assert_int_equal(load(text, length, &c), -EINVAL);
	assert_true(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before < 10 * NS_PER_S);
	free(text);

	text = many((YAML_ENVIRONMENT_MAX_MIB << 20) / 32 + 2, &length);
	setenv("BIG", "a123456789.123456789.123456789.x", 1);
	assert_int_equal(load(text, length, &c), -EINVAL);
	assert_string_equal(logged(), "ERROR 524292: instances[0].hosts[524288]: with ${BIG}, the "
				      "variables' values are too long; accepted: up to 16 MiB "
				      "together\n"
				      "ERROR 524293: instances[0].hosts[524289]: with ${BIG}, the "
				      "variables' values are too long; accepted: up to 16 MiB "
				      "together\n");
	free(text);
}

/* ---- YAML of their own ---- */

static void test_quotes_needed(void **state)
{
#define QUOTES "; inside of [ ] and { }, put quotes around values with ${\n"
	(void)state;
	assert_refused("instances:\n- interface: lo\n  tags: [node:${NODE}]\n",
		       "ERROR 3: not valid YAML: did not find expected ',' or ']', while parsing a "
		       "flow sequence from line 3" QUOTES);
	assert_refused("instances:\n- {interface: ${NODE}}\n",
		       "ERROR 2: not valid YAML: did not find expected ',' or '}', while parsing a "
		       "flow mapping from line 2" QUOTES);
	assert_refused("instances:\n- {interface: {NODE}\n",
		       "ERROR 3: not valid YAML: did not find expected ',' or '}', while parsing a "
		       "flow mapping from line 2\n");
}

int main(void)
{
#define LOGGED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, release_log)
	const struct CMUnitTest tests[] = {
		LOGGED_TEST(test_tags),          LOGGED_TEST(test_no_structure),
		LOGGED_TEST(test_types),         LOGGED_TEST(test_nothing),
		LOGGED_TEST(test_aliases),       LOGGED_TEST(test_not_values),
		LOGGED_TEST(test_mistakes),      LOGGED_TEST(test_long_names),
		LOGGED_TEST(test_all_at_once),   LOGGED_TEST(test_odd_environments),
		LOGGED_TEST(test_long_values),   LOGGED_TEST(test_many_values),
		LOGGED_TEST(test_quotes_needed),
	};

	return cmocka_run_group_tests_name("config environment", tests, NULL, NULL);
}
