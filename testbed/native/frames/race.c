// SPDX-License-Identifier: MIT
/*
 * A kernel and an owner thread race over frames, captured and played, under a sanitizer. Both give
 * slots back in random order. Every frame must come once, whole and in order, or be counted as
 * overrun or missed. A slot is in one hand: whoever has it writes over all of it, which the other
 * would see, and so would ThreadSanitizer. A wake-up must never get lost: nothing here waits with a
 * time limit, so a lost one hangs the test.
 */
#include <sched.h>
#include <stdio.h>
#include "../shared/bell.h"
#include "stream.h"

#define MAX_COUNT 256u

enum pace {
	DROPPING, /* a frame without a slot is overrun; a player never waits */
	LOSSLESS, /* who has no slot waits for one */
	LOCKSTEP, /* who gives does so just when the other goes to sleep: each wake-up counts */
};

struct race {
	struct shape shape;
	__u8 *memory;
	__u32 seed;
	__u32 frames;
	enum pace pace;
	struct pendshare_frames kernel;
	struct pendshare_frames_owner owner;
	struct bell user_bell;
	struct bell kernel_bell;
	__u32 user_drowsy; /* in lockstep: about to sleep */
	__u32 kernel_drowsy;
	__u32 received;
	__u32 missing;
	unsigned long user_sleeps;
	unsigned long kernel_sleeps;
};

static _Noreturn void fail(const struct race *race, const char *what, __u32 n)
{
	fprintf(stderr, "race: %s at %u (%s, %u slots of %u, start %#x, seed %#x, %s)\n", what, n,
		race->shape.playback ? "playback" : "capture", race->shape.count, race->shape.bytes,
		race->shape.start, race->seed,
		(const char *[]){"dropping", "lossless", "lockstep"}[race->pace]);
	exit(1);
}

/* The slots that a side has, with the frames in them. */
struct hand {
	__u32 count;
	__u32 random;
	struct {
		struct pendshare_frame frame;
		__u32 n;
	} held[MAX_COUNT];
};

static void hold(struct hand *hand, const struct pendshare_frame *frame, __u32 n)
{
	hand->held[hand->count].frame = *frame;
	hand->held[hand->count++].n = n;
}

/* Any of them. Returns which frame is in it. */
static __u32 pick(struct hand *hand, struct pendshare_frame *frame)
{
	__u32 at = next_random(&hand->random) % hand->count;
	__u32 n = hand->held[at].n;

	*frame = hand->held[at].frame;
	hand->held[at] = hand->held[--hand->count];
	return n;
}

/* Whether to part with a slot: by chance, and where there are too many to sleep with, as the other
 * has none. */
static int parts(const struct race *race, struct hand *hand)
{
	return hand->count && (hand->count >= race->shape.count || next_random(&hand->random) % 2u);
}

/* As the other would see. */
static void spoil(const struct race *race, __u8 *slot, __u32 with)
{
	memset(slot, (int)with, race->shape.bytes);
}

static void must(const struct race *race, enum pendshare_frames_result result, const char *what,
		 __u32 n)
{
	if (result != PENDSHARE_FRAMES_OK)
		fail(race, what, n);
}

/* In lockstep: until the other is about to sleep. */
static void await(const struct race *race, __u32 *drowsy)
{
	__u32 spins = 0;

	if (race->pace != LOCKSTEP)
		return;
	while (!pendshare_load_relaxed(drowsy))
		if (++spins % 1024u == 0u)
			sched_yield();
	pendshare_store_relaxed(drowsy, 0u);
}

/* In lockstep the other gives now: let it come before, amid and after. */
static void doze(const struct race *race, __u32 *drowsy, unsigned long sleeps)
{
	__u32 spins = stream_mix((__u32)sleeps) % 512u;

	pendshare_store_relaxed(drowsy, 1u);
	while (race->pace == LOCKSTEP && spins--)
		pendshare_load_relaxed(drowsy);
}

static void publish(struct race *race)
{
	if (pendshare_frames_publish(&race->kernel))
		bell_ring(&race->user_bell, 0);
}

static void kernel_sleep(struct race *race, unsigned long *heard)
{
	publish(race);
	doze(race, &race->kernel_drowsy, race->kernel_sleeps);
	if (!pendshare_frames_sleep(&race->kernel))
		return;
	race->kernel_sleeps++;
	bell_wait(&race->kernel_bell, heard);
}

static void wake_kernel(struct race *race)
{
	if (pendshare_frames_owner_wakes(&race->owner))
		bell_ring(&race->kernel_bell, 0);
}

/* Returns whether nothing will come any more. */
static int owner_sleep(struct race *race, unsigned long *heard)
{
	wake_kernel(race);
	doze(race, &race->user_drowsy, race->user_sleeps);
	if (!pendshare_frames_owner_sleep(&race->owner))
		return 0;
	race->user_sleeps++;
	return bell_wait(&race->user_bell, heard);
}

/* Takes some slots to fill, or none. */
static void kernel_takes(struct race *race, struct hand *hand, __u32 n)
{
	__u32 want = 1u + next_random(&hand->random) % 3u;

	while (hand->count < want) {
		struct pendshare_frame frame;
		enum pendshare_frames_result result = pendshare_frames_take(&race->kernel, &frame);

		if (result == PENDSHARE_FRAMES_NONE)
			return;
		must(race, result, "the owner seems corrupt", n);
		spoil(race, pendshare_frames_memory(&race->kernel, frame.slot), 0xccu);
		hold(hand, &frame, 0u);
	}
}

static void capture_frame(struct race *race, struct hand *hand, __u32 n)
{
	struct pendshare_frame frame;

	pick(hand, &frame);
	frame = frame_of(race->seed, n, frame.slot, race->shape.bytes);
	stream_fill(race->seed, n, pendshare_frames_memory(&race->kernel, frame.slot), frame.bytes);
	must(race, pendshare_frames_give(&race->kernel, &frame), "the kernel's own slot", n);
}

static void give_back(struct race *race, struct hand *hand)
{
	struct pendshare_frame frame;

	pick(hand, &frame);
	spoil(race, pendshare_frames_memory(&race->kernel, frame.slot), 0xbbu);
	must(race, pendshare_frames_give_back(&race->kernel, frame.slot), "the kernel's own slot",
	     frame.slot);
}

/* What a device does besides: a late timer, a frame that came to nothing. Returns how many frames
 * passed. */
static __u32 mishap(struct race *race, struct hand *hand)
{
	__u32 ticks = next_random(&hand->random) % 64u;

	if (ticks == 1u && hand->count)
		give_back(race, hand);
	if (ticks == 0u || ticks > 3u)
		return 0;
	pendshare_frames_miss(&race->kernel, ticks);
	return ticks;
}

static void *capture(void *argument)
{
	struct race *race = argument;
	struct hand hand = {.random = race->seed};
	unsigned long heard = 0;
	__u32 n = 0;

	while (n < race->frames) {
		kernel_takes(race, &hand, n);
		if (!hand.count && race->pace == DROPPING) {
			pendshare_frames_overrun(&race->kernel);
			n++;
			publish(race);
			sched_yield();
		} else if (!hand.count) {
			kernel_sleep(race, &heard);
		} else {
			capture_frame(race, &hand, n++);
			n += mishap(race, &hand);
			if (race->pace == LOCKSTEP || n % 3u == 0u)
				publish(race);
			await(race, &race->user_drowsy);
		}
	}
	while (hand.count)
		give_back(race, &hand);
	publish(race);
	race->frames = n;
	bell_ring(&race->user_bell, 1);
	return NULL;
}

static void owner_gives(struct race *race, struct hand *hand, const struct pendshare_frame *frame)
{
	must(race, pendshare_frames_owner_give(&race->owner, frame), "the owner's own slot",
	     frame->slot);
	/* For one, or for several at once. */
	if (race->pace == LOCKSTEP || next_random(&hand->random) % 2u)
		wake_kernel(race);
}

static void release(struct race *race, struct hand *hand)
{
	struct pendshare_frame frame;

	pick(hand, &frame);
	spoil(race, pendshare_frames_owner_memory(&race->owner, frame.slot), 0xaau);
	frame = (struct pendshare_frame){.slot = frame.slot, .flags = PENDSHARE_FRAME_EMPTY};
	owner_gives(race, hand, &frame);
}

/* Returns whether there was one. */
static int receive(struct race *race, struct hand *hand, __u32 *next)
{
	struct pendshare_frame frame;
	enum pendshare_frames_result result = pendshare_frames_owner_take(&race->owner, &frame);
	__u32 n = (__u32)frame.sequence;

	if (result == PENDSHARE_FRAMES_NONE)
		return 0;
	must(race, result, "the kernel seems corrupt", *next);
	hold(hand, &frame, n);
	if (frame.flags & PENDSHARE_FRAME_EMPTY)
		return 1;
	if (n < *next)
		fail(race, "out of order", n);
	if (!frame_is(&frame, race->seed, n,
		      pendshare_frames_owner_memory(&race->owner, frame.slot), race->shape.bytes))
		fail(race, "torn", n);
	race->missing += n - *next;
	race->received++;
	*next = n + 1u;
	return 1;
}

static void watch(struct race *race)
{
	struct hand hand = {.random = ~race->seed};
	unsigned long heard = 0;
	__u32 next = 0;
	int over = 0;

	for (;;) {
		while (receive(race, &hand, &next))
			while (parts(race, &hand))
				release(race, &hand);
		if (over)
			break;
		over = owner_sleep(race, &heard);
	}
	while (hand.count)
		release(race, &hand);
	race->missing += race->frames - next;
}

/* The kernel's side of playback. What it plays must not change before it gives it back. */
static void play_back(struct race *race, struct hand *hand)
{
	struct pendshare_frame frame;
	__u32 n = pick(hand, &frame);
	__u8 *memory = pendshare_frames_memory(&race->kernel, frame.slot);

	if (!frame_is(&frame, race->seed, n, memory, race->shape.bytes))
		fail(race, "torn", n);
	spoil(race, memory, 0xbbu);
	must(race, pendshare_frames_give_back(&race->kernel, frame.slot), "the kernel's own slot",
	     n);
	if (race->pace == LOCKSTEP || next_random(&hand->random) % 2u)
		publish(race);
}

static void *play(void *argument)
{
	struct race *race = argument;
	struct hand hand = {.random = race->seed};
	unsigned long heard = 0;

	while (race->received < race->frames) {
		struct pendshare_frame frame;
		enum pendshare_frames_result result = pendshare_frames_take(&race->kernel, &frame);

		if (result == PENDSHARE_FRAMES_NONE) {
			kernel_sleep(race, &heard);
			continue;
		}
		must(race, result, "the owner seems corrupt", race->received);
		hold(&hand, &frame, race->received++);
		while (parts(race, &hand))
			play_back(race, &hand);
	}
	while (hand.count)
		play_back(race, &hand);
	publish(race);
	return NULL;
}

/* Returns whether there was one. */
static int owner_takes(struct race *race, struct hand *hand)
{
	struct pendshare_frame frame;
	enum pendshare_frames_result result = pendshare_frames_owner_take(&race->owner, &frame);

	if (result == PENDSHARE_FRAMES_NONE)
		return 0;
	must(race, result, "the kernel seems corrupt", hand->count);
	if (frame.flags != PENDSHARE_FRAME_EMPTY || frame.sequence || frame.bytes)
		fail(race, "a slot that was played is not empty", frame.slot);
	spoil(race, pendshare_frames_owner_memory(&race->owner, frame.slot), 0xaau);
	hold(hand, &frame, 0u);
	return 1;
}

static void send(struct race *race)
{
	struct hand hand = {.random = ~race->seed};
	unsigned long heard = 0;
	__u32 n = 0;

	while (n < race->frames) {
		struct pendshare_frame frame;

		while (owner_takes(race, &hand))
			continue;
		if (!hand.count) {
			owner_sleep(race, &heard);
			continue;
		}
		await(race, &race->kernel_drowsy);
		pick(&hand, &frame);
		frame = frame_of(race->seed, n, frame.slot, race->shape.bytes);
		stream_fill(race->seed, n++,
			    pendshare_frames_owner_memory(&race->owner, frame.slot), frame.bytes);
		owner_gives(race, &hand, &frame);
	}
	while (hand.count < race->shape.count)
		if (!owner_takes(race, &hand))
			owner_sleep(race, &heard);
	while (hand.count)
		release(race, &hand);
}

/* At the end the owner has given all slots, each once. */
static void collect(struct race *race)
{
	struct pendshare_frame frame;
	__u32 n;

	for (n = 0; n < race->shape.count; n++)
		must(race, pendshare_frames_take(&race->kernel, &frame), "a slot is lost", n);
	if (pendshare_frames_take(&race->kernel, &frame) != PENDSHARE_FRAMES_NONE)
		fail(race, "more slots than there are", n);
	if (pendshare_frames_kernels(&race->kernel) != race->shape.count)
		fail(race, "slots do not add up", pendshare_frames_kernels(&race->kernel));
}

static void run(struct race *race)
{
	const struct pendshare_frames_shared *shared;
	pthread_t kernel;

	race->memory = shape_memory(&race->shape);
	bell_init(&race->user_bell);
	bell_init(&race->kernel_bell);
	shape_format(&race->shape, &race->kernel, race->memory);
	must(race,
	     pendshare_frames_owner_init(&race->owner, race->memory, shape_length(&race->shape)),
	     "no frames", 0u);
	if (pthread_create(&kernel, NULL, race->shape.playback ? play : capture, race))
		abort();
	if (race->shape.playback)
		send(race);
	else
		watch(race);
	pthread_join(kernel, NULL);
	collect(race);
	shared = (const struct pendshare_frames_shared *)race->memory;
	if (race->missing != shared->overruns + shared->missed)
		fail(race, "gaps that were not counted", race->missing);
	if (race->received + race->missing != race->frames)
		fail(race, "frames do not add up", race->received);
	if (race->pace != DROPPING && shared->overruns)
		fail(race, "a frame was overrun", shared->overruns);
	free(race->memory);
}

int main(int argc, char **argv)
{
	static const __u32 counts[] = {1u, 2u, 3u, 4u, 7u, 16u, 33u, MAX_COUNT};
	__u32 frames = argc > 1 ? (__u32)strtoul(argv[1], NULL, 0) : 100000u;
	__u32 seed = argc > 2 ? (__u32)strtoul(argv[2], NULL, 0) : 1u;
	unsigned long received = 0, missing = 0, user_sleeps = 0, kernel_sleeps = 0;
	__u32 round;

	for (round = 0; round < 24u; round++) {
		static struct race race;

		memset(&race, 0, sizeof(race));
		race.seed = stream_mix(seed + round);
		race.frames = frames / 24u;
		race.pace = (enum pace)(round % 3u);
		race.shape.playback = round / 3u % 2u;
		race.shape.count = counts[(race.seed >> 8) % 8u];
		race.shape.bytes = 8u << (race.seed >> 16) % 7u;
		race.shape.page = round % 4u ? 8u : 4096u;
		race.shape.start = round % 2u ? 0u - MAX_COUNT * (race.seed % 8u) : 0u;
		run(&race);
		received += race.received;
		missing += race.missing;
		user_sleeps += race.user_sleeps;
		kernel_sleeps += race.kernel_sleeps;
	}
	printf("race: %lu frames received, %lu overrun or missed and counted, %lu sleeps of the "
	       "owner, %lu of the kernel, seed %u\n",
	       received, missing, user_sleeps, kernel_sleeps, seed);
	return 0;
}
