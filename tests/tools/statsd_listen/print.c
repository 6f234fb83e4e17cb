/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Splits datagrams into metrics, and shows each with its type in words. */
#include "print.h"
#include "array.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void print_raw(const char *datagram, size_t length)
{
	printf("-- datagram %zu\n", length);
	fwrite(datagram, 1, length, stdout);
	if (length == 0 || datagram[length - 1] != '\n')
		putchar('\n'); /* LENGTH says that it was not part of the datagram */
	fflush(stdout);
}

static const char *type_name(const char *type)
{
	static const struct {
		const char *type, *name;
	} names[] = {
		{"g", "gauge"}, {"c", "count"},     {"ms", "timer"},
		{"s", "set"},   {"h", "histogram"}, {"d", "distribution"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(type, names[i].type) == 0)
			return names[i].name;
	return type;
}

static void print_time(void)
{
	struct timespec now;
	struct tm local;
	char text[sizeof("23:59:59")];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(text, sizeof(text), "%H:%M:%S", &local);
	printf("%s.%03ld  ", text, now.tv_nsec / 1000000);
}

/* Cuts the line at the first separator and returns what follows it, or NULL. */
static char *cut(char *line, char separator)
{
	char *found = strchr(line, separator);

	if (found)
		*found++ = '\0';
	return found;
}

/* The fields behind "name:value|type": tags after '#', separated by commas, and "@rate". */
static void print_extras(char *field)
{
	while (field) {
		char *next = cut(field, '|');

		if (*field == '#')
			field++;
		for (char *tag = field; tag;) {
			char *following = cut(tag, ',');

			printf("  %s", tag);
			tag = following;
		}
		field = next;
	}
}

/* One line of a datagram: "name:value|type|@rate|#tag,tag". Anything else is shown as it is. */
static void print_metric(char *line)
{
	char *value = strchr(line, ':'), *type, *extras;

	print_time();
	if (!value || !strchr(value, '|')) {
		printf("%s\n", line);
		return;
	}
	value = cut(line, ':');
	type = cut(value, '|');
	extras = cut(type, '|');
	printf("%-26s %10s  %-5s", line, value, type_name(type));
	print_extras(extras);
	putchar('\n');
}

void print_metrics(char *datagram, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)datagram[i] < ' ' && datagram[i] != '\n') || datagram[i] == 127)
			datagram[i] = '?'; /* strangers do not get to steer a terminal */
	datagram[length] = '\0';
	for (char *line = datagram; line;) {
		char *next = cut(line, '\n');

		if (*line)
			print_metric(line);
		line = next;
	}
}
