/* SPDX-License-Identifier: MIT */
/*
 * What is sent in the tests of the ring and of frames: every byte of the n-th follows from a seed
 * and n alone, so that whoever reads it can tell that it is whole and in its place. stream.ts says
 * the same in TypeScript.
 */
#ifndef PENDSHARE_NATIVE_STREAM_H
#define PENDSHARE_NATIVE_STREAM_H

#include <string.h>
#include "../../../drivers/include/pendshare/abi.h"

static inline __u32 stream_mix(__u32 x)
{
	x = (x ^ x >> 16) * 0x85ebca6bu;
	x = (x ^ x >> 13) * 0xc2b2ae35u;
	return x ^ x >> 16;
}

static inline __u32 next_random(__u32 *state)
{
	return stream_mix(*state += 0x9e3779b9u);
}

static inline __u32 stream_word(__u32 seed, __u32 n, __u32 word)
{
	return (n * 0x9e3779b1u + word * 0x85ebca77u) ^ seed;
}

static inline void stream_fill(__u32 seed, __u32 n, __u8 *payload, __u32 length)
{
	__u32 at;

	for (at = 0; at + 4u <= length; at += 4u) {
		__u32 word = stream_word(seed, n, at / 4u);

		memcpy(payload + at, &word, 4);
	}
	for (; at < length; at++)
		payload[at] = (__u8)(stream_word(seed, n, at / 4u) >> (at % 4u * 8u));
}

/* Whether this is the content of the n-th. */
static inline int stream_holds(__u32 seed, __u32 n, const __u8 *payload, __u32 length)
{
	__u32 at;

	for (at = 0; at + 4u <= length; at += 4u) {
		__u32 word;

		memcpy(&word, payload + at, 4);
		if (word != stream_word(seed, n, at / 4u))
			return 0;
	}
	for (; at < length; at++)
		if (payload[at] != (__u8)(stream_word(seed, n, at / 4u) >> (at % 4u * 8u)))
			return 0;
	return 1;
}

#endif
