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
	__u32 received;
	__u32 missing;
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
	__u32 n;

	stream_producer(&ring, race->memory, race->capacity, race->start);
	for (n = 0; n < race->records; n++) {
		__u32 length = stream_length(race->seed, n, race->max_payload);
		void *payload;

		while (race->pace == LOSSLESS &&
		       pendshare_ring_room(&ring, length) == PENDSHARE_RING_FULL) {
			publish(race, &ring);
			sched_yield();
		}
		switch (pendshare_ring_reserve(&ring, length, n, &payload)) {
		case PENDSHARE_RING_OK:
			stream_fill(race->seed, n, payload, length);
			break;
		case PENDSHARE_RING_FULL:
			if (race->pace != DROPPING)
				fail(race, "room, and yet no room", n);
			break;
		default:
			fail(race, "the consumer seems corrupt", n);
		}
		/* Sometimes one by one, sometimes many at once. */
		if (race->pace == LOCKSTEP || stream_mix(n >> 6) % 4u == 0u || n % 7u == 0u)
			publish(race, &ring);
		if (race->pace == LOCKSTEP)
			await_consumer(&ring);
	}
	pendshare_ring_publish(&ring);
	bell_ring(&race->bell, 1);
	return NULL;
}

/* Reads what there is, and gives it back at once. */
static void drain(struct race *race, struct pendshare_ring_consumer *ring, __u32 *next)
{
	struct pendshare_ring_record record;
	enum pendshare_ring_result result;
	const void *payload;

	while ((result = pendshare_ring_peek(ring, &record, &payload)) == PENDSHARE_RING_OK) {
		if (record.kind < *next)
			fail(race, "out of order", record.kind);
		race->missing += record.kind - *next;
		if (race->missing != ring->dropped)
			fail(race, "a gap that tells of other drops than were made there",
			     record.kind);
		*next = record.kind + 1u;
		if (!stream_is(race->seed, record.kind, race->max_payload, payload, record.length))
			fail(race, "torn", record.kind);
		race->received++;
		pendshare_ring_advance(ring, &record);
		if (race->received % 16u == 0u)
			pendshare_ring_release(ring);
	}
	if (result == PENDSHARE_RING_CORRUPT)
		fail(race, "the producer seems corrupt", *next);
	pendshare_ring_release(ring);
}

static void consume(struct race *race)
{
	struct pendshare_ring_consumer ring;
	unsigned long heard = 0;
	__u32 next = 0;
	__u32 spins;
	int over = 0;

	stream_consumer(&ring, race->memory, race->capacity, race->start);
	while (!over) {
		drain(race, &ring, &next);
		/* In lockstep the producer publishes now: let it come before, amid and after. */
		for (spins = stream_mix(next) % 512u; race->pace == LOCKSTEP && spins; spins--)
			pendshare_load_relaxed(&ring.position);
		/* Who leaves and waits for the bell, and who sleeps, must both be woken. */
		if (stream_mix(~next) % 2u ? pendshare_ring_leave(&ring)
					   : !pendshare_ring_sleep(&ring))
			continue;
		race->sleeps++;
		over = bell_wait(&race->bell, &heard);
	}
	drain(race, &ring, &next);
	race->missing += race->records - next;
}

static void run(struct race *race)
{
	const struct pendshare_ring_shared *shared;
	pthread_t producer;

	race->memory = aligned_alloc(4096, PENDSHARE_RING_DATA + race->capacity);
	bell_init(&race->bell);
	stream_format(race->memory, race->capacity, race->start);
	if (pthread_create(&producer, NULL, produce, race))
		abort();
	consume(race);
	pthread_join(producer, NULL);
	shared = (const struct pendshare_ring_shared *)race->memory;
	if (race->missing != shared->dropped)
		fail(race, "missing records were not counted as dropped", race->missing);
	if (race->received + race->missing != race->records)
		fail(race, "records do not add up", race->received);
	if (race->pace != DROPPING && race->missing)
		fail(race, "a record was lost", race->missing);
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
		received += race.received;
		missing += race.missing;
		sleeps += race.sleeps;
	}
	printf("race: %lu records received, %lu dropped and counted, %lu sleeps, seed %u\n",
	       received, missing, sleeps, seed);
	return 0;
}
