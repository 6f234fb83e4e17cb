/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IEEE 802.11, as monitor mode captures it: data frames that are not encrypted. */
#include "layers.h"

enum {
	FRAME_DATA = 2 << 2, /* type, in the first byte of frame control */
	FRAME_TYPE = 3 << 2,
	FRAME_EMPTY = 4 << 4, /* subtypes are bits for data frames */
	FRAME_QOS = 8 << 4,

	FLAG_TO = 0x01, /* second byte; both: between access points, with a fourth address */
	FLAG_FROM = 0x02,
	FLAG_MORE = 0x04, /* fragments */
	FLAG_PROTECTED = 0x40,
	FLAG_ORDER = 0x80, /* with QoS: four more bytes, HT control */

	QOS_AGGREGATE = 0x80, /* several packets in one */
};

enum layer layer_wifi(struct walk *w)
{
	const __u8 *header = ahead(w, 24);
	__u32 size = 24;
	bool aggregate = false;

	if (!header)
		return ahead(w, 2) && (w->bytes[w->offset] & FRAME_TYPE) != FRAME_DATA ? END_OTHER
										       : END_BAD;
	if ((header[0] & FRAME_TYPE) != FRAME_DATA || header[0] & FRAME_EMPTY)
		return END_OTHER;
	if (header[1] & FLAG_PROTECTED)
		return unread(w, "encrypted 802.11");
	if (header[1] & FLAG_MORE || header[22] & 0x0f)
		return END_FRAGMENT;
	if ((header[1] & (FLAG_TO | FLAG_FROM)) == (FLAG_TO | FLAG_FROM))
		size += 6;
	if (header[0] & FRAME_QOS) {
		header = ahead(w, size + 2);
		if (!header)
			return END_BAD;
		aggregate = header[size] & QOS_AGGREGATE;
		size += header[1] & FLAG_ORDER ? 6 : 2;
	}
	if (w->padded) /* to a multiple of four */
		size = (size + 3) & ~3u;
	w->offset += size;
	return aggregate ? unread(w, "aggregated 802.11") : LAYER_LLC;
}

/* Has a radiotap header's flag that the frame's header is padded? Of the fields, in the order of
 * the bits that announce them, flags follow a time, if there is one. */
static bool radiotap_padded(const __u8 *header, __u32 length)
{
	enum { TIME = 1 << 0, FLAGS = 1 << 1, MORE = 0x80, PADDED = 0x20 };
	__u32 at = 4;

	while (at + 4 <= length && header[at + 3] & MORE)
		at += 4;
	at += 4;
	if (!(header[4] & FLAGS))
		return false;
	if (header[4] & TIME)
		at = ((at + 7) & ~7u) + 8;
	return at < length && header[at] & PADDED;
}

enum layer layer_radiotap(struct walk *w)
{
	const __u8 *header = ahead(w, 8);
	__u32 length;

	if (!header)
		return END_BAD;
	length = (__u32)(header[3] << 8 | header[2]);
	if (header[0] || length < 8 || !ahead(w, length))
		return END_BAD;
	w->padded = radiotap_padded(header, length);
	w->offset += length;
	return LAYER_WIFI;
}
