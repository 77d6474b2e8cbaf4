// SPDX-License-Identifier: MIT
/*
 * A hostile owner against the kernel's two sides of a ring. The other side's fields, and for
 * a consumer all of the memory, hold whatever the input says, at every step anew. Whatever they
 * hold, a producer writes only into the header's own fields and the data, a consumer
 * reads only from the data, and no call takes more than a few steps.
 *
 * The ring lies between two pages without access, so that one byte too far is a fault.
 * With libFuzzer this is a target; with -DSTANDALONE it makes its own inputs from a seed
 * and then lets a thread scribble over a ring in use.
 */
#include "../shared/hostile.h"
#include "stream.h"

#define CAPACITY 4096u
#define RING_BYTES (PENDSHARE_RING_DATA + CAPACITY)
#define SENTINEL 0x5eu

/* A position that is sometimes right, often nearly so, and else anything. */
static __u32 position(struct input *input, __u32 near)
{
	switch (take(input, 1) & 7u) {
	case 0:
		return take(input, 4);
	case 1:
		return near + CAPACITY + (take(input, 1) & 15u) - 8u;
	case 2:
		return near - take(input, 2);
	case 3:
		return near + (take(input, 2) & (CAPACITY - 1u));
	case 4:
		return near + (take(input, 2) & (CAPACITY - 8u));
	default:
		return near;
	}
}

/* The producer's words of the header may change; nothing else between the header and the data. */
static void check_header(const __u8 *memory, __u32 consumer)
{
	const struct pendshare_ring_shared *shared = (const void *)memory;
	__u32 at;

	expect(shared->consumer == consumer, "the producer wrote the consumer's position");
	expect(!shared->known && !shared->taken, "the producer wrote what the consumer has");
	expect(shared->capacity == CAPACITY, "the producer wrote the capacity");
	for (at = sizeof(*shared); at < PENDSHARE_RING_DATA; at++)
		expect(memory[at] == SENTINEL, "the producer wrote between header and data");
}

static void against_producer(__u8 *memory, struct input *input)
{
	struct pendshare_ring_shared *shared = (struct pendshare_ring_shared *)memory;
	struct pendshare_ring_producer ring;
	__u32 start = take(input, 4) & ~7u;

	memset(memory, SENTINEL, PENDSHARE_RING_DATA);
	stream_format(memory, CAPACITY, start);
	stream_producer(&ring, memory, CAPACITY, start);
	if (take(input, 1) & 1u)
		pendshare_ring_allow_runs(&ring);
	while (input->left) {
		__u32 length = take(input, 2);
		__u32 before = ring.position;
		__u32 how = take(input, 1);
		__u32 count = 1u;
		enum pendshare_ring_result result;
		void *payload;
		__u32 rest;

		if ((length & 0xf000u) == 0xf000u)
			length = take(input, 4);
		/* Often the same, so that runs grow. */
		if (how & 2u)
			length &= 7u;
		shared->consumer = position(input, ring.position);
		if (how & 1u) {
			result = pendshare_ring_reserve(&ring, length, how >> 6, &payload);
		} else if (how & 8u) {
			count = 1u + take(input, 2);
			result = pendshare_ring_push_many(&ring, length, how >> 6, &count, &payload);
		} else {
			result = pendshare_ring_push(&ring, length, how >> 6, &payload);
		}
		switch (result) {
		case PENDSHARE_RING_OK:
			length *= count;
			expect((__u8 *)payload >= ring.data + PENDSHARE_RING_HEADER &&
				   (__u8 *)payload + length <= ring.data + CAPACITY,
			       "a payload outside the data");
			rest = ring.position - (__u32)((__u8 *)payload - ring.data) - length;
			expect((rest & (CAPACITY - 1u)) < 8u,
			       "a payload that is not the end of what was reserved");
			memset(payload, 0xa5, length);
			break;
		case PENDSHARE_RING_FULL:
			expect(ring.position == before, "a dropped record moved the producer");
			break;
		case PENDSHARE_RING_CORRUPT:
			expect(ring.position == before, "a refused record moved the producer");
			break;
		}
		expect(ring.position - ring.consumer <= CAPACITY, "more used than there is");
		how = take(input, 1);
		if (how & 1u) {
			shared->wake = take(input, 1);
			if (how & 2u)
				pendshare_ring_publish_lazily(&ring);
			else
				pendshare_ring_publish(&ring);
			expect(shared->producer == ring.published, "another position was published");
			expect(ring.position - ring.published < CAPACITY / 4u ||
				       ring.position == ring.published,
			       "more waits to be published than may");
		}
		if (how & 4u) {
			pendshare_ring_publish(&ring);
			expect(shared->producer == ring.position, "the position was not published");
		}
		check_header(memory, shared->consumer);
	}
}

/* Any bytes for the data from there on, with headers that make sense now and then. */
static void scribble(__u8 *data, __u32 at, struct input *input)
{
	while (at < CAPACITY && input->left) {
		struct pendshare_ring_record record = {take(input, 2) & 0x83ffu, take(input, 1)};
		__u32 extra = 0u;

		if (record.length & 0x8000u)
			record.length = take(input, 4);
		if (record.kind & 0x40u)
			record.length = CAPACITY - at - PENDSHARE_RING_HEADER;
		if (record.kind & 0x20u) {
			record.length |= PENDSHARE_RING_GAP;
			extra += sizeof(struct pendshare_ring_gap);
		}
		if (record.kind & 0x10u) {
			const struct pendshare_ring_run run = {take(input, 1) & 15u, 0u};

			record.length |= PENDSHARE_RING_RUN;
			if (at + sizeof(record) + extra + sizeof(run) <= CAPACITY)
				memcpy(data + at + sizeof(record) + extra, &run, sizeof(run));
			extra += sizeof(run);
		}
		if (record.kind & 0x80u)
			record.kind = PENDSHARE_RING_PAD;
		memcpy(data + at, &record, sizeof(record));
		record.length &= ~(PENDSHARE_RING_GAP | PENDSHARE_RING_RUN);
		at += record.length < CAPACITY ? extra + pendshare_ring_span(record.length) : 8u;
		if (!(take(input, 1) & 7u))
			return;
	}
}

static void against_consumer(__u8 *memory, struct input *input)
{
	struct pendshare_ring_shared *shared = (struct pendshare_ring_shared *)memory;
	struct pendshare_ring_consumer ring;
	__u32 start = take(input, 4) & ~7u;

	stream_format(memory, CAPACITY, start);
	stream_consumer(&ring, memory, CAPACITY, start);
	while (input->left) {
		struct pendshare_ring_record record;
		const void *payload;
		unsigned int walked;

		scribble(memory + PENDSHARE_RING_DATA, ring.position & (CAPACITY - 1u), input);
		scribble(memory + PENDSHARE_RING_DATA, 0u, input);
		shared->producer = position(input, ring.position);
		for (walked = 0; walked <= CAPACITY / 8u; walked++) {
			__u32 used = shared->producer - ring.position;
			__u32 before = ring.position;
			enum pendshare_ring_result result =
			    pendshare_ring_peek(&ring, &record, &payload);

			expect(ring.position == before || !(ring.position & (CAPACITY - 1u)),
			       "padding that does not reach the end of the data");
			if (result != PENDSHARE_RING_OK)
				break;
			expect(used <= CAPACITY, "a record beyond the producer's position");
			expect((const __u8 *)payload >= ring.data + PENDSHARE_RING_HEADER &&
				   record.length <= CAPACITY - PENDSHARE_RING_HEADER &&
				   (const __u8 *)payload + record.length <= ring.data + CAPACITY,
			       "a payload outside the data");
			expect(record.kind != PENDSHARE_RING_PAD, "padding taken for a record");
			expect(ring.stride == record.length ||
				       (ring.stride && record.length % ring.stride == 0u),
			       "a run that its samples do not divide");
			pendshare_ring_advance(&ring, &record);
			expect(!(ring.position & 7u), "the consumer left its alignment");
		}
		expect(walked <= CAPACITY / 8u, "more records than fit the data");
		pendshare_ring_release(&ring);
		pendshare_ring_sleep(&ring);
	}
}

int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size)
{
	static __u8 *memory;
	struct input input = {bytes, size};

	if (!memory)
		memory = guarded(RING_BYTES);
	if (take(&input, 1) & 1u)
		against_producer(memory, &input);
	else
		against_consumer(memory, &input);
	return 0;
}

#ifdef STANDALONE

static void scribble_ring(__u8 *memory, __u32 random)
{
	struct pendshare_ring_shared *shared = (void *)memory;
	__u32 *words = (__u32 *)(memory + PENDSHARE_RING_DATA);
	__u32 near = pendshare_load_relaxed(&shared->producer);

	pendshare_store_relaxed(&shared->consumer,
				random & 64u ? random : near - (random & 0xff8u));
	pendshare_store_relaxed(&shared->wake, random >> 31);
	pendshare_store_relaxed(words + (random >> 8) % (CAPACITY / 4u), random);
	if (random & 1u)
		pendshare_store_relaxed(&shared->producer, near + (random >> 16 & 0x1ff8u));
}

/* Both kernel sides go on in the same memory while it is scribbled over; each stays within its
 * bounds. */
static void under_fire(__u8 *memory, __u32 rounds, __u32 seed)
{
	struct scribbler scribbler = {.memory = memory, .scribble = scribble_ring, .seed = seed};
	struct pendshare_ring_producer out;
	struct pendshare_ring_consumer in;
	unsigned long taken = 0, given = 0;

	pendshare_ring_format(memory, CAPACITY);
	pendshare_ring_producer_init(&out, memory, CAPACITY);
	pendshare_ring_consumer_init(&in, memory, CAPACITY);
	pendshare_ring_allow_runs(&out);
	scribbler_start(&scribbler);
	while (rounds--) {
		struct pendshare_ring_record record;
		const void *from;
		void *to;
		__u32 length = stream_mix(seed + rounds) % 300u;
		__u32 sample = stream_mix(seed + rounds / 16u) % 50u;

		if (pendshare_ring_reserve(&out, length, rounds, &to) == PENDSHARE_RING_OK) {
			memset(to, 0xa5, length);
			given++;
		}
		while (!(length & 3u) &&
		       pendshare_ring_push(&out, sample, 0u, &to) == PENDSHARE_RING_OK) {
			memset(to, 0xa5, sample);
			given++;
			length = stream_mix(length);
		}
		if (length & 4u)
			pendshare_ring_publish_lazily(&out);
		else
			pendshare_ring_publish(&out);
		if (pendshare_ring_peek(&in, &record, &from) == PENDSHARE_RING_OK) {
			expect((const __u8 *)from + record.length <= in.data + CAPACITY,
			       "a payload outside the data, under fire");
			pendshare_ring_advance(&in, &record);
			pendshare_ring_release(&in);
			taken++;
		}
		pendshare_ring_sleep(&in);
	}
	scribbler_stop(&scribbler);
	printf("hostile: under fire %lu records went in and %lu came out\n", given, taken);
}

int main(int argc, char **argv)
{
	struct hostile_run run = hostile_inputs(argc, argv);

	under_fire(guarded(RING_BYTES), run.inputs * 20u, run.seed);
	return 0;
}

#endif
