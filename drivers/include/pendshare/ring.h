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
 *   64   producer position, dropped records, missed ticks	written by the producer
 *   128  consumer position, drops it knows of, bytes taken of a run	written by the consumer
 *   192  wake: the consumer sleeps, ring it	set by the consumer, cleared by the producer
 *   4096 data, capacity bytes
 *
 * Positions count bytes and run freely: data index = position & (capacity - 1),
 * used bytes = producer - consumer, modulo 2^32. A record is {length, kind}
 * followed by length bytes of payload, padded to 8. It never wraps: where the
 * rest of the data is too short, a record of kind PAD fills it, all of it, so that
 * a reader meets at most one PAD before a record. A payload is at most capacity / 2 - 8
 * bytes, so that every record fits an empty ring at any position.
 *
 * Where records were dropped, the first that goes in again says so: bit 31 of its length, GAP, is
 * set, and the count of all drops until then comes in 8 bytes before its payload. Where a PAD of
 * 16 bytes or more precedes the record, that has both in its place, since otherwise the longest
 * record would not fit an empty ring everywhere.
 *
 * A run is one record of equal samples, which a producer pushed one by one and published together:
 * bit 30 of its length, RUN, is set, and the bytes of a sample, which divide that length, come in 8
 * bytes before its payload, after a gap; the samples follow one another without header or padding.
 * A ring in which there may be runs has version 3, one without them 2, which older readers know.
 * A consumer that has taken some samples of a run leaves its position before that run and says in
 * taken how many bytes of the payload it had, for whoever reads on.
 *
 * No lost wake-up: the producer publishes its position, then a full barrier, then reads
 * wake; the consumer sets wake, then a full barrier, then reads the position again
 * before it sleeps. Whichever order the two barriers fall in, one sees the other. The
 * producer clears wake before it rings, so whatever it cleared gets a ring that comes later.
 * A consumer that leaves counts as asleep, by the same two steps.
 *
 * Late and lost are two counts, modulo 2^32: missed, when a producer that goes by a timer came too
 * late to attempt a record, and dropped, when a record found no room. Each is one word, which only
 * the producer writes, so a reader sees an old count or a new one; and it is written before the
 * position that is published next, so who sees a record sees all that was counted before it.
 *
 * docs/ring.md argues all this, and says what each side can do to the other.
 */
#ifndef PENDSHARE_RING_H
#define PENDSHARE_RING_H

#include "atomic.h"

#define PENDSHARE_RING_MAGIC 0x31525350u /* "PSR1" */
#define PENDSHARE_RING_VERSION 2u
#define PENDSHARE_RING_VERSION_RUNS 3u
#define PENDSHARE_RING_DATA 4096u
#define PENDSHARE_RING_MIN_CAPACITY 4096u
#define PENDSHARE_RING_MAX_CAPACITY 0x40000000u
#define PENDSHARE_RING_HEADER 8u
#define PENDSHARE_RING_PAD 0xffffffffu
#define PENDSHARE_RING_GAP 0x80000000u /* in a length: a struct pendshare_ring_gap comes first */
#define PENDSHARE_RING_RUN 0x40000000u /* in a length: a struct pendshare_ring_run, then samples */

struct pendshare_ring_shared {
	__u32 magic;
	__u32 version;
	__u32 capacity;
	__u32 reserved0[13];
	__u32 producer;
	__u32 dropped;
	__u32 missed;
	__u32 reserved1[13];
	__u32 consumer;
	__u32 known;
	__u32 taken;
	__u32 reserved2[13];
	__u32 wake;
	__u32 reserved3[15];
};

struct pendshare_ring_record {
	__u32 length;
	__u32 kind; /* 0 .. PENDSHARE_RING_PAD - 1, free for the peer to use */
};

struct pendshare_ring_gap {
	__u32 dropped; /* as the producer counts, modulo 2^32 */
	__u32 reserved;
};

struct pendshare_ring_run {
	__u32 stride; /* bytes of a sample */
	__u32 reserved;
};

/* The producer's private side. */
struct pendshare_ring_producer {
	struct pendshare_ring_shared *shared;
	__u8 *data;
	__u32 capacity;
	__u32 position;	 /* everything before it is published or reserved */
	__u32 published; /* everything before it is published */
	__u32 consumer;	 /* last valid consumer position seen */
	__u32 dropped;
	__u32 told; /* drops that a gap tells of */
	__u32 missed;
	__u32 runs;			   /* whether there may be any */
	struct pendshare_ring_record *run; /* the unpublished one that samples go into */
	__u32 run_length;		   /* of it, with its flags */
	__u32 run_end;			   /* where in the data its next sample goes */
	__u32 run_stride;
	__u32 run_kind;
};

/* The consumer's private side. */
struct pendshare_ring_consumer {
	struct pendshare_ring_shared *shared;
	const __u8 *data;
	__u32 capacity;
	__u32 position;
	__u32 dropped; /* drops before the record that was peeked, modulo 2^32 */
	__u32 extra;   /* bytes between the header of the record that was peeked and its payload */
	/*
	 * Of the record that was peeked: the bytes of a sample, which divide its length, or its
	 * length where it is no run.
	 */
	__u32 stride;
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

/*
 * A share of two rings is cut in halves of whole 4 KiB: the ring from the kernel comes first,
 * the ring to it begins here.
 */
static inline __u64 pendshare_ring_half(__u64 bytes)
{
	return bytes / 2u & ~(__u64)(PENDSHARE_RING_DATA - 1u);
}

static inline __u32 pendshare_ring_max_payload(__u32 capacity)
{
	return capacity / 2u - PENDSHARE_RING_HEADER;
}

/* Bytes that a record of length bytes of payload takes; length is at most 2^32 - 16. */
static inline __u32 pendshare_ring_span(__u32 length)
{
	return (PENDSHARE_RING_HEADER + length + 7u) & ~7u;
}

/*
 * Writes an empty ring's header. The driver does this before anyone else knows of the
 * ring. The consumer counts as asleep until it first looks: the first publish rings it.
 */
static inline void pendshare_ring_format(void *memory, __u32 capacity)
{
	struct pendshare_ring_shared *shared = (struct pendshare_ring_shared *)memory;
	__u32 word;

	for (word = 0u; word < sizeof(*shared) / sizeof(__u32); word++)
		pendshare_store_relaxed((__u32 *)memory + word, 0u);
	pendshare_store_relaxed(&shared->version, PENDSHARE_RING_VERSION);
	pendshare_store_relaxed(&shared->capacity, capacity);
	pendshare_store_relaxed(&shared->wake, 1u);
	pendshare_store_release(&shared->magic, PENDSHARE_RING_MAGIC);
}

static inline void pendshare_ring_producer_init(struct pendshare_ring_producer *ring, void *memory,
						__u32 capacity)
{
	ring->shared = (struct pendshare_ring_shared *)memory;
	ring->data = (__u8 *)memory + PENDSHARE_RING_DATA;
	ring->capacity = capacity;
	ring->position = 0u;
	ring->published = 0u;
	ring->consumer = 0u;
	ring->dropped = 0u;
	ring->told = 0u;
	ring->missed = 0u;
	ring->runs = 0u;
	ring->run = (struct pendshare_ring_record *)0;
}

/*
 * From now on pushed samples become runs; without it each becomes a record of its own. Right after
 * init, before anyone else knows of the ring: it makes the ring one that older readers refuse.
 */
static inline void pendshare_ring_allow_runs(struct pendshare_ring_producer *ring)
{
	ring->runs = 1u;
	pendshare_store_relaxed(&ring->shared->version, PENDSHARE_RING_VERSION_RUNS);
}

static inline void pendshare_ring_consumer_init(struct pendshare_ring_consumer *ring, void *memory,
						__u32 capacity)
{
	ring->shared = (struct pendshare_ring_shared *)memory;
	ring->data = (const __u8 *)memory + PENDSHARE_RING_DATA;
	ring->capacity = capacity;
	ring->position = 0u;
	ring->dropped = 0u;
	ring->extra = 0u;
	ring->stride = 0u;
}

/*
 * Makes sure of bytes of free space. The consumer position is looked at only when the last
 * one seen is not enough: its cache line stays with the consumer. It may only have moved
 * on, by whole records, and not past what was reserved; else the result is CORRUPT.
 */
static inline enum pendshare_ring_result pendshare_ring_ensure(struct pendshare_ring_producer *ring,
							       __u32 bytes)
{
	__u32 used = ring->position - ring->consumer;
	__u32 consumer;

	if (used + bytes <= ring->capacity)
		return PENDSHARE_RING_OK;
	consumer = pendshare_load_acquire(&ring->shared->consumer);
	if (ring->position - consumer > used || (consumer & 7u))
		return PENDSHARE_RING_CORRUPT;
	ring->consumer = consumer;
	return ring->position - consumer + bytes <= ring->capacity ? PENDSHARE_RING_OK
								   : PENDSHARE_RING_FULL;
}

/* What goes in with a record besides its span. */
struct pendshare_ring_extra {
	__u32 pad; /* bytes of PAD before it */
	__u32 gap; /* bytes of a gap within it */
	__u32 told; /* whether the PAD tells of the gap */
};

static inline struct pendshare_ring_extra
pendshare_ring_extra(const struct pendshare_ring_producer *ring, __u32 span)
{
	__u32 rest = ring->capacity - (ring->position & (ring->capacity - 1u));
	struct pendshare_ring_extra extra = {0u, 0u, 0u};

	if (ring->dropped != ring->told)
		extra.gap = (__u32)sizeof(struct pendshare_ring_gap);
	if (span + extra.gap > rest)
		extra.pad = rest;
	if (extra.gap && extra.pad > PENDSHARE_RING_HEADER) {
		extra.told = 1u;
		extra.gap = 0u;
	}
	return extra;
}

/* Writes a record's header, and the gap in it where there is one; returns what comes behind. */
static inline void *pendshare_ring_head(struct pendshare_ring_producer *ring, __u32 index,
					__u32 length, __u32 kind, int gap)
{
	struct pendshare_ring_record *record =
	    (struct pendshare_ring_record *)(ring->data + index);
	struct pendshare_ring_gap *told = (struct pendshare_ring_gap *)(record + 1);

	record->length = gap ? length | PENDSHARE_RING_GAP : length;
	record->kind = kind;
	if (!gap)
		return told;
	told->dropped = ring->dropped;
	told->reserved = 0u;
	ring->told = ring->dropped;
	return told + 1;
}

/*
 * Whether a payload of length bytes fits now, for a producer that would rather wait than have
 * a drop counted. CORRUPT as in pendshare_ring_reserve(), FULL without counting.
 */
static inline enum pendshare_ring_result pendshare_ring_room(struct pendshare_ring_producer *ring,
							     __u32 length)
{
	__u32 span = pendshare_ring_span(length);
	struct pendshare_ring_extra extra = pendshare_ring_extra(ring, span);

	if (length > pendshare_ring_max_payload(ring->capacity))
		return PENDSHARE_RING_FULL;
	return pendshare_ring_ensure(ring, extra.pad + extra.gap + span);
}

/* Gives the run that samples are pushed into, where there is one, its length: it gets no more. */
static inline void pendshare_ring_close(struct pendshare_ring_producer *ring)
{
	if (!ring->run)
		return;
	ring->run->length = ring->run_length;
	ring->run = (struct pendshare_ring_record *)0;
}

/* try_reserve(), or with run, the bytes of a struct pendshare_ring_run, a run of one sample. */
static inline enum pendshare_ring_result
pendshare_ring_place(struct pendshare_ring_producer *ring, __u32 length, __u32 kind, __u32 run,
		     void **payload)
{
	__u32 index = ring->position & (ring->capacity - 1u);
	__u32 span = run + pendshare_ring_span(length);
	struct pendshare_ring_extra extra = pendshare_ring_extra(ring, span);
	enum pendshare_ring_result result;

	if (length > pendshare_ring_max_payload(ring->capacity) - run)
		return PENDSHARE_RING_FULL;
	result = pendshare_ring_ensure(ring, extra.pad + extra.gap + span);
	if (result != PENDSHARE_RING_OK)
		return result;
	pendshare_ring_close(ring);
	if (extra.pad) {
		pendshare_ring_head(ring, index, extra.pad - PENDSHARE_RING_HEADER,
				    PENDSHARE_RING_PAD, (int)extra.told);
		index = 0u;
	}
	if (run) {
		ring->run = (struct pendshare_ring_record *)(ring->data + index);
		ring->run_length = length | PENDSHARE_RING_RUN;
		if (extra.gap)
			ring->run_length |= PENDSHARE_RING_GAP;
		ring->run_stride = length;
		ring->run_kind = kind;
		ring->run_end = index + PENDSHARE_RING_HEADER + extra.gap + run + length;
	}
	*payload = pendshare_ring_head(ring, index, length, kind, extra.gap != 0u);
	ring->position += extra.pad + extra.gap + span;
	return PENDSHARE_RING_OK;
}

/*
 * Makes room for a payload of length bytes and points *payload at it; the caller fills
 * it and then publishes. Several reservations may precede one publish. FULL, for a producer
 * that waits rather than drops. CORRUPT: the consumer claims what was never written; nothing
 * more can be reserved.
 */
static inline enum pendshare_ring_result
pendshare_ring_try_reserve(struct pendshare_ring_producer *ring, __u32 length, __u32 kind,
			   void **payload)
{
	return pendshare_ring_place(ring, length, kind, 0u, payload);
}

/* Counts so many records or samples as dropped where there was no room for them. */
static inline enum pendshare_ring_result pendshare_ring_count(struct pendshare_ring_producer *ring,
							      enum pendshare_ring_result result,
							      __u32 records)
{
	if (result == PENDSHARE_RING_FULL) {
		ring->dropped += records;
		pendshare_store_relaxed(&ring->shared->dropped, ring->dropped);
	}
	return result;
}

/* As try_reserve, but FULL counts a drop. */
static inline enum pendshare_ring_result
pendshare_ring_reserve(struct pendshare_ring_producer *ring, __u32 length, __u32 kind,
		       void **payload)
{
	return pendshare_ring_count(ring, pendshare_ring_try_reserve(ring, length, kind, payload),
				    1u);
}

/* Another sample behind those of the unpublished run; FULL: it takes none. */
static inline enum pendshare_ring_result
pendshare_ring_extend(struct pendshare_ring_producer *ring, __u32 stride, __u32 kind, void **sample)
{
	enum pendshare_ring_result result;
	__u32 more;

	/* After a drop another run begins, as a gap comes before it. */
	if (!ring->run || stride != ring->run_stride || kind != ring->run_kind ||
	    ring->dropped != ring->told || stride > ring->capacity - ring->run_end)
		return PENDSHARE_RING_FULL;
	more = ((ring->run_end + stride + 7u) & ~7u) - ((ring->run_end + 7u) & ~7u);
	result = pendshare_ring_ensure(ring, more);
	if (result != PENDSHARE_RING_OK)
		return result;
	*sample = ring->data + ring->run_end;
	ring->run_length += stride;
	ring->run_end += stride;
	ring->position += more;
	return PENDSHARE_RING_OK;
}

/*
 * As try_reserve, for one of many equal samples of stride bytes, which come one by one: together
 * with those that were pushed just before, and are not published yet, it becomes one record, a run,
 * where runs are allowed. A sample begins stride bytes behind the last; only the first is aligned
 * to 8 in any case. A sample has at most 8 bytes less than a payload, and at least one, to be in a
 * run; any other becomes a record of its own.
 */
static inline enum pendshare_ring_result
pendshare_ring_try_push(struct pendshare_ring_producer *ring, __u32 stride, __u32 kind,
			void **sample)
{
	__u32 head = (__u32)sizeof(struct pendshare_ring_run);
	enum pendshare_ring_result result = pendshare_ring_extend(ring, stride, kind, sample);
	struct pendshare_ring_run *run;
	void *payload;

	if (result != PENDSHARE_RING_FULL)
		return result;
	if (!ring->runs || !stride || stride > pendshare_ring_max_payload(ring->capacity) - head)
		return pendshare_ring_try_reserve(ring, stride, kind, sample);
	result = pendshare_ring_place(ring, stride, kind, head, &payload);
	if (result != PENDSHARE_RING_OK)
		return result;
	run = (struct pendshare_ring_run *)payload;
	run->stride = stride;
	run->reserved = 0u;
	*sample = run + 1;
	return PENDSHARE_RING_OK;
}

/* As try_push, but FULL counts a drop. */
static inline enum pendshare_ring_result
pendshare_ring_push(struct pendshare_ring_producer *ring, __u32 stride, __u32 kind, void **sample)
{
	return pendshare_ring_count(ring, pendshare_ring_try_push(ring, stride, kind, sample), 1u);
}

/*
 * As try_push, for up to *count samples, at least 1, that come together, out of a FIFO for instance:
 * *samples points at the first, the others lie behind it, and *count says for how many there is
 * room in one piece. Call it again for the rest: it may lie elsewhere.
 */
static inline enum pendshare_ring_result
pendshare_ring_try_push_many(struct pendshare_ring_producer *ring, __u32 stride, __u32 kind,
			     __u32 *count, void **samples)
{
	enum pendshare_ring_result result = pendshare_ring_try_push(ring, stride, kind, samples);
	__u32 wanted = *count - 1u;
	__u32 more, end, free;

	*count = 1u;
	if (result != PENDSHARE_RING_OK || !ring->run || !wanted)
		return result;
	more = (ring->capacity - ring->run_end) / stride;
	more = wanted < more ? wanted : more;
	end = (ring->run_end + 7u) & ~7u;
	/*
	 * Where there is not room for all of them it has seen how much there is. The first has its
	 * place already, so that nonsense is for the next call to find.
	 */
	(void)pendshare_ring_ensure(ring, ((ring->run_end + more * stride + 7u) & ~7u) - end);
	free = ring->capacity - (ring->position - ring->consumer) + end - ring->run_end;
	more = free / stride < more ? free / stride : more;
	ring->run_length += more * stride;
	ring->run_end += more * stride;
	ring->position += ((ring->run_end + 7u) & ~7u) - end;
	*count += more;
	return PENDSHARE_RING_OK;
}

/* As try_push_many, but FULL counts all of them as dropped. */
static inline enum pendshare_ring_result
pendshare_ring_push_many(struct pendshare_ring_producer *ring, __u32 stride, __u32 kind,
			 __u32 *count, void **samples)
{
	__u32 wanted = *count;

	return pendshare_ring_count(
	    ring, pendshare_ring_try_push_many(ring, stride, kind, count, samples), wanted);
}

/* Counts ticks of the producer's timer that came too late for a record to be attempted. */
static inline void pendshare_ring_miss(struct pendshare_ring_producer *ring, __u64 ticks)
{
	ring->missed += (__u32)ticks;
	pendshare_store_relaxed(&ring->shared->missed, ring->missed);
}

/* Publishes all that was reserved or pushed. Returns 1 when the consumer sleeps, to be rung. */
static inline int pendshare_ring_publish(struct pendshare_ring_producer *ring)
{
	pendshare_ring_close(ring);
	ring->published = ring->position;
	pendshare_store_release(&ring->shared->producer, ring->position);
	pendshare_barrier();
	if (!pendshare_load_relaxed(&ring->shared->wake))
		return 0;
	pendshare_store_relaxed(&ring->shared->wake, 0u);
	return 1;
}

/*
 * As publish, unless the consumer is busy with what was published before: then what was pushed
 * waits for the next call, and the runs grow longer the more there is to do. For a producer that
 * calls this after each sample and is sure to have a next one, or publishes the last; no sample
 * waits longer than until the call after the consumer has caught up.
 */
static inline int pendshare_ring_publish_lazily(struct pendshare_ring_producer *ring)
{
	/* Either word may be old or a lie: it delays what the other side wants to read. */
	if (!pendshare_load_relaxed(&ring->shared->wake) &&
	    pendshare_load_relaxed(&ring->shared->consumer) != ring->published &&
	    ring->position - ring->published < ring->capacity / 4u)
		return 0;
	return pendshare_ring_publish(ring);
}

/*
 * What the flags of a record say that comes in the bytes before its payload, of which there are at
 * most left, its header included; 0: nonsense.
 */
static inline int pendshare_ring_peek_extra(struct pendshare_ring_consumer *ring,
					    const struct pendshare_ring_record *record,
					    const struct pendshare_ring_record *shared,
					    __u32 flags, __u32 left)
{
	const __u8 *at = (const __u8 *)(shared + 1);

	/* The gap of a PAD lies within its length, all else before a record's payload. */
	if (record->kind == PENDSHARE_RING_PAD) {
		if ((flags & PENDSHARE_RING_RUN) ||
		    record->length < sizeof(struct pendshare_ring_gap))
			return 0;
	} else if (flags & PENDSHARE_RING_GAP) {
		ring->extra += (__u32)sizeof(struct pendshare_ring_gap);
	}
	if (flags & PENDSHARE_RING_RUN)
		ring->extra += (__u32)sizeof(struct pendshare_ring_run);
	if (pendshare_ring_span(record->length) + ring->extra > left)
		return 0;
	if (flags & PENDSHARE_RING_GAP)
		ring->dropped = pendshare_load_relaxed(
		    &((const struct pendshare_ring_gap *)at)->dropped);
	if (!(flags & PENDSHARE_RING_RUN))
		return 1;
	at += ring->extra - sizeof(struct pendshare_ring_run);
	ring->stride = pendshare_load_relaxed(&((const struct pendshare_ring_run *)at)->stride);
	return ring->stride && record->length && record->length % ring->stride == 0u;
}

/*
 * Copies the header of the next record, a PAD skipped, and points *payload at its bytes;
 * ring->dropped says how many were dropped before it, and ring->stride where in a run its samples
 * lie: one every so many bytes. The producer may rewrite all that at any
 * time: fetch a byte once, and check what it steers. At most two headers are read, whatever the
 * producer wrote.
 */
static inline enum pendshare_ring_result pendshare_ring_peek(struct pendshare_ring_consumer *ring,
							     struct pendshare_ring_record *record,
							     const void **payload)
{
	__u32 used = pendshare_load_acquire(&ring->shared->producer) - ring->position;

	if (used > ring->capacity || (used & 7u))
		return PENDSHARE_RING_CORRUPT;
	while (used) {
		__u32 index = ring->position & (ring->capacity - 1u);
		__u32 rest = ring->capacity - index;
		const struct pendshare_ring_record *shared =
		    (const struct pendshare_ring_record *)(ring->data + index);
		__u32 length = pendshare_load_relaxed(&shared->length);
		__u32 span;

		record->length = length & ~(PENDSHARE_RING_GAP | PENDSHARE_RING_RUN);
		record->kind = pendshare_load_relaxed(&shared->kind);
		if (record->length > rest - PENDSHARE_RING_HEADER)
			return PENDSHARE_RING_CORRUPT;
		ring->extra = 0u;
		ring->stride = record->length;
		span = pendshare_ring_span(record->length);
		if (length & (PENDSHARE_RING_GAP | PENDSHARE_RING_RUN)) {
			if (!pendshare_ring_peek_extra(ring, record, shared, length,
						       rest < used ? rest : used))
				return PENDSHARE_RING_CORRUPT;
			span += ring->extra;
		}
		if (span > used)
			return PENDSHARE_RING_CORRUPT;
		if (record->kind != PENDSHARE_RING_PAD) {
			*payload = (const __u8 *)(shared + 1) + ring->extra;
			return PENDSHARE_RING_OK;
		}
		/* The next begins at the start of the data, so a PAD after it leaves nothing. */
		if (span != rest)
			return PENDSHARE_RING_CORRUPT;
		ring->position += span;
		used -= span;
	}
	return PENDSHARE_RING_EMPTY;
}

/* Goes past the record that was peeked. The producer learns of it from release. */
static inline void pendshare_ring_advance(struct pendshare_ring_consumer *ring,
					  const struct pendshare_ring_record *record)
{
	ring->position += ring->extra + pendshare_ring_span(record->length);
	ring->extra = 0u;
}

/* Gives the space of everything before the position back to the producer, once a batch. */
static inline void pendshare_ring_release(struct pendshare_ring_consumer *ring)
{
	pendshare_store_relaxed(&ring->shared->known, ring->dropped);
	pendshare_store_relaxed(&ring->shared->taken, 0u);
	pendshare_store_release(&ring->shared->consumer, ring->position);
}

/*
 * Asks to be rung at the next publish. Returns 1 when the ring is empty even so: the caller
 * may sleep. 0: something has come, read on; a ring that comes all the same does no harm.
 */
static inline int pendshare_ring_sleep(struct pendshare_ring_consumer *ring)
{
	pendshare_store_relaxed(&ring->shared->wake, 1u);
	pendshare_barrier();
	return pendshare_load_relaxed(&ring->shared->producer) == ring->position;
}

/*
 * Leaves the ring to others: gives back what was read, and from now on whoever waits for the bell
 * is the one to wake. Returns 1 when records lie there, for which no ring may come any more, as the
 * producer found this consumer awake: tell who waits. Whoever stops reading calls this, also in the
 * midst of a batch; the next consumer begins at the position that was given back.
 */
static inline int pendshare_ring_leave(struct pendshare_ring_consumer *ring)
{
	pendshare_ring_release(ring);
	return !pendshare_ring_sleep(ring);
}

#endif
