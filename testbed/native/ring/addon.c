// SPDX-License-Identifier: MIT
/*
 * A native thread at one end of a ring whose other end is JavaScript, in the same memory at
 * the same time: what a driver does, without a driver. Records are those of stream.h.
 *
 *   produce(memory, options, ring, done)	a thread writes; ring() when the reader sleeps
 *   consume(memory, options, done)		a thread reads and checks; returns notify()
 *
 * options: { seed, records, start, lossless }. done(error, { received, missing, dropped, sleeps }),
 * error a string. The memory must be kept by the caller until done. No wait has a
 * time limit, so a lost wake-up hangs the test.
 */
#include <sched.h>
#include "../shared/addon.h"
#include "stream.h"

struct side {
	__u8 *memory;
	__u32 capacity;
	__u32 seed;
	__u32 records;
	__u32 start;
	__u32 max_payload;
	bool lossless;
	struct native native;
};

static void publish(struct side *side, struct pendshare_ring_producer *ring)
{
	if (!pendshare_ring_publish(ring))
		return;
	wake(&side->native);
}

/* One record. Returns whether it was written. */
static bool write_record(struct side *side, struct pendshare_ring_producer *ring, __u32 n)
{
	__u32 length = stream_length(side->seed, n, side->max_payload);
	void *payload;

	while (side->lossless && pendshare_ring_room(ring, length) == PENDSHARE_RING_FULL) {
		publish(side, ring);
		sched_yield();
	}
	switch (pendshare_ring_reserve(ring, length, n, &payload)) {
	case PENDSHARE_RING_OK:
		stream_fill(side->seed, n, payload, length);
		return true;
	case PENDSHARE_RING_FULL:
		return false;
	default:
		side->native.error = "the consumer seems corrupt";
		return false;
	}
}

static void *produce_thread(void *argument)
{
	struct side *side = argument;
	struct pendshare_ring_producer ring;
	__u32 n;

	stream_producer(&ring, side->memory, side->capacity, side->start);
	for (n = 0; n < side->records && !side->native.error; n++) {
		side->native.received += write_record(side, &ring, n);
		if (stream_mix(n >> 6) % 4u == 0u || n % 7u == 0u)
			publish(side, &ring);
		/* Pauses, so that the reader falls asleep over and over. */
		if (stream_mix(n) % 4096u == 0u)
			sched_yield();
	}
	publish(side, &ring);
	side->native.dropped = ring.dropped;
	finish(&side->native);
	return NULL;
}

/* Reads what there is. */
static void drain(struct side *side, struct pendshare_ring_consumer *ring, __u32 *next)
{
	struct pendshare_ring_record record;
	enum pendshare_ring_result result;
	const void *payload;

	while ((result = pendshare_ring_peek(ring, &record, &payload)) == PENDSHARE_RING_OK) {
		if (record.kind < *next)
			side->native.error = "out of order";
		else if (!stream_is(side->seed, record.kind, side->max_payload, payload,
				    record.length))
			side->native.error = "torn";
		if (side->native.error)
			return;
		side->native.missing += record.kind - *next;
		if (side->native.missing != ring->dropped) {
			side->native.error = "a gap that tells of other drops than were made there";
			return;
		}
		*next = record.kind + 1u;
		side->native.received++;
		pendshare_ring_advance(ring, &record);
		if (side->native.received % 16u == 0u)
			pendshare_ring_release(ring);
	}
	if (result == PENDSHARE_RING_CORRUPT)
		side->native.error = "the producer seems corrupt";
	pendshare_ring_release(ring);
}

/* The last record is never dropped: the writer repeats it until it fits. */
static void *consume_thread(void *argument)
{
	struct side *side = argument;
	struct pendshare_ring_consumer ring;
	unsigned long heard = 0;
	__u32 next = 0;

	stream_consumer(&ring, side->memory, side->capacity, side->start);
	while (1) {
		drain(side, &ring, &next);
		if (side->native.error || next >= side->records)
			break;
		if (!pendshare_ring_sleep(&ring))
			continue;
		side->native.sleeps++;
		bell_wait(&side->native.notified, &heard);
	}
	finish(&side->native);
	return NULL;
}

static struct side *side_of(napi_env env, napi_value memory, napi_value options)
{
	struct side *side = calloc(1, sizeof(*side));
	size_t length;

	if (!side)
		abort();
	side->memory = memory_of(env, memory, &length);
	side->capacity = pendshare_ring_capacity(length);
	side->max_payload = pendshare_ring_max_payload(side->capacity);
	side->seed = number_of(env, options, "seed");
	side->records = number_of(env, options, "records");
	side->start = number_of(env, options, "start");
	side->lossless = bool_of(env, options, "lossless");
	return side;
}

static void start(struct side *side, void *(*run)(void *))
{
	stream_format(side->memory, side->capacity, side->start);
	detach(run, side);
}

static napi_value produce(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	size_t count = 4;
	struct side *side;

	must(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
	side = side_of(env, arguments[0], arguments[1]);
	native_init(&side->native, env, arguments[2], arguments[3]);
	start(side, produce_thread);
	return NULL;
}

static napi_value consume(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	size_t count = 3;
	struct side *side;

	must(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
	side = side_of(env, arguments[0], arguments[1]);
	native_init(&side->native, env, NULL, arguments[2]);
	start(side, consume_thread);
	return notifier(&side->native, env);
}

NAPI_MODULE_INIT()
{
	export(env, exports, "produce", produce);
	export(env, exports, "consume", consume);
	return exports;
}
