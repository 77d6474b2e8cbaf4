// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The portable peers against a hostile owner, who writes anything into the memory between and
 * during their steps: they stay inside of it, a step ends, writes no more than it may, and says
 * what it wrote. Timed ones tell late from lost. Both drivers run this code as it is.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../../../drivers/common/peer.h"
#include "../../tap/tap.h"

#define PAGE 4096u
#define PAGES 8u

static const struct pendshare_peer_logic *const logics[] = {
	&pendshare_peer_fill,
	&pendshare_peer_echo,
	&pendshare_peer_clock,
	&pendshare_peer_blast,
	&pendshare_peer_capture,
	&pendshare_peer_loopback,
};
#define LOGICS (sizeof(logics) / sizeof(logics[0]))

static unsigned int random_state = 1;

static unsigned int draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* Between pages without access, so that one byte too far is a fault. */
static __u8 *guarded(void)
{
	__u8 *memory = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);

	mprotect(memory + PAGE, PAGES * PAGE, PROT_READ | PROT_WRITE);
	return memory + PAGE;
}

/* Options that are often right; returns their size. */
static __u32 draw_options(__u64 *options)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		switch (draw() & 7) {
		case 0:
			options[i] = ((__u64)draw() << 32) | draw();
			break;
		case 1:
			options[i] = 60000u + draw() % 1000000u;
			break;
		default:
			options[i] = (draw() & 3) ? 0 : draw() & 127;
		}
	}
	/* The first is a period, and 0 none, or a payload. */
	if (draw() & 1)
		options[0] = (draw() & 1) ? 1000000u : 16;
	return (draw() & 7) ? (draw() & 3) * 8 : draw() % 65;
}

/* Mostly at a header's positions and flags, or at a record, where it hurts. */
static void scribble(__u8 *memory, __u64 length, unsigned int words)
{
	while (words--) {
		__u64 at = (draw() & 3) * 64 + (draw() & 1) * 4;

		if (draw() & 1)
			at += pendshare_ring_half(length);
		if (!(draw() & 3))
			at = draw() % length & ~3ull;
		if (at + 4 <= length)
			*(__u32 *)(memory + at) = (draw() & 1) ? draw() : draw() & 0xff8;
	}
}

/* As an owner would, if he only kept to the slots that he has. */
static void give(const struct pendshare_frames *frames, unsigned int times)
{
	struct pendshare_frames_shared *shared = frames->shared;

	while (times--) {
		struct pendshare_frame frame = { .slot = draw() % (frames->count + !(draw() & 31)),
						 .bytes = draw() % (frames->bytes + 1),
						 .flags = draw() & 1 };
		__u32 position = pendshare_load_relaxed(&shared->to_kernel);

		pendshare_frame_store(&frames->to_kernel[position & frames->mask], &frame);
		pendshare_store_release(&shared->to_kernel, position + 1);
	}
}

struct totals {
	unsigned long refused;
	unsigned long steps;
	unsigned long failed;
	unsigned long ended;
	unsigned long wrong;
};

static void run_peer(const struct pendshare_peer_logic *logic, __u8 *memory, struct totals *totals)
{
	struct pendshare_peer_state state = { .length = (1 + draw() % PAGES) * PAGE };
	struct pendshare_frames frames;
	__u32 count = 1 + (draw() & 3);
	__u64 options[8];
	__u32 size = draw_options(options);
	unsigned int steps;

	state.frame_bytes = PAGE << (draw() & 1);
	if (logic->frames && !pendshare_frames_fit(count, state.frame_bytes, PAGE, state.length)) {
		totals->refused++;
		return;
	}
	if (!logic->init(&state, options, size)) {
		totals->refused++;
		return;
	}
	/* A shorter share lies at the end, against the guard. */
	state.memory = memory + PAGES * PAGE - state.length;
	if (logic->frames) {
		pendshare_frames_format(&frames, state.memory, count, state.frame_bytes, PAGE,
					logic->frames == PENDSHARE_FRAMES_PLAYBACK);
		state.frames = &frames;
	}
	logic->start(&state);
	for (steps = draw() & 255; steps; steps--) {
		__u64 before = state.written;
		__u32 result;

		if (logic->frames && (draw() & 7))
			give(&frames, draw() & 1);
		else if (draw() & 1)
			scribble(state.memory, state.length, draw() & 7);
		result = logic->step(&state, draw(), (draw() & 3) ? 1 : draw());
		totals->steps++;
		totals->wrong += state.written < before || state.written > state.length;
		totals->failed += (result & PENDSHARE_STEP_FAIL) != 0;
		totals->ended += (result & PENDSHARE_STEP_END) != 0;
		if (result & (PENDSHARE_STEP_FAIL | PENDSHARE_STEP_END))
			return;
	}
}

static void test_alone(const struct pendshare_peer_logic *logic, __u8 *memory, unsigned int rounds)
{
	struct totals totals = { 0 };

	while (rounds--)
		run_peer(logic, memory, &totals);
	printf("# %s: %lu refused, %lu steps, %lu failed, %lu ended\n", logic->name, totals.refused,
	       totals.steps, totals.failed, totals.ended);
	tap(!totals.wrong && totals.steps && totals.refused, "%s keeps to its memory", logic->name);
}

/* The tick of the next record, given back at once; 0: there is none. */
static __u64 next_tick(struct pendshare_ring_consumer *ring)
{
	struct pendshare_ring_record record;
	const void *payload;
	__u64 tick;

	if (pendshare_ring_peek(ring, &record, &payload) != PENDSHARE_RING_OK)
		return 0;
	memcpy(&tick, payload, sizeof(tick));
	pendshare_ring_advance(ring, &record);
	pendshare_ring_release(ring);
	return tick;
}

static void test_clock_counts(__u8 *memory)
{
	const struct pendshare_clock_options options = { .period_ns = 1000000u, .payload = 2040u };
	const struct pendshare_ring_shared *shared = (const void *)memory;
	struct pendshare_peer_state state = { .length = 2 * PAGE, .memory = memory };
	const struct pendshare_peer_logic *clock = &pendshare_peer_clock;
	struct pendshare_ring_consumer ring;
	bool right;

	tap(clock->init(&state, &options, sizeof(options)), "clock takes a ring of two records");
	clock->start(&state);
	pendshare_ring_consumer_init(&ring, memory, pendshare_ring_capacity(state.length));
	clock->step(&state, 1000000u, 1);
	right = !shared->missed && !shared->dropped && !state.missed;
	clock->step(&state, 6000000u, 5);
	right = right && shared->missed == 4 && !shared->dropped && state.missed == 4;
	tap(right, "a clock whose timer is late counts what it missed");
	clock->step(&state, 7000000u, 1);
	tap(shared->missed == 4 && shared->dropped == 1, "and a full ring as dropped alone");
	clock->step(&state, 9000000u, 2);
	tap(shared->missed == 5 && shared->dropped == 2 && state.missed == 5,
	    "and both when it is late and the ring is full");
	right = next_tick(&ring) == 1 && next_tick(&ring) == 6 && !next_tick(&ring);
	clock->step(&state, 10000000u, 1);
	tap(right && next_tick(&ring) == 10 && 3 + shared->missed + shared->dropped == 10,
	    "each is a gap in the tick number");
	clock->step(&state, 1u, 0x200000001ull);
	tap(state.missed == 5 + 0x200000000ull && shared->missed == 5,
	    "the ring's count is modulo 2^32, the driver's is not");
}

/* Ticks that the consumer finds when it looks, the first and the last of one run; 0: none. */
static __u64 ticks_of(struct pendshare_ring_consumer *ring)
{
	struct pendshare_ring_record record;
	const void *payload;
	__u64 first, last;

	if (pendshare_ring_peek(ring, &record, &payload) != PENDSHARE_RING_OK)
		return 0;
	memcpy(&first, payload, sizeof(first));
	memcpy(&last, (const __u8 *)payload + record.length - ring->stride, sizeof(last));
	pendshare_ring_advance(ring, &record);
	pendshare_ring_release(ring);
	return first << 32 | last;
}

static void test_clock_runs(__u8 *memory)
{
	const struct pendshare_clock_options options = { .period_ns = 1000000u,
							 .ticks = 9,
							 .runs = 1 };
	struct pendshare_peer_state state = { .length = 2 * PAGE, .memory = memory };
	const struct pendshare_peer_logic *clock = &pendshare_peer_clock;
	struct pendshare_ring_consumer ring;
	unsigned int rings = 0;
	__u64 seen[5] = { 0 };
	unsigned int looks = 0;
	int tick;

	tap(clock->init(&state, &options, sizeof(options)), "clock takes runs");
	clock->start(&state);
	pendshare_ring_consumer_init(&ring, memory, pendshare_ring_capacity(state.length));
	for (tick = 1; tick <= 9; tick++) {
		__u32 result = clock->step(&state, 1000000u * (unsigned int)tick, 1);

		rings += result & PENDSHARE_STEP_RING;
		if (tick == 4 || tick == 5 || tick == 9)
			seen[looks++] = ticks_of(&ring);
		if (tick == 9)
			tap(result & PENDSHARE_STEP_END, "and ends after the last tick");
	}
	seen[3] = ticks_of(&ring);
	seen[4] = ticks_of(&ring);
	/* The first finds the consumer asleep. Then it is busy until it has read that, and so on. */
	tap(rings == 1 && seen[0] == (1ull << 32 | 1) && seen[1] == (2ull << 32 | 5) &&
		seen[2] == (6ull << 32 | 6) && seen[3] == (7ull << 32 | 9) && !seen[4],
	    "what comes while the consumer is busy is one run; the last waits for none");
}

static void test_fill_counts(void)
{
	const struct pendshare_fill_options options = { .period_ns = 1000000u };
	const struct pendshare_peer_logic *fill = &pendshare_peer_fill;
	struct pendshare_peer_state state = { .length = 2 * PENDSHARE_STEP_BYTES };
	bool right = fill->init(&state, &options, sizeof(options));

	state.memory = malloc(state.length);
	fill->start(&state);
	right = right && fill->step(&state, 0, 3) == PENDSHARE_STEP_BUSY && state.missed == 2;
	/* A tick in the middle of a round begins none. */
	right = right && fill->step(&state, 0, 1) == PENDSHARE_STEP_RING && state.missed == 3;
	right = right && fill->step(&state, 0, 1) == PENDSHARE_STEP_BUSY && state.missed == 3;
	right = right && fill->step(&state, 0, 0) == PENDSHARE_STEP_RING && state.missed == 3;
	free(state.memory);
	tap(right, "a fill counts the ticks for which it began no round");
}

#ifndef __SANITIZE_THREAD__ /* records are plain memory to the producer */

/* An owner on another thread, which no check can have seen coming. */

static int stop_scribbling; /* atomic */

static void *scribble_on(void *memory)
{
	__u32 *words = memory;
	unsigned int state = 7;

	while (!__atomic_load_n(&stop_scribbling, __ATOMIC_RELAXED)) {
		state = state * 1103515245u + 12345u;
		__atomic_store_n(&words[(state >> 8) % (PAGES * PAGE / 4)], state,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&words[((state >> 8) % 4) * 16 + 16], state >> 4,
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

static void test_under_fire(__u8 *memory, unsigned int rounds)
{
	struct totals totals = { 0 };
	pthread_t thread;
	unsigned int i;

	pthread_create(&thread, NULL, scribble_on, memory);
	for (i = 0; i < rounds; i++)
		run_peer(logics[i % LOGICS], memory, &totals);
	__atomic_store_n(&stop_scribbling, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	tap(!totals.wrong && totals.steps, "%lu steps under fire, %lu of them said so",
	    totals.steps, totals.failed);
}

#endif

/* steps [rounds [seed]] */
int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 10000;
	__u8 *memory = guarded();
	unsigned int i;

	random_state = (argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 1) * 2654435761u | 1u;
	for (i = 0; i < LOGICS; i++)
		test_alone(logics[i], memory, rounds);
	test_clock_counts(memory);
	test_clock_runs(memory);
	test_fill_counts();
#ifndef __SANITIZE_THREAD__
	test_under_fire(memory, rounds);
#endif
	return tap_end();
}
