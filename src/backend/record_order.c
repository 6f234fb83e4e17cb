/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records almost always come in order, so each is put in from the young end. */
#include "record_order.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 256 /* 10 ms of 25,000 a second */

int record_order_open(struct record_order *order)
{
	*order = (struct record_order){.at = calloc(FIRST_SIZE, sizeof(*order->at)),
				       .size = FIRST_SIZE};
	return order->at ? 0 : -ENOMEM;
}

void record_order_close(struct record_order *order)
{
	free(order->at);
	*order = (struct record_order){0};
}

static struct flow_record *place(const struct record_order *order, unsigned int number)
{
	return &order->at[number & (order->size - 1)];
}

static bool grow(struct record_order *order)
{
	struct record_order larger = {.size = 2 * order->size};

	if (larger.size > RECORD_ORDER_MOST)
		return false;
	larger.at = calloc(larger.size, sizeof(*larger.at));
	if (!larger.at)
		return false;
	while (order->first != order->end)
		*place(&larger, larger.end++) = *place(order, order->first++);
	record_order_close(order);
	*order = larger;
	return true;
}

bool record_order_has_room(struct record_order *order)
{
	return order->end - order->first < order->size || grow(order);
}

void record_order_put(struct record_order *order, const struct flow_record *record)
{
	unsigned int number;

	for (number = order->end++; number != order->first; number--) {
		const struct flow_record *before = place(order, number - 1);

		if (before->time_ns <= record->time_ns)
			break;
		*place(order, number) = *before;
	}
	memcpy(place(order, number), record, FLOW_RECORD_SIZE(record->count));
}

bool record_order_is_empty(const struct record_order *order)
{
	return order->first == order->end;
}

const struct flow_record *record_order_take(struct record_order *order, __u64 until_ns)
{
	if (record_order_is_empty(order) || place(order, order->first)->time_ns > until_ns)
		return NULL;
	return place(order, order->first++);
}
