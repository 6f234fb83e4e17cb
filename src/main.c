/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bpf-metro: round-trip times of this host's own TCP traffic. */
#include "config.h"
#include "daemon.h"
#include "health_command.h"
#include "instance_ports.h"
#include "log.h"
#include "memory_advice.h"
#include "offline.h"
#include "options.h"
#include "printable.h"
#include "privileges.h"
#include "probing.h"
#include "request_reload.h"
#include "top_command.h"
#include "units.h"
#include "statsd_choice.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_WRONG = 2 };

static int read_config(const struct options *options, struct config **config)
{
	int err;

	if (!options->interface)
		return config_load(options->config_path, config);
	err = config_from_arguments(options->interface, options->peers, options->peers_count,
				    config);
	if (err)
		return err;
	(*config)->instances[0].direction = options->direction;
	err = instance_set_ports((*config)->instances, &options->ports);
	if (err) {
		log_error("arguments: out of memory");
		config_free(*config);
	}
	return err;
}

/* The environment is part of the configuration (DD_AGENT_HOST and others), and may have mistakes.
 */
static int load(const struct options *options, struct config **config)
{
	struct statsd_server server;
	int err = read_config(options, config);

	if (err || options->output != OUTPUT_STATSD)
		return err;
	err = statsd_server_choose(&server, *config);
	if (err)
		config_free(*config);
	return err;
}

/* Before root would write to what may be another's. */
static int become_user(const struct options *options)
{
	const struct privileges_terms terms = {.user = options->user, .watched = true};

	return privileges_settle(&terms);
}

/* What is wrong with the configuration was said on standard error, which a supervisor may throw
 * away: a log file from the command line says so, too. */
static int give_up(const struct options *options, int err)
{
	if (options->log_path && !options->check && become_user(options) == 0 &&
	    log_choice_open(options->log_path) == 0) {
		log_critical("cannot start with %s: %s",
			     options->interface ? "these arguments" : options->config_path,
			     err == -EINVAL ? "there are mistakes, which --check shows"
					    : strerror(-err));
		log_close();
	}
	return err == -ENOMEM ? STATUS_FAILED : STATUS_WRONG;
}

static void say_memory(const struct options *options, const struct config *config)
{
	unsigned int marks = options->marks ? options->marks : config->marks;
	enum backend_choice choice = options->filter ? BACKEND_PCAP : options->backend;
	char sum[MEMORY_SUM];

	if (memory_check(sum, config, marks, choice))
		printf("%s\n", sum);
}

static void say_valid(const struct options *options, const struct config *config)
{
	char what[PATH_MAX];

	printable_copy(what, sizeof(what), options->interface ? "arguments" : options->config_path);
	printf("%s: the configuration is valid%s\n", what,
	       config->instances_count ? "" : "; it has no instances, so nothing is measured");
	say_memory(options, config);
}

static struct daemon_settings daemon_settings(const struct options *options)
{
	return (struct daemon_settings){
		.config_path = options->interface ? NULL : options->config_path,
		.user = options->user,
		.watched = options->interface,
		.output = options->output,
		.log = {.path = options->log_path, .verbose = options->verbose},
		.measuring = {.backend = options->backend,
			      .hook = options->hook,
			      .expression = options->filter,
			      .marks = options->marks,
			      .delay_ns = (__u64)(options->delay_s * NS_PER_S)},
		.overrides = {.interval_s = options->interval_s,
			      .metrics = options->output == OUTPUT_SUMMARY ? METRICS_ALL : 0,
			      .soften = options->soften},
	};
}

/* The configuration is read here first, so that whoever asks sees what is wrong with it, wherever
 * the daemon logs. */
static int have_reloaded(const struct options *options)
{
	struct config *config;

	log_set_level(LEVEL_ERROR); /* of what else there is to say, the daemon says it */
	if (load(options, &config))
		return STATUS_WRONG;
	config_free(config);
	return request_reload((pid_t)options->reload_pid) ? STATUS_FAILED : STATUS_DONE;
}

static int measure_live(const struct options *options)
{
	const struct daemon_settings settings = daemon_settings(options);
	struct config *config;
	int err;

	if (options->check)
		privileges_checking();
	err = load(options, &config);
	if (err)
		return give_up(options, err);
	if (options->check) {
		say_valid(options, config);
		config_free(config);
		return STATUS_DONE;
	}
	return daemon_run(&settings, config) ? STATUS_FAILED : STATUS_DONE;
}

static int measure_file(const struct options *options)
{
	int err = become_user(options);

	if (err)
		return STATUS_FAILED;
	err = options->log_path ? log_choice_open(options->log_path) : 0;
	if (err)
		log_warning("cannot open log file %s: %s; logging to standard error",
			    options->log_path, strerror(-err));
	privileges_reading();
	err = offline_run(options);
	log_close();
	return err ? STATUS_FAILED : STATUS_DONE;
}

/* If any of the descriptors 0 to 2 is closed (`<&-`), the next file or socket would get its number,
 * and be read as standard input or written to. So /dev/null takes it, opened the wrong way round so
 * that its use is still an error. */
static int keep_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return -errno;
	return 0;
}

int main(int argc, char *argv[])
{
	struct options options;
	int err = keep_standard_files();

	if (err) {
		log_error("cannot open /dev/null: %s", strerror(-err));
		return STATUS_FAILED;
	}
	log_find_journal();
	signal(SIGPIPE, SIG_IGN); /* a closed standard output is an error of write(2) */
	switch (options_parse(argc, argv, &options)) {
	case OPTIONS_DONE:
		return STATUS_DONE;
	case OPTIONS_WRONG:
		return STATUS_WRONG;
	case OPTIONS_RUN:
		break;
	}
	if (options.verbose)
		log_set_level(LEVEL_DEBUG);
	if (options.health)
		return health_command(&options);
	if (options.top)
		return top_command(&options);
	if (options.probe) {
		privileges_asking();
		return probing_run(&options);
	}
	if (options.reload_pid)
		return have_reloaded(&options);
	privileges_start();
	privileges_tell("at the start");
	if (options.read_path)
		return measure_file(&options);
	return measure_live(&options);
}
