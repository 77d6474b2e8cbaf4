// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the built-in peers do with rings, and with owners who write nonsense into them. */
#include "driver.h"

#define RING_BYTES (17 * PAGE) /* with pages of 4 KiB, 64 KiB of data behind the header */

static void consume(struct pendshare_ring_consumer *ring, void *memory, __u64 bytes)
{
	struct pendshare_ring_shared *shared = memory;

	CHECK_IS(shared->magic, PENDSHARE_RING_MAGIC);
	CHECK_IS(shared->capacity, pendshare_ring_capacity(bytes));
	pendshare_ring_consumer_init(ring, memory, shared->capacity);
}

/*
 * The next record, after waiting for a doorbell when there is none. False: the share ended,
 * and *last is its END.
 */
static bool next_record(int fd, struct pendshare_ring_consumer *ring,
			struct pendshare_ring_record *record, const void **payload,
			struct pendshare_event *last)
{
	for (;;) {
		switch (pendshare_ring_peek(ring, record, payload)) {
		case PENDSHARE_RING_OK:
			return true;
		case PENDSHARE_RING_CORRUPT:
			tap_fail("the ring is corrupt");
			return false;
		default:
			if (last->kind == PENDSHARE_EVENT_END)
				return false;
			if (pendshare_ring_sleep(ring))
				NEED(pend(fd, 0, last, 1) == 1);
		}
	}
}

TEST(clock_ticks, "clock numbers its ticks upwards, by time, up to the last")
{
	struct pendshare_clock_options options = { .period_ns = 500000, .payload = 64, .ticks = 100 };
	unsigned char *memory = region(RING_BYTES);
	struct pendshare_event last = { 0 };
	struct pendshare_ring_consumer ring;
	struct pendshare_ring_record record;
	struct pendshare_ring_shared *shared = (void *)memory;
	__u64 tick = 0, now = 0, records = 0;
	const void *payload;
	int fd = device();

	CHECK_IS(SHARE_WITH(fd, 1, memory, RING_BYTES, "clock", options), 0);
	CHECK_IS(notify(fd, 1), -EOPNOTSUPP);
	consume(&ring, memory, RING_BYTES);
	while (next_record(fd, &ring, &record, &payload, &last)) {
		const __u64 *words = payload;

		CHECK_IS(record.length, 64);
		CHECK_IS(record.kind, 0);
		CHECK(words[0] > tick);
		CHECK(words[1] > now);
		/* A gap is what was late or lost, and is counted before the record that shows it. */
		CHECK(words[0] - ++records <= shared->missed + shared->dropped);
		tick = words[0];
		now = words[1];
		pendshare_ring_advance(&ring, &record);
		pendshare_ring_release(&ring);
	}
	CHECK(tick >= 100);
	CHECK_IS(last.reason, PENDSHARE_PEER_ENDED);
	CHECK(last.value > PENDSHARE_RING_DATA && last.value <= RING_BYTES);
	CHECK_IS(shared->dropped, 0);
	CHECK_IS(tick, records + shared->missed);
	close(fd);
	munmap(memory, RING_BYTES);
	check_nothing_left();
}

TEST(clock_tells_drops, "the record after drops tells how many there were, and where")
{
	struct pendshare_clock_options options = { .period_ns = 500000, .payload = 2000 };
	unsigned char *memory = region(2 * PAGE);
	struct pendshare_ring_shared *shared = (void *)memory;
	struct pendshare_event last = { 0 };
	struct pendshare_ring_consumer ring;
	struct pendshare_ring_record record;
	const void *payload;
	__u64 tick = 0;
	__u32 told = 0;
	int fd = device();

	CHECK_IS(SHARE_WITH(fd, 1, memory, 2 * PAGE, "clock", options), 0);
	consume(&ring, memory, 2 * PAGE);
	for (int round = 0; round < 5; round++) {
		__u32 before = shared->dropped;

		while (pendshare_load_relaxed(&shared->dropped) - before < 3)
			sched_yield();
		/* Among what lies there, or the first that comes when there is room again. */
		while (ring.dropped == told) {
			__u64 now;

			NEED(next_record(fd, &ring, &record, &payload, &last));
			now = *(const __u64 *)payload;
			CHECK(now > tick);
			CHECK(now - tick - 1 >= ring.dropped - told);
			CHECK(now - tick - 1 <= ring.dropped - told + shared->missed);
			tick = now;
			pendshare_ring_advance(&ring, &record);
			pendshare_ring_release(&ring);
		}
		CHECK_IS(shared->known, ring.dropped);
		told = ring.dropped;
	}
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

TEST(clock_drops, "clock drops and counts what a full ring cannot take, and never waits")
{
	struct pendshare_clock_options options = { .period_ns = 50000, .payload = 2040 };
	__u32 capacity = pendshare_ring_capacity(2 * PAGE);
	unsigned char *memory = region(2 * PAGE);
	struct pendshare_ring_shared *shared = (void *)memory;
	int fd = device();

	CHECK_IS(SHARE_WITH(fd, 1, memory, 2 * PAGE, "clock", options), 0);
	while (!pendshare_load_relaxed(&shared->dropped))
		sched_yield();
	CHECK_IS(release_share(fd, 1), 0);
	CHECK_IS(shared->producer, capacity);
	options.payload = pendshare_ring_max_payload(capacity) + 8; /* would fit the ring, but not at every position */
	CHECK_IS(SHARE_WITH(fd, 2, memory, 2 * PAGE, "clock", options), -EINVAL);
	options.payload = 8;
	CHECK_IS(SHARE_WITH(fd, 2, memory, 2 * PAGE, "clock", options), -EINVAL);
	options.payload = 16;
	CHECK_IS(SHARE_WITH(fd, 2, memory, PAGE, "clock", options),
		 pendshare_ring_capacity(PAGE) ? 0 : -EINVAL); /* no room for a ring in 4 KiB */
	close(fd);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

TEST(blast_all, "blast delivers every record in order, none dropped")
{
	struct pendshare_blast_options options = { .payload = 40, .count = 200000 };
	unsigned char *memory = region(RING_BYTES);
	struct pendshare_event last = { 0 };
	struct pendshare_ring_consumer ring;
	struct pendshare_ring_record record;
	const void *payload;
	int fd = device();
	__u64 index = 0;

	CHECK_IS(SHARE_WITH(fd, 1, memory, RING_BYTES, "blast", options), 0);
	consume(&ring, memory, RING_BYTES);
	while (next_record(fd, &ring, &record, &payload, &last)) {
		const unsigned char *bytes = payload;

		if (*(const __u64 *)payload != index || record.length != 40 ||
		    bytes[8] != (index & 0xff) || bytes[39] != (index & 0xff))
			tap_fail("record %llu is wrong", index);
		index++;
		pendshare_ring_advance(&ring, &record);
		pendshare_ring_release(&ring);
	}
	CHECK_IS(index, options.count);
	CHECK_IS(last.reason, PENDSHARE_PEER_ENDED);
	CHECK_IS(last.value, PENDSHARE_RING_DATA + pendshare_ring_capacity(RING_BYTES));
	CHECK_IS(((struct pendshare_ring_shared *)memory)->dropped, 0);
	close(fd);
	munmap(memory, RING_BYTES);
	check_nothing_left();
}

TEST(blast_runs, "blast in runs delivers every sample in order, many to a record")
{
	struct pendshare_blast_options options = { .payload = 12, .count = 200000, .runs = 1 };
	unsigned char *memory = region(RING_BYTES);
	struct pendshare_event last = { 0 };
	struct pendshare_ring_consumer ring;
	struct pendshare_ring_record record;
	const void *payload;
	int fd = device();
	__u64 index = 0, records = 0;

	CHECK_IS(SHARE_WITH(fd, 1, memory, RING_BYTES, "blast", options), 0);
	CHECK_IS(((struct pendshare_ring_shared *)memory)->version, PENDSHARE_RING_VERSION_RUNS);
	consume(&ring, memory, RING_BYTES);
	while (next_record(fd, &ring, &record, &payload, &last)) {
		const unsigned char *bytes = payload;

		CHECK_IS(ring.stride, 12);
		for (__u32 at = 0; at < record.length; at += ring.stride, index++) {
			__u64 got;

			memcpy(&got, bytes + at, sizeof(got));
			if (got != index || bytes[at + 11] != (index & 0xff))
				tap_fail("sample %llu is wrong", index);
		}
		records++;
		pendshare_ring_advance(&ring, &record);
		pendshare_ring_release(&ring);
	}
	CHECK_IS(index, options.count);
	CHECK(records < options.count / 100);
	CHECK_IS(last.reason, PENDSHARE_PEER_ENDED);
	options.runs = 2;
	CHECK_IS(SHARE_WITH(fd, 2, memory, RING_BYTES, "blast", options), -EINVAL);
	close(fd);
	munmap(memory, RING_BYTES);
	check_nothing_left();
}

TEST(clock_runs, "clock in runs publishes every tick, the last without another")
{
	struct pendshare_clock_options options = { .period_ns = 200000, .ticks = 300, .runs = 1 };
	unsigned char *memory = region(RING_BYTES);
	struct pendshare_ring_shared *shared = (void *)memory;
	struct pendshare_event last = { 0 };
	struct pendshare_ring_consumer ring;
	struct pendshare_ring_record record;
	const void *payload;
	int fd = device();
	__u64 tick = 0, samples = 0, records = 0;

	CHECK_IS(SHARE_WITH(fd, 1, memory, RING_BYTES, "clock", options), 0);
	consume(&ring, memory, RING_BYTES);
	while (next_record(fd, &ring, &record, &payload, &last)) {
		const __u64 *words = payload;

		CHECK_IS(ring.stride, 16);
		for (__u32 at = 0; at < record.length / 8; at += 2, samples++) {
			CHECK(words[at] > tick);
			tick = words[at];
		}
		/* Busy: what comes meanwhile waits, and is one run. */
		if (++records % 4 == 0) {
			struct timespec now, until;

			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_nsec += 2000000;
			do
				clock_gettime(CLOCK_MONOTONIC, &now);
			while ((now.tv_sec - until.tv_sec) * 1000000000ll + now.tv_nsec <
			       until.tv_nsec);
		}
		pendshare_ring_advance(&ring, &record);
		pendshare_ring_release(&ring);
	}
	CHECK(tick >= 300);
	CHECK_IS(last.reason, PENDSHARE_PEER_ENDED);
	CHECK_IS(shared->dropped, 0);
	CHECK_IS(tick, samples + shared->missed);
	close(fd);
	munmap(memory, RING_BYTES);
	check_nothing_left();
}

TEST(blast_stops, "blast into a ring that nobody reads stops at once when released")
{
	unsigned char *memory = region(RING_BYTES);
	int fd = device();

	for (int i = 0; i < 50; i++) {
		CHECK_IS(share(fd, i + 1, memory, RING_BYTES, "blast"), 0);
		CHECK_IS(release_share(fd, i + 1), 0);
	}
	close(fd);
	munmap(memory, RING_BYTES);
	check_nothing_left();
}

TEST(echo_all, "echo gives back every record, of any length, in order")
{
	__u64 bytes = 2 * RING_BYTES, half = pendshare_ring_half(bytes);
	unsigned char *memory = region(bytes);
	struct pendshare_ring_producer to;
	struct pendshare_ring_consumer from;
	struct pendshare_ring_record record;
	struct pendshare_event last = { 0 };
	const void *payload;
	int fd = device();
	__u32 sent = 0, got = 0;
	void *room;

	CHECK_IS(share(fd, 1, memory, bytes, "echo"), 0);
	consume(&from, memory, half);
	pendshare_ring_producer_init(&to, memory + half, pendshare_ring_capacity(half));
	while (got < 5000 && !tap_failures) {
		while (sent < 5000 &&
		       pendshare_ring_room(&to, sent % 3000) == PENDSHARE_RING_OK) {
			NEED(pendshare_ring_reserve(&to, sent % 3000, sent, &room) == PENDSHARE_RING_OK);
			memset(room, sent, sent % 3000);
			sent++;
		}
		if (pendshare_ring_publish(&to))
			CHECK_IS(notify(fd, 1), 0);
		if (!next_record(fd, &from, &record, &payload, &last))
			break;
		do {
			const unsigned char *data = payload;

			CHECK_IS(record.kind, got);
			CHECK_IS(record.length, got % 3000);
			if (record.length)
				CHECK_IS(data[record.length - 1], got & 0xff);
			got++;
			pendshare_ring_advance(&from, &record);
		} while (pendshare_ring_peek(&from, &record, &payload) == PENDSHARE_RING_OK);
		pendshare_ring_release(&from);
		CHECK_IS(notify(fd, 1), 0); /* there is room again for what may have been left */
	}
	CHECK_IS(got, 5000);
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	munmap(memory, bytes);
	check_nothing_left();
}

/* Whether the owner's nonsense ends the share as FAILED. */
static void check_failed(int fd)
{
	struct pendshare_event event = next_but_doorbells(fd);

	CHECK_IS(event.kind, PENDSHARE_EVENT_END);
	CHECK_IS(event.reason, PENDSHARE_FAILED);
	CHECK_IS(event.failure, PENDSHARE_FAILURE_RING);
}

TEST(hostile_consumer, "a consumer position beyond the producer's ends the share as FAILED")
{
	struct pendshare_clock_options options = { .period_ns = 50000, .payload = 1000 };
	unsigned char *memory = region(2 * PAGE);
	struct pendshare_ring_shared *shared = (void *)memory;
	int fd = device();

	CHECK_IS(SHARE_WITH(fd, 1, memory, 2 * PAGE, "clock", options), 0);
	shared->consumer = 0x40000000;
	check_failed(fd);
	CHECK_IS(share(fd, 2, memory, 2 * PAGE, "blast"), 0);
	shared->consumer = 12; /* not at a record */
	check_failed(fd);
	close(fd);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

TEST(hostile_header, "what the owner writes over the rest of the header is not believed")
{
	struct pendshare_blast_options options = { .count = 500 };
	unsigned char *memory = region(RING_BYTES);
	struct pendshare_ring_shared *shared = (void *)memory;
	struct pendshare_event event;
	int fd = device();

	for (int i = 0; i < 20; i++) {
		CHECK_IS(SHARE_WITH(fd, 1, memory, RING_BYTES, "blast", options), 0);
		shared->capacity = 0xffffffff;
		shared->producer = 0x12345678;
		shared->dropped = 7;
		event = next_but_doorbells(fd);
		CHECK_IS(event.reason, PENDSHARE_PEER_ENDED);
	}
	close(fd);
	munmap(memory, RING_BYTES);
	check_nothing_left();
}

static void corrupt_inbound(void (*corrupt)(struct pendshare_ring_shared *, __u32 *record))
{
	__u64 bytes = 4 * PAGE, half = pendshare_ring_half(bytes);
	unsigned char *memory = region(bytes);
	int fd = device();

	CHECK_IS(share(fd, 1, memory, bytes, "echo"), 0);
	corrupt((void *)(memory + half), (__u32 *)(memory + half + PENDSHARE_RING_DATA));
	CHECK_IS(notify(fd, 1), 0);
	check_failed(fd);
	close(fd);
	munmap(memory, bytes);
	check_nothing_left();
}

static void far_producer(struct pendshare_ring_shared *shared, __u32 *record)
{
	shared->producer = 4104;
}

static void odd_producer(struct pendshare_ring_shared *shared, __u32 *record)
{
	shared->producer = 12;
}

static void long_record(struct pendshare_ring_shared *shared, __u32 *record)
{
	record[0] = 4000;
	shared->producer = 64;
}

static void endless_record(struct pendshare_ring_shared *shared, __u32 *record)
{
	record[0] = 0xfffffff8;
	shared->producer = 64;
}

static void padding_only(struct pendshare_ring_shared *shared, __u32 *record)
{
	record[1] = PENDSHARE_RING_PAD;
	shared->producer = shared->capacity;
}

/* A gap whose count would lie behind what was published. */
static void gap_at_the_end(struct pendshare_ring_shared *shared, __u32 *record)
{
	record[0] = PENDSHARE_RING_GAP;
	shared->producer = 8;
}

static void long_gap(struct pendshare_ring_shared *shared, __u32 *record)
{
	record[0] = PENDSHARE_RING_GAP | (shared->capacity - 16);
	shared->producer = shared->capacity;
}

TEST(hostile_producer, "nonsense in an inbound ring ends the share as FAILED")
{
	corrupt_inbound(far_producer);
	corrupt_inbound(odd_producer);
	corrupt_inbound(long_record);
	corrupt_inbound(endless_record);
	corrupt_inbound(padding_only);
	corrupt_inbound(gap_at_the_end);
	corrupt_inbound(long_gap);
}

MAIN
