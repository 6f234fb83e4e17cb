/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rules for names of hosts (RFC 1123), and what people write in place of one. */
#include "host_name.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "utf8.h"

#define LABEL_MAX  63
#define HINT_BYTES 1024 /* of a text that are looked at; a name has no more in any script */

static bool label_is_valid(const char *label, size_t length)
{
	if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
		return false;
	/* RFC 1123 knows no underscore, but /etc/hosts and container networks do. */
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_')
			return false;
	return true;
}

bool host_name_is_valid(const char *name)
{
	size_t length = strlen(name), label = 0;

	if (length && name[length - 1] == '.') /* "host.example." is the same name, complete */
		length--;
	if (length == 0 || length > HOST_NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i <= length; i++) {
		if (i < length && name[i] != '.')
			continue;
		if (!label_is_valid(name + label, i - label))
			return false;
		if (i < length)
			label = i + 1;
	}
	return label + strspn(name + label, "0123456789") < length;
}

/* Name servers know names in other scripts by their ASCII form alone (RFC 5890). The C library
 * would need another library to make it. */
const char *host_name_hint(const char *text)
{
	const char *end = text + HINT_BYTES;
	__u32 code;

	for (size_t length; text < end && *text; text += length ? length : 1) {
		length = utf8_take(text, &code);
		if (length > 1 && utf8_is_letter(code) && utf8_is_printable(code))
			return "; write the name in ASCII, xn--..., as `idn2 NAME` prints it";
	}
	return "";
}
