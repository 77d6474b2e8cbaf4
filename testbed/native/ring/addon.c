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

/* Up to *count items from that one on. Returns whether they were written. */
static bool write_items(struct side *side, struct pendshare_ring_producer *ring, __u32 n,
			__u32 *count)
{
	__u32 room = stream_room(side->seed, n, side->max_payload);

	while (side->lossless && pendshare_ring_room(ring, room) == PENDSHARE_RING_FULL) {
		publish(side, ring);
		sched_yield();
	}
	switch (stream_send(ring, side->seed, n, side->max_payload, count)) {
	case PENDSHARE_RING_OK:
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
	__u32 n, count;

	stream_producer(&ring, side->memory, side->capacity, side->start);
	if (side->seed & 0x10000u)
		pendshare_ring_allow_runs(&ring);
	for (n = 0; n < side->records && !side->native.error; n += count) {
		count = 1u + stream_mix(n) % 40u;
		if (count > side->records - n)
			count = side->records - n;
		if (write_items(side, &ring, n, &count))
			side->native.received += count;
		if (stream_mix(n >> 6) % 4u == 0u || n % 7u == 0u)
			publish(side, &ring);
		else if (n % 3u && pendshare_ring_publish_lazily(&ring))
			wake(&side->native);
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
static void drain(struct side *side, struct pendshare_ring_consumer *ring,
		  struct stream_received *got)
{
	struct pendshare_ring_record record;
	enum pendshare_ring_result result;
	const void *payload;
	__u32 records = 0;

	while ((result = pendshare_ring_peek(ring, &record, &payload)) == PENDSHARE_RING_OK) {
		stream_receive(got, ring, &record, payload);
		side->native.error = got->error;
		if (got->error)
			return;
		pendshare_ring_advance(ring, &record);
		if (++records % 16u == 0u)
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
	struct stream_received got = {.seed = side->seed, .max_payload = side->max_payload};

	stream_consumer(&ring, side->memory, side->capacity, side->start);
	while (1) {
		drain(side, &ring, &got);
		if (side->native.error || got.next >= side->records)
			break;
		if (!pendshare_ring_sleep(&ring))
			continue;
		side->native.sleeps++;
		bell_wait(&side->native.notified, &heard);
	}
	side->native.received = got.items;
	side->native.missing = got.missing;
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
	if (side->seed & 0x10000u)
		((struct pendshare_ring_shared *)side->memory)->version =
			PENDSHARE_RING_VERSION_RUNS;
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
