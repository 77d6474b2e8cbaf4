/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A stream of records in shared memory: one producer, one consumer, no locks,
 * no copies, no blocking. Neither side believes the other: what a side owns is
 * kept in its private struct and only published, and what the other wrote is read
 * once and bounded before use.
 *
 * Layout, from the start of the ring (page-aligned), all fields u32:
 *
 *   0    magic, version, capacity (bytes of data, a power of two, 4096 .. 2^30)
 *   64   producer position, dropped records	written by the producer
 *   128  consumer position			written by the consumer
 *   192  wake: the consumer sleeps, ring it	set by the consumer, cleared by the producer
 *   4096 data, capacity bytes
 *
 * Positions count bytes and run freely: data index = position & (capacity - 1),
 * used bytes = producer - consumer, modulo 2^32. A record is {length, kind}
 * followed by length bytes of payload, padded to 8. It never wraps: where the
 * rest of the data is too short, a record of kind PAD fills it. A payload is at most
 * capacity / 2 - 8 bytes, so that every record fits an empty ring at any position.
 *
 * No lost wake-up: the producer publishes its position, then a full barrier, then reads
 * wake; the consumer sets wake, then a full barrier, then reads the position again
 * before it sleeps. Whichever order the two barriers fall in, one sees the other.
 */
#ifndef PENDSHARE_RING_H
#define PENDSHARE_RING_H

#include "atomic.h"

#define PENDSHARE_RING_MAGIC 0x31525350u /* "PSR1" */
#define PENDSHARE_RING_VERSION 1u
#define PENDSHARE_RING_DATA 4096u
#define PENDSHARE_RING_MIN_CAPACITY 4096u
#define PENDSHARE_RING_MAX_CAPACITY 0x40000000u
#define PENDSHARE_RING_HEADER 8u
#define PENDSHARE_RING_PAD 0xffffffffu

struct pendshare_ring_shared {
	__u32 magic;
	__u32 version;
	__u32 capacity;
	__u32 reserved0[13];
	__u32 producer;
	__u32 dropped;
	__u32 reserved1[14];
	__u32 consumer;
	__u32 reserved2[15];
	__u32 wake;
	__u32 reserved3[15];
};

struct pendshare_ring_record {
	__u32 length;
	__u32 kind; /* 0 .. PENDSHARE_RING_PAD - 1, free for the peer to use */
};

/* The producer's private side. */
struct pendshare_ring_producer {
	struct pendshare_ring_shared *shared;
	__u8 *data;
	__u32 capacity;
	__u32 position; /* everything before it is published or reserved */
	__u32 consumer; /* last valid consumer position seen */
	__u32 dropped;
};

/* The consumer's private side. */
struct pendshare_ring_consumer {
	struct pendshare_ring_shared *shared;
	const __u8 *data;
	__u32 capacity;
	__u32 position;
};

enum pendshare_ring_result {
	PENDSHARE_RING_OK = 0,
	PENDSHARE_RING_FULL = 1,    /* producer: no room, the record was counted as dropped */
	PENDSHARE_RING_EMPTY = 1,   /* consumer: nothing to read */
	PENDSHARE_RING_CORRUPT = 2, /* the other side wrote nonsense; the ring is unusable */
};

/* The largest capacity that fits bytes of memory; 0 when not even the smallest does. */
static inline __u32 pendshare_ring_capacity(__u64 bytes)
{
	__u32 capacity = PENDSHARE_RING_MAX_CAPACITY;

	while (capacity >= PENDSHARE_RING_MIN_CAPACITY && capacity + PENDSHARE_RING_DATA > bytes)
		capacity >>= 1;
	return capacity >= PENDSHARE_RING_MIN_CAPACITY ? capacity : 0u;
}

static inline __u32 pendshare_ring_span(__u32 length)
{
	return (PENDSHARE_RING_HEADER + length + 7u) & ~7u;
}

/* Writes an empty ring's header. The driver does this before anyone else knows of the ring. */
static inline void pendshare_ring_format(void *memory, __u32 capacity)
{
	struct pendshare_ring_shared *shared = (struct pendshare_ring_shared *)memory;

	shared->version = PENDSHARE_RING_VERSION;
	shared->capacity = capacity;
	pendshare_store_relaxed(&shared->producer, 0u);
	pendshare_store_relaxed(&shared->dropped, 0u);
	pendshare_store_relaxed(&shared->consumer, 0u);
	pendshare_store_relaxed(&shared->wake, 0u);
	pendshare_store_release(&shared->magic, PENDSHARE_RING_MAGIC);
}

static inline void pendshare_ring_producer_init(struct pendshare_ring_producer *ring,
						void *memory, __u32 capacity)
{
	ring->shared = (struct pendshare_ring_shared *)memory;
	ring->data = (__u8 *)memory + PENDSHARE_RING_DATA;
	ring->capacity = capacity;
	ring->position = 0u;
	ring->consumer = 0u;
	ring->dropped = 0u;
}

static inline void pendshare_ring_consumer_init(struct pendshare_ring_consumer *ring,
						void *memory, __u32 capacity)
{
	ring->shared = (struct pendshare_ring_shared *)memory;
	ring->data = (const __u8 *)memory + PENDSHARE_RING_DATA;
	ring->capacity = capacity;
	ring->position = 0u;
}

/*
 * Makes room for a payload of length bytes and points *payload at it; the caller fills
 * it and then publishes. Several reservations may precede one publish. FULL counts a
 * drop. CORRUPT: the consumer position is beyond what was published.
 */
static inline enum pendshare_ring_result
pendshare_ring_reserve(struct pendshare_ring_producer *ring, __u32 length, __u32 kind,
		       void **payload)
{
	__u32 span = pendshare_ring_span(length);
	__u32 index = ring->position & (ring->capacity - 1u);
	__u32 rest = ring->capacity - index;
	__u32 pad = span > rest ? rest : 0u;
	struct pendshare_ring_record *record;

	if (length > ring->capacity / 2u - PENDSHARE_RING_HEADER)
		goto full;
	if (ring->position + pad + span - ring->consumer > ring->capacity) {
		__u32 consumer = pendshare_load_acquire(&ring->shared->consumer);

		if (ring->position - consumer > ring->position - ring->consumer)
			return PENDSHARE_RING_CORRUPT;
		ring->consumer = consumer;
		if (ring->position + pad + span - consumer > ring->capacity)
			goto full;
	}
	if (pad) {
		record = (struct pendshare_ring_record *)(ring->data + index);
		record->length = pad - PENDSHARE_RING_HEADER;
		record->kind = PENDSHARE_RING_PAD;
		index = 0u;
	}
	record = (struct pendshare_ring_record *)(ring->data + index);
	record->length = length;
	record->kind = kind;
	ring->position += pad + span;
	*payload = record + 1;
	return PENDSHARE_RING_OK;
full:
	ring->dropped++;
	pendshare_store_relaxed(&ring->shared->dropped, ring->dropped);
	return PENDSHARE_RING_FULL;
}

/* Publishes all that was reserved. Returns 1 when the consumer sleeps and must be rung. */
static inline int pendshare_ring_publish(struct pendshare_ring_producer *ring)
{
	pendshare_store_release(&ring->shared->producer, ring->position);
	pendshare_barrier();
	if (!pendshare_load_relaxed(&ring->shared->wake))
		return 0;
	pendshare_store_relaxed(&ring->shared->wake, 0u);
	return 1;
}

/*
 * Copies the header of the next record, pads skipped, and points *payload at its bytes.
 * The producer may rewrite them at any time: fetch a byte once, and check what it
 * steers. The record stays in the ring until pendshare_ring_advance().
 */
static inline enum pendshare_ring_result
pendshare_ring_peek(struct pendshare_ring_consumer *ring, struct pendshare_ring_record *record,
		    const void **payload)
{
	__u32 used = pendshare_load_acquire(&ring->shared->producer) - ring->position;

	if (used > ring->capacity || (used & 7u))
		return PENDSHARE_RING_CORRUPT;
	while (used) {
		__u32 index = ring->position & (ring->capacity - 1u);
		const struct pendshare_ring_record *shared =
			(const struct pendshare_ring_record *)(ring->data + index);
		__u32 span;

		record->length = pendshare_load_relaxed(&shared->length);
		record->kind = pendshare_load_relaxed(&shared->kind);
		if (record->length > ring->capacity - index - PENDSHARE_RING_HEADER)
			return PENDSHARE_RING_CORRUPT;
		span = pendshare_ring_span(record->length);
		if (span > used)
			return PENDSHARE_RING_CORRUPT;
		if (record->kind != PENDSHARE_RING_PAD) {
			*payload = shared + 1;
			return PENDSHARE_RING_OK;
		}
		ring->position += span;
		used -= span;
	}
	return PENDSHARE_RING_EMPTY;
}

/* Gives the record that was peeked, and any before it, back to the producer. */
static inline void pendshare_ring_advance(struct pendshare_ring_consumer *ring,
					  const struct pendshare_ring_record *record)
{
	ring->position += pendshare_ring_span(record->length);
	pendshare_store_release(&ring->shared->consumer, ring->position);
}

#endif
