/* SPDX-License-Identifier: MIT */
/*
 * The records that the ring's tests send: length, kind and every byte of record n follow
 * from a seed and n alone, so that whoever reads a record can tell that it is whole and in
 * its place. stream.ts says the same in TypeScript.
 */
#ifndef PENDSHARE_RING_STREAM_H
#define PENDSHARE_RING_STREAM_H

#include <string.h>
#include "../../../drivers/include/pendshare/ring.h"

static inline __u32 stream_mix(__u32 x)
{
	x = (x ^ x >> 16) * 0x85ebca6bu;
	x = (x ^ x >> 13) * 0xc2b2ae35u;
	return x ^ x >> 16;
}

/* Mostly short, now and then of any length that the ring takes. */
static inline __u32 stream_length(__u32 seed, __u32 n, __u32 max_payload)
{
	__u32 mixed = stream_mix(seed ^ n * 0x9e3779b1u);

	return (mixed & 1023u) ? (mixed >> 10) % 97u : (mixed >> 10) % (max_payload + 1u);
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

/* Whether the payload is that of record n, length and all. */
static inline int stream_is(__u32 seed, __u32 n, __u32 max_payload, const __u8 *payload,
			    __u32 length)
{
	__u32 at;

	if (length != stream_length(seed, n, max_payload))
		return 0;
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

/* An empty ring whose positions start at start, a multiple of 8, to see them wrap soon. */
static inline void stream_format(void *memory, __u32 capacity, __u32 start)
{
	struct pendshare_ring_shared *shared = (struct pendshare_ring_shared *)memory;

	pendshare_ring_format(memory, capacity);
	pendshare_store_relaxed(&shared->consumer, start);
	pendshare_store_release(&shared->producer, start);
}

static inline void stream_producer(struct pendshare_ring_producer *ring, void *memory,
				   __u32 capacity, __u32 start)
{
	pendshare_ring_producer_init(ring, memory, capacity);
	ring->position = start;
	ring->consumer = start;
}

static inline void stream_consumer(struct pendshare_ring_consumer *ring, void *memory,
				   __u32 capacity, __u32 start)
{
	pendshare_ring_consumer_init(ring, memory, capacity);
	ring->position = start;
}

#endif
