/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the secret of a hash comes from. */
#include "key_hash.h"

#include <sys/random.h>
#include <time.h>

/* Early at boot the kernel may have no randomness and would make us wait for it. */
void key_hash_draw(struct key_hash_secret *secret)
{
	struct timespec now;

	if (getrandom(secret, sizeof(*secret), GRND_NONBLOCK) == (ssize_t)sizeof(*secret))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (int i = 0; i < KEY_HASH_WORDS; i++)
		secret->words[i] =
			key_hash_fold(0x9e3779b97f4a7c15ull * (__u64)(i + 1) + (__u64)now.tv_sec,
				      0xd6e8feb86659fd93ull ^ (__u64)now.tv_nsec);
}
