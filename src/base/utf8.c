/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Decodes characters one by one, and knows which are letters and which can be seen. */
#include "utf8.h"
#include "array.h"

#include <string.h>

/* Bytes of the character that begins with this one, 0 if none does (RFC 3629, section 3). */
static size_t length_of(unsigned char first)
{
	if (first < 0x80)
		return first ? 1 : 0;
	if (first < 0xc2) /* c0 and c1 could only begin an overlong form */
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

size_t utf8_take(const char *text, __u32 *code)
{
	static const __u32 least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = length_of(bytes[0]);

	*code = length < 2 ? bytes[0] : bytes[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (bytes[i] & 0x3f);
	}
	if (*code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return length;
}

struct range {
	__u32 first, last;
};

static bool is_among(__u32 code, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

bool utf8_is_letter(__u32 code)
{
	static const struct range others[] = {
		{0x00d7, 0x00d7},    /* multiplication sign */
		{0x00f7, 0x00f7},    /* division sign */
		{0x2000, 0x206f},    /* general punctuation, spaces */
		{0x20a0, 0x20cf},    /* currencies */
		{0x2190, 0x2bff},    /* arrows, mathematics, boxes, shapes, dingbats */
		{0x3000, 0x3004},    /* ideographic space, comma, full stop */
		{0x3008, 0x3020},    /* CJK brackets */
		{0xe000, 0xf8ff},    /* private use */
		{0xfe00, 0xfe0f},    /* variation selectors */
		{0xfeff, 0xfeff},    /* byte order mark */
		{0xff00, 0xff0f},    /* full-width punctuation */
		{0xfff0, 0xffff},    /* specials */
		{0x1f000, 0x1faff},  /* tiles, cards, pictographs */
		{0xe0000, 0x10ffff}, /* tags, private use */
	};

	if (code < 0xc0)
		return code == 0xaa || code == 0xb5 || code == 0xba;
	return !is_among(code, others, ARRAY_SIZE(others));
}

/* Unicode's categories Cc, Cf, Zl and Zp, and letters that are drawn as nothing. */
bool utf8_is_printable(__u32 code)
{
	static const struct range others[] = {
		{0x0000, 0x001f},   /* controls */
		{0x007f, 0x009f},   /* more of them; 9b is CSI, the same as ESC [ */
		{0x00ad, 0x00ad},   /* soft hyphen */
		{0x034f, 0x034f},   /* grapheme joiner */
		{0x061c, 0x061c},   /* Arabic letter mark: direction */
		{0x115f, 0x1160},   /* Hangul fillers */
		{0x17b4, 0x17b5},   /* Khmer inherent vowels */
		{0x180b, 0x180f},   /* Mongolian selectors, vowel separator */
		{0x200b, 0x200f},   /* widths of zero, marks of direction */
		{0x2028, 0x202e},   /* line and paragraph separator, overrides of direction */
		{0x2060, 0x206f},   /* word joiner, isolates of direction */
		{0x3164, 0x3164},   /* Hangul filler */
		{0xfe00, 0xfe0f},   /* variation selectors */
		{0xfeff, 0xfeff},   /* byte order mark */
		{0xffa0, 0xffa0},   /* Hangul filler, half-width */
		{0xfff0, 0xfffb},   /* interlinear annotation */
		{0xfffe, 0xffff},   /* no characters */
		{0x1bca0, 0x1bca3}, /* shorthand format */
		{0x1d173, 0x1d17a}, /* musical format */
		{0xe0000, 0xe0fff}, /* tags, more variation selectors */
	};

	return !is_among(code, others, ARRAY_SIZE(others));
}

size_t utf8_cut(const char *text, size_t most)
{
	size_t length = strnlen(text, most + 1);

	if (length <= most)
		return length;
	length = most;
	while (length && (text[length] & 0xc0) == 0x80)
		length--;
	return length;
}
