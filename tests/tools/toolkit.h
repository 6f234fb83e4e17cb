/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the test tools share: errors, numbers on the command line, the clock, stopping, addresses.
 *
 * Errors: the function that knows most about a failure reports it, once, and returns -errno; those
 * above only pass it on. Wrong usage exits with EXIT_USAGE, a failure with EXIT_FAILURE.
 */
#ifndef METRO_TOOLKIT_H
#define METRO_TOOLKIT_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "clock.h"

#define EXIT_USAGE 2

#define SECONDS_MAX                                                                                \
	1e6 /* more than eleven days: nobody means that, and it fits every type below              \
	     */

#define ENDPOINT_TEXT (INET6_ADDRSTRLEN + IF_NAMESIZE + sizeof("[]:65535"))

/* "tool: message" or, with an error number, "tool: message: its text". */
__attribute__((format(printf, 2, 0))) static inline void report(int error, const char *format,
								va_list arguments)
{
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, arguments);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
}

/* Reports, and returns -error for the caller to pass upward. */
__attribute__((format(printf, 2, 3))) static inline int fail(int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(error, format, arguments);
	va_end(arguments);
	return -error;
}

__attribute__((noreturn)) static inline void exit_usage(void)
{
	fprintf(stderr, "Try '%s --help'.\n", program_invocation_short_name);
	exit(EXIT_USAGE);
}

__attribute__((format(printf, 1, 2), noreturn)) static inline void fail_usage(const char *format,
									      ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(0, format, arguments);
	va_end(arguments);
	exit_usage();
}

/* The value of an option: a whole number from least to most. */
static inline uint64_t number_of(const char *option, const char *text, uint64_t least,
				 uint64_t most)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	/* strtoull accepts, and negates, "-1" */
	if (errno || end == text || *end || strchr(text, '-') || value < least || value > most)
		fail_usage("--%s takes a whole number from %llu to %llu, not '%s'", option,
			   (unsigned long long)least, (unsigned long long)most, text);
	return value;
}

/* The value of an option: a number from 0 to most, fractions allowed. */
static inline double fraction_of(const char *option, const char *text, double most)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (errno || end == text || *end || !(value >= 0 && value <= most))
		fail_usage("--%s takes a number from 0 to %g, not '%s'", option, most, text);
	return value;
}

static inline uint64_t seconds_of(const char *option, const char *text)
{
	return (uint64_t)(fraction_of(option, text, SECONDS_MAX) * (double)NS_PER_S);
}

static inline uint64_t now_ns(void)
{
	return monotonic_ns();
}

static inline struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_nsec = (long)(ns % NS_PER_S)};
}

/* A point in time, given how long from now; 0 stands for "never". */
static inline uint64_t deadline_after(uint64_t ns)
{
	return ns ? now_ns() + ns : UINT64_MAX;
}

static inline uint64_t ns_until(uint64_t deadline)
{
	uint64_t now = now_ns();

	return deadline > now ? deadline - now : 0;
}

/*
 * A descriptor that turns readable on SIGINT or SIGTERM, which do nothing else from now on. As one
 * descriptor among those waited for, it is noticed under any load, and also where a shell started
 * us in the background with SIGINT ignored.
 */
static inline int open_stop_fd(void)
{
	sigset_t stops;
	int fd;

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	fd = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? fail(errno, "cannot open a signal descriptor") : fd;
}

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length;
};

/* Names are not looked up: in a network namespace there is nobody to ask. */
static inline int endpoint_parse(const char *address, uint16_t port, struct endpoint *endpoint)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char service[sizeof("65535")];

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &found) != 0) {
		fail(0, "'%s' is no IPv4 or IPv6 address", address);
		return -EINVAL;
	}
	memcpy(&endpoint->any, found->ai_addr, found->ai_addrlen);
	endpoint->length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static inline uint16_t endpoint_port(const struct endpoint *endpoint)
{
	return ntohs(endpoint->any.sa_family == AF_INET6 ? endpoint->v6.sin6_port
							 : endpoint->v4.sin_port);
}

static inline const char *endpoint_address(const struct endpoint *endpoint, char *text, size_t size)
{
	if (getnameinfo(&endpoint->any, endpoint->length, text, (socklen_t)size, NULL, 0,
			NI_NUMERICHOST) != 0)
		snprintf(text, size, "?");
	return text;
}

/* "127.0.0.1:8125" or "[::1]:8125" */
static inline const char *endpoint_text(const struct endpoint *endpoint, char *text, size_t size)
{
	char address[ENDPOINT_TEXT];

	endpoint_address(endpoint, address, sizeof(address));
	snprintf(text, size, endpoint->any.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", address,
		 endpoint_port(endpoint));
	return text;
}

static inline int endpoint_of_socket(int fd, struct endpoint *endpoint)
{
	endpoint->length = sizeof(endpoint->v6);
	if (getsockname(fd, &endpoint->any, &endpoint->length) < 0)
		return fail(errno, "cannot read the address of a socket");
	return 0;
}

#endif
