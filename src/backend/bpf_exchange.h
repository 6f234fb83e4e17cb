/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Comparing and exchanging a word in BPF, which came with Linux 5.12: bpf/flow_lock.h. */
#ifndef METRO_BPF_EXCHANGE_H
#define METRO_BPF_EXCHANGE_H

#include <stdbool.h>

/* Does this kernel have it, and trust us (CAP_PERFMON)? Without that its verifier refuses what the
 * compiler makes of it. Asked once, by a program of a few instructions. */
bool bpf_exchange_works(void);

/* Programs that are loaded from now on have nothing in its place: kernels that do not know it
 * refuse it even where it is never reached. */
void bpf_exchange_remove(void);

#endif
