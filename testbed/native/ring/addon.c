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
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <node_api.h>
#include "stream.h"

struct side {
	__u8 *memory;
	__u32 capacity;
	__u32 seed;
	__u32 records;
	__u32 start;
	__u32 max_payload;
	bool lossless;
	napi_threadsafe_function ring;
	napi_threadsafe_function done;
	pthread_mutex_t lock;
	pthread_cond_t notified;
	unsigned long notifications;
	const char *error;
	__u32 received;
	__u32 missing;
	__u32 dropped;
	__u32 sleeps;
};

static void must(napi_status status)
{
	if (status == napi_ok)
		return;
	fprintf(stderr, "ring addon: Node-API status %d\n", status);
	abort();
}

/* The last call into JavaScript; the memory is not touched any more. */
static void finish(struct side *side)
{
	napi_threadsafe_function ring = side->ring;
	napi_threadsafe_function done = side->done;

	if (ring)
		must(napi_release_threadsafe_function(ring, napi_tsfn_release));
	must(napi_call_threadsafe_function(done, side, napi_tsfn_blocking));
	must(napi_release_threadsafe_function(done, napi_tsfn_release));
}

static void publish(struct side *side, struct pendshare_ring_producer *ring)
{
	if (!pendshare_ring_publish(ring))
		return;
	side->sleeps++;
	must(napi_call_threadsafe_function(side->ring, NULL, napi_tsfn_blocking));
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
		side->error = "the consumer seems corrupt";
		return false;
	}
}

static void *produce_thread(void *argument)
{
	struct side *side = argument;
	struct pendshare_ring_producer ring;
	__u32 n;

	stream_producer(&ring, side->memory, side->capacity, side->start);
	for (n = 0; n < side->records && !side->error; n++) {
		side->received += write_record(side, &ring, n);
		if (stream_mix(n >> 6) % 4u == 0u || n % 7u == 0u)
			publish(side, &ring);
		/* Pauses, so that the reader falls asleep over and over. */
		if (stream_mix(n) % 4096u == 0u)
			sched_yield();
	}
	publish(side, &ring);
	side->dropped = ring.dropped;
	finish(side);
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
			side->error = "out of order";
		else if (!stream_is(side->seed, record.kind, side->max_payload, payload,
				    record.length))
			side->error = "torn";
		if (side->error)
			return;
		side->missing += record.kind - *next;
		if (side->missing != ring->dropped) {
			side->error = "a gap that tells of other drops than were made there";
			return;
		}
		*next = record.kind + 1u;
		side->received++;
		pendshare_ring_advance(ring, &record);
		if (side->received % 16u == 0u)
			pendshare_ring_release(ring);
	}
	if (result == PENDSHARE_RING_CORRUPT)
		side->error = "the producer seems corrupt";
	pendshare_ring_release(ring);
}

static void wait_for_notify(struct side *side, unsigned long *heard)
{
	pthread_mutex_lock(&side->lock);
	while (side->notifications == *heard)
		pthread_cond_wait(&side->notified, &side->lock);
	*heard = side->notifications;
	pthread_mutex_unlock(&side->lock);
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
		if (side->error || next >= side->records)
			break;
		if (!pendshare_ring_sleep(&ring))
			continue;
		side->sleeps++;
		wait_for_notify(side, &heard);
	}
	finish(side);
	return NULL;
}

static void set_number(napi_env env, napi_value object, const char *name, __u32 number)
{
	napi_value value;

	must(napi_create_uint32(env, number, &value));
	must(napi_set_named_property(env, object, name, value));
}

static void call_ring(napi_env env, napi_value callback, void *context, void *data)
{
	napi_value undefined;

	(void)context;
	(void)data;
	if (!env)
		return;
	must(napi_get_undefined(env, &undefined));
	napi_call_function(env, undefined, callback, 0, NULL, NULL);
}

static void call_done(napi_env env, napi_value callback, void *context, void *data)
{
	struct side *side = data;
	napi_value arguments[2], undefined;

	(void)context;
	if (!env)
		return;
	must(napi_get_undefined(env, &undefined));
	arguments[0] = undefined;
	if (side->error)
		must(napi_create_string_utf8(env, side->error, NAPI_AUTO_LENGTH, &arguments[0]));
	must(napi_create_object(env, &arguments[1]));
	set_number(env, arguments[1], "received", side->received);
	set_number(env, arguments[1], "missing", side->missing);
	set_number(env, arguments[1], "dropped", side->dropped);
	set_number(env, arguments[1], "sleeps", side->sleeps);
	napi_call_function(env, undefined, callback, 2, arguments, NULL);
}

static napi_threadsafe_function threadsafe(napi_env env, napi_value callback,
					   napi_threadsafe_function_call_js call)
{
	napi_threadsafe_function function;
	napi_value name;

	must(napi_create_string_utf8(env, "ring test", NAPI_AUTO_LENGTH, &name));
	must(napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, NULL,
					     call, &function));
	return function;
}

static __u32 number_of(napi_env env, napi_value options, const char *name)
{
	napi_value value;
	__u32 number;

	must(napi_get_named_property(env, options, name, &value));
	must(napi_get_value_uint32(env, value, &number));
	return number;
}

static struct side *side_of(napi_env env, napi_value memory, napi_value options)
{
	struct side *side = calloc(1, sizeof(*side));
	napi_value value;
	size_t length;
	void *bytes;

	if (!side)
		abort();
	must(napi_get_typedarray_info(env, memory, NULL, &length, &bytes, NULL, NULL));
	side->memory = bytes;
	side->capacity = pendshare_ring_capacity(length);
	side->max_payload = pendshare_ring_max_payload(side->capacity);
	side->seed = number_of(env, options, "seed");
	side->records = number_of(env, options, "records");
	side->start = number_of(env, options, "start");
	must(napi_get_named_property(env, options, "lossless", &value));
	must(napi_get_value_bool(env, value, &side->lossless));
	pthread_mutex_init(&side->lock, NULL);
	pthread_cond_init(&side->notified, NULL);
	return side;
}

/* The side lives as long as the process: a few of them, and notify() may come late. */
static void start(struct side *side, void *(*run)(void *))
{
	pthread_t thread;

	stream_format(side->memory, side->capacity, side->start);
	if (pthread_create(&thread, NULL, run, side) || pthread_detach(thread))
		abort();
}

static napi_value produce(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	size_t count = 4;
	struct side *side;

	must(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
	side = side_of(env, arguments[0], arguments[1]);
	side->ring = threadsafe(env, arguments[2], call_ring);
	side->done = threadsafe(env, arguments[3], call_done);
	start(side, produce_thread);
	return NULL;
}

static napi_value notify(napi_env env, napi_callback_info info)
{
	struct side *side;

	must(napi_get_cb_info(env, info, NULL, NULL, NULL, (void **)&side));
	pthread_mutex_lock(&side->lock);
	side->notifications++;
	pthread_cond_signal(&side->notified);
	pthread_mutex_unlock(&side->lock);
	return NULL;
}

static napi_value consume(napi_env env, napi_callback_info info)
{
	napi_value arguments[3], function;
	size_t count = 3;
	struct side *side;

	must(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
	side = side_of(env, arguments[0], arguments[1]);
	side->done = threadsafe(env, arguments[2], call_done);
	must(napi_create_function(env, "notify", NAPI_AUTO_LENGTH, notify, side, &function));
	start(side, consume_thread);
	return function;
}

NAPI_MODULE_INIT()
{
	napi_value function;

	must(napi_create_function(env, "produce", NAPI_AUTO_LENGTH, produce, NULL, &function));
	must(napi_set_named_property(env, exports, "produce", function));
	must(napi_create_function(env, "consume", NAPI_AUTO_LENGTH, consume, NULL, &function));
	must(napi_set_named_property(env, exports, "consume", function));
	return exports;
}
