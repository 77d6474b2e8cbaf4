// SPDX-License-Identifier: MIT
/*
 * A producer and a consumer thread race over rings of every size, under a sanitizer. Every
 * record must arrive once, whole and in order, or be counted as dropped; and a
 * wake-up must never get lost: nothing here waits with a time limit, so a lost one hangs the test.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "../shared/bell.h"
#include "stream.h"

enum pace {
	DROPPING, /* what does not fit is dropped */
	LOSSLESS, /* the producer waits for room */
	LOCKSTEP, /* it publishes just when the consumer goes to sleep: each wake-up counts */
};

struct race {
	__u8 *memory;
	__u32 capacity;
	__u32 start;
	__u32 seed;
	__u32 records;
	__u32 max_payload;
	enum pace pace;
	struct bell bell;
	struct stream_received got;
	unsigned long sleeps;
};

static _Noreturn void fail(const struct race *race, const char *what, __u32 n)
{
	fprintf(stderr, "race: %s at record %u (capacity %u, start %#x, seed %#x, %s)\n", what, n,
		race->capacity, race->start, race->seed,
		(const char *[]){"dropping", "lossless", "lockstep"}[race->pace]);
	exit(1);
}

static void publish(struct race *race, struct pendshare_ring_producer *ring)
{
	if (pendshare_ring_publish(ring))
		bell_ring(&race->bell, 0);
}

/* Until the consumer has given everything back, which it does just before it sleeps. */
static void await_consumer(const struct pendshare_ring_producer *ring)
{
	__u32 spins = 0;

	while (pendshare_load_acquire(&ring->shared->consumer) != ring->position)
		if (++spins % 1024u == 0u)
			sched_yield();
}

static void *produce(void *argument)
{
	struct race *race = argument;
	struct pendshare_ring_producer ring;
	__u32 n, count;

	stream_producer(&ring, race->memory, race->capacity, race->start);
	if (race->seed & 0x10000u)
		pendshare_ring_allow_runs(&ring);
	for (n = 0; n < race->records; n += count) {
		__u32 room = stream_room(race->seed, n, race->max_payload);

		while (race->pace == LOSSLESS &&
		       pendshare_ring_room(&ring, room) == PENDSHARE_RING_FULL) {
			publish(race, &ring);
			sched_yield();
		}
		count = race->pace == LOCKSTEP ? 1u : 1u + stream_mix(n) % 40u;
		if (count > race->records - n)
			count = race->records - n;
		switch (stream_send(&ring, race->seed, n, race->max_payload, &count)) {
		case PENDSHARE_RING_OK:
			break;
		case PENDSHARE_RING_FULL:
			if (race->pace != DROPPING)
				fail(race, "room, and yet no room", n);
			break;
		default:
			fail(race, "the consumer seems corrupt", n);
		}
		/* Sometimes one by one, sometimes many at once, sometimes as the consumer can. */
		if (race->pace == LOCKSTEP || stream_mix(n >> 6) % 4u == 0u || n % 7u == 0u)
			publish(race, &ring);
		else if (n % 3u && pendshare_ring_publish_lazily(&ring))
			bell_ring(&race->bell, 0);
		if (race->pace == LOCKSTEP)
			await_consumer(&ring);
	}
	pendshare_ring_publish(&ring);
	bell_ring(&race->bell, 1);
	return NULL;
}

/* Reads what there is, and gives it back at once. */
static void drain(struct race *race, struct pendshare_ring_consumer *ring)
{
	struct pendshare_ring_record record;
	enum pendshare_ring_result result;
	const void *payload;
	__u32 records = 0;

	while ((result = pendshare_ring_peek(ring, &record, &payload)) == PENDSHARE_RING_OK) {
		stream_receive(&race->got, ring, &record, payload);
		if (race->got.error)
			fail(race, race->got.error, race->got.next);
		pendshare_ring_advance(ring, &record);
		if (++records % 16u == 0u)
			pendshare_ring_release(ring);
	}
	if (result == PENDSHARE_RING_CORRUPT)
		fail(race, "the producer seems corrupt", race->got.next);
	pendshare_ring_release(ring);
}

static void consume(struct race *race)
{
	struct pendshare_ring_consumer ring;
	unsigned long heard = 0;
	__u32 spins;
	int over = 0;

	stream_consumer(&ring, race->memory, race->capacity, race->start);
	while (!over) {
		drain(race, &ring);
		/* In lockstep the producer publishes now: let it come before, amid and after. */
		for (spins = stream_mix(race->got.next) % 512u; race->pace == LOCKSTEP && spins; spins--)
			pendshare_load_relaxed(&ring.position);
		/* Who leaves and waits for the bell, and who sleeps, must both be woken. */
		if (stream_mix(~race->got.next) % 2u ? pendshare_ring_leave(&ring)
					   : !pendshare_ring_sleep(&ring))
			continue;
		race->sleeps++;
		over = bell_wait(&race->bell, &heard);
	}
	drain(race, &ring);
	race->got.missing += race->records - race->got.next;
}

static void run(struct race *race)
{
	const struct pendshare_ring_shared *shared;
	pthread_t producer;

	race->memory = aligned_alloc(4096, PENDSHARE_RING_DATA + race->capacity);
	bell_init(&race->bell);
	stream_format(race->memory, race->capacity, race->start);
	race->got.seed = race->seed;
	race->got.max_payload = race->max_payload;
	if (pthread_create(&producer, NULL, produce, race))
		abort();
	consume(race);
	pthread_join(producer, NULL);
	shared = (const struct pendshare_ring_shared *)race->memory;
	if (race->got.missing != shared->dropped)
		fail(race, "missing records were not counted as dropped", race->got.missing);
	if (race->got.items + race->got.missing != race->records)
		fail(race, "records do not add up", race->got.items);
	if (race->pace != DROPPING && race->got.missing)
		fail(race, "a record was lost", race->got.missing);
	free(race->memory);
}

int main(int argc, char **argv)
{
	__u32 records = argc > 1 ? (__u32)strtoul(argv[1], NULL, 0) : 100000u;
	__u32 seed = argc > 2 ? (__u32)strtoul(argv[2], NULL, 0) : 1u;
	unsigned long received = 0, missing = 0, sleeps = 0;
	__u32 round;

	for (round = 0; round < 9u; round++) {
		struct race race = {.seed = stream_mix(seed + round), .records = records / 9u};

		race.capacity = 4096u << (race.seed >> 8) % 7u;
		race.start = round & 1u ? 0u - (race.seed & 0xfff8u) : 0u;
		race.max_payload = pendshare_ring_max_payload(race.capacity);
		race.pace = (enum pace)(round % 3u);
		run(&race);
		received += race.got.items;
		missing += race.got.missing;
		sleeps += race.sleeps;
	}
	printf("race: %lu records received, %lu dropped and counted, %lu sleeps, seed %u\n",
	       received, missing, sleeps, seed);
	return 0;
}
