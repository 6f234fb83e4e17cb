/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frame on its way. */
#ifndef DELAY_LINK_FRAME_H
#define DELAY_LINK_FRAME_H

#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_BYTES (2 * ETH_ALEN)
#define TAG_BYTES     4
#define PAYLOAD_MAX   (128 * 1024) /* behind the Ethernet addresses; GSO makes up to 64 KB */

/* The memory layout of a waiting frame, so that both calls can use it as it lies there. */
struct frame {
	uint64_t release; /* CLOCK_MONOTONIC */
	uint32_t payload_length;
	uint32_t tag_length; /* 0 or TAG_BYTES */
	struct virtio_net_hdr offload;
	uint8_t addresses[ADDRESS_BYTES];
	uint8_t tag[TAG_BYTES]; /* the kernel takes VLAN tags out, and here is their place */
	uint8_t payload[];
};

#define FRAME_MAX (sizeof(struct frame) + PAYLOAD_MAX)

static inline size_t frame_length(const struct frame *frame)
{
	size_t align = _Alignof(struct frame);

	return (sizeof(*frame) + frame->payload_length + align - 1) & ~(align - 1);
}

#endif
