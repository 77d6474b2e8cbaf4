/* SPDX-License-Identifier: MIT */
/*
 * What the ring's tests send: item n is a record, or the sample of a run, and its length follows from
 * a seed and n alone. A record has its number as kind, and content as the stream's; a sample has its
 * number in its first 4 bytes and counts on from that, and its kind says which 64 items it is one
 * of. stream.ts says the same in TypeScript.
 */
#ifndef PENDSHARE_RING_STREAM_H
#define PENDSHARE_RING_STREAM_H

#include "../shared/stream.h"
#include "../../../drivers/include/pendshare/ring.h"

#define STREAM_SAMPLE 0x80000000u /* in a kind */

/* The bytes of item n if it is a sample, else 0: 64 items are all the same. */
static inline __u32 stream_stride(__u32 seed, __u32 n)
{
	__u32 mixed = stream_mix(seed ^ (n >> 6) * 0x85ebca6bu);

	return mixed & 1u ? 4u + (mixed >> 8) % 29u : 0u;
}

/* Records are mostly short, now and then of any length that the ring takes. */
static inline __u32 stream_length(__u32 seed, __u32 n, __u32 max_payload)
{
	__u32 mixed = stream_mix(seed ^ n * 0x9e3779b1u);

	return (mixed & 1023u) ? (mixed >> 10) % 97u : (mixed >> 10) % (max_payload + 1u);
}

/* Bytes of which there is room for item n if there is for such a record. */
static inline __u32 stream_room(__u32 seed, __u32 n, __u32 max_payload)
{
	__u32 stride = stream_stride(seed, n);

	return stride ? stride + (__u32)sizeof(struct pendshare_ring_run)
		      : stream_length(seed, n, max_payload);
}

static inline void stream_fill_sample(__u32 n, __u8 *payload, __u32 stride)
{
	__u32 at;

	memcpy(payload, &n, 4);
	for (at = 4u; at < stride; at++)
		payload[at] = (__u8)(n + at);
}

/*
 * Sends item n, and of *count items those behind it that are samples of its kind, together. *count:
 * how many went in, or were dropped.
 */
static inline enum pendshare_ring_result stream_send(struct pendshare_ring_producer *ring,
						     __u32 seed, __u32 n, __u32 max_payload,
						     __u32 *count)
{
	__u32 stride = stream_stride(seed, n);
	__u32 length = stream_length(seed, n, max_payload);
	__u32 wanted = *count < 64u - n % 64u ? *count : 64u - n % 64u;
	enum pendshare_ring_result result;
	void *payload;
	__u32 i;

	if (!stride) {
		*count = 1u;
		result = pendshare_ring_reserve(ring, length, n, &payload);
		if (result == PENDSHARE_RING_OK)
			stream_fill(seed, n, payload, length);
		return result;
	}
	*count = wanted;
	if (wanted == 1u)
		result = pendshare_ring_push(ring, stride, STREAM_SAMPLE | n >> 6, &payload);
	else
		result = pendshare_ring_push_many(ring, stride, STREAM_SAMPLE | n >> 6, count,
						  &payload);
	if (result != PENDSHARE_RING_OK)
		*count = wanted;
	for (i = 0u; result == PENDSHARE_RING_OK && i < *count; i++)
		stream_fill_sample(n + i, (__u8 *)payload + i * stride, stride);
	return result;
}

/* What a receiver has had so far. */
struct stream_received {
	__u32 seed;
	__u32 max_payload;
	__u32 next; /* item */
	__u32 items;
	__u32 missing;
	const char *error;
};

static inline void stream_item(struct stream_received *to, __u32 n, int whole)
{
	if (n < to->next)
		to->error = "out of order";
	else if (!whole)
		to->error = "torn";
	to->missing += n - to->next;
	to->next = n + 1u;
	to->items++;
}

/* Checks the record that was peeked, with all of its samples. */
static inline void stream_receive(struct stream_received *to,
				  const struct pendshare_ring_consumer *ring,
				  const struct pendshare_ring_record *record, const __u8 *payload)
{
	__u32 from, at, n;

	if (!(record->kind & STREAM_SAMPLE))
		stream_item(to, record->kind,
			    record->length ==
					stream_length(to->seed, record->kind, to->max_payload) &&
				!stream_stride(to->seed, record->kind) &&
				stream_holds(to->seed, record->kind, payload, record->length));
	for (from = 0u; record->kind & STREAM_SAMPLE && from < record->length && !to->error;
	     from += ring->stride) {
		memcpy(&n, payload + from, 4);
		for (at = 4u; at < ring->stride && payload[from + at] == (__u8)(n + at);)
			at++;
		stream_item(to, n,
			    at == stream_stride(to->seed, n) && at == ring->stride &&
				record->kind == (STREAM_SAMPLE | n >> 6));
		/* A drop ends a run, so all that is missing is so before its first sample. */
		if (from && to->missing != ring->dropped)
			break;
	}
	if (!to->error && to->missing != ring->dropped)
		to->error = "a gap that tells of other drops than were made there";
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
	ring->published = start;
	ring->consumer = start;
}

static inline void stream_consumer(struct pendshare_ring_consumer *ring, void *memory,
				   __u32 capacity, __u32 start)
{
	pendshare_ring_consumer_init(ring, memory, capacity);
	ring->position = start;
}

#endif
