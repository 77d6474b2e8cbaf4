/* SPDX-License-Identifier: MIT */
/*
 * The records that the ring's tests send: besides the content of record n its length and kind
 * follow from a seed and n alone. stream.ts says the same in TypeScript.
 */
#ifndef PENDSHARE_RING_STREAM_H
#define PENDSHARE_RING_STREAM_H

#include "../shared/stream.h"
#include "../../../drivers/include/pendshare/ring.h"

/* Mostly short, now and then of any length that the ring takes. */
static inline __u32 stream_length(__u32 seed, __u32 n, __u32 max_payload)
{
	__u32 mixed = stream_mix(seed ^ n * 0x9e3779b1u);

	return (mixed & 1023u) ? (mixed >> 10) % 97u : (mixed >> 10) % (max_payload + 1u);
}

/* Whether the payload is that of record n, length and all. */
static inline int stream_is(__u32 seed, __u32 n, __u32 max_payload, const __u8 *payload,
			    __u32 length)
{
	return length == stream_length(seed, n, max_payload) &&
	       stream_holds(seed, n, payload, length);
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
