/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few words that the engine needs from its surroundings: fixed-width types, byte order and
 * inlining, once for clang -target bpf and once for the host compiler.
 */
#ifndef METRO_TYPES_H
#define METRO_TYPES_H

#ifdef __bpf__
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#define be16_to_host(x) bpf_ntohs(x)
#define be32_to_host(x) bpf_ntohl(x)
#define flow_lock       struct bpf_spin_lock /* no typedef: the kernel looks for this name in the BTF */

/* A zero that the verifier does not know to be one. A value that grows from it in branches stays
 * one state to the verifier; a constant would become one state for each path. */
__u32 unknown_zero_value;
#define unknown_zero() (*(volatile __u32 *)&unknown_zero_value)

/* Keeps the compiler from adding a constant offset after a variable one: without CAP_PERFMON the
 * verifier refuses a pointer that could, by itself, point before the lock. */
#define opaque(value) asm volatile("" : "+r"(value))

/* Before a loop of a fixed number of rounds: it becomes code without branches. */
#define unroll_loop _Pragma("unroll")

/* Copies a header out of a packet; the kernel ensures that words may be read at any address. */
#define header_copy(to, from) (*(to) = *(const typeof(*(to)) *)(from))
#else
#include <arpa/inet.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#define be16_to_host(x)       ntohs(x)
#define be32_to_host(x)       ntohl(x)
typedef __u32 flow_lock; /* a placeholder: there is only one thread */
#define unknown_zero()        0
#define opaque(value)         ((void)(value))
#define header_copy(to, from) ((void)__builtin_memcpy(to, from, sizeof(*(to))))
#define unroll_loop           /* host compilers know when it pays */
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#endif

#ifndef likely
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#endif
