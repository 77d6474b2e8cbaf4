// SPDX-License-Identifier: MIT
/*
 * A native thread on the kernel's side of frames whose owner is JavaScript, in the same memory at
 *the same time: what a driver does, without a driver. Frames are those of stream.h.
 *
 *   kernel(memory, options, ring, done)	a thread captures, or plays; ring() when the owner
 *sleeps. Returns notify(), which wakes the thread
 *
 * options: { seed, frames, count, bytes, start, playback, lossless, echo }. With echo, who plays
 *gives some of the slots back with a frame of its own in it, and tells as dropped how many. The
 *memory must be kept by the caller until done. No wait has a time limit, so a lost wake-up hangs
 *the test.
 */
#include <sched.h>
#include "../shared/addon.h"
#include "stream.h"

struct side {
	struct native native;
	struct shape shape;
	struct pendshare_frames frames;
	__u8 *memory;
	__u32 seed;
	__u32 number;
	bool lossless;
	bool echo;
	__u32 random;
	unsigned long heard;
	/* Slots that the kernel has, to be given in any order, with the frames in them. */
	struct pendshare_frame hand[PENDSHARE_FRAMES_MAX_COUNT];
	__u32 numbers[PENDSHARE_FRAMES_MAX_COUNT];
	__u32 held;
};

static void publish(struct side *side)
{
	if (pendshare_frames_publish(&side->frames))
		wake(&side->native);
}

static void await_owner(struct side *side)
{
	publish(side);
	if (!pendshare_frames_sleep(&side->frames))
		return;
	side->native.sleeps++;
	bell_wait(&side->native.notified, &side->heard);
}

/* Returns whether there was one; it is frame n, if the owner has filled it. */
static bool take(struct side *side, __u32 n)
{
	switch (pendshare_frames_take(&side->frames, &side->hand[side->held])) {
	case PENDSHARE_FRAMES_OK:
		side->numbers[side->held++] = n;
		return true;
	case PENDSHARE_FRAMES_NONE:
		return false;
	default:
		side->native.error = "the owner seems corrupt";
		return false;
	}
}

/* Any of those it has. */
static __u32 pick(struct side *side, struct pendshare_frame *frame)
{
	__u32 at = next_random(&side->random) % side->held;
	__u32 n = side->numbers[at];

	*frame = side->hand[at];
	side->hand[at] = side->hand[--side->held];
	side->numbers[at] = side->numbers[side->held];
	return n;
}

static void give(struct side *side, const struct pendshare_frame *frame)
{
	if (pendshare_frames_give(&side->frames, frame) != PENDSHARE_FRAMES_OK)
		side->native.error = "a slot that was taken is not the kernel's";
	if (next_random(&side->random) % 4u == 0u)
		publish(side);
}

/* Frame n goes to the owner in this slot. */
static void fill(struct side *side, __u32 slot, __u32 n)
{
	struct pendshare_frame frame = frame_of(side->seed, n, slot, side->shape.bytes);
	__u8 *memory = pendshare_frames_memory(&side->frames, slot);

	memset(memory, 0xcc, side->shape.bytes);
	stream_fill(side->seed, n, memory, frame.bytes);
	give(side, &frame);
}

static void *capture(void *argument)
{
	struct side *side = argument;
	struct pendshare_frame frame;
	__u32 n = 0;

	while (n < side->number && !side->native.error) {
		while (side->held < 1u + next_random(&side->random) % 3u && take(side, 0u))
			continue;
		if (side->held) {
			pick(side, &frame);
			fill(side, frame.slot, n++);
			side->native.received++;
		} else if (side->lossless) {
			await_owner(side);
		} else {
			pendshare_frames_overrun(&side->frames);
			n++;
			publish(side);
			sched_yield();
		}
		/* Pauses, so that the reader falls asleep over and over. */
		if (stream_mix(n) % 4096u == 0u)
			sched_yield();
	}
	publish(side);
	side->native.dropped = side->frames.overruns;
	side->native.missing = side->frames.overruns;
	finish(&side->native);
	return NULL;
}

/* What it plays must not change before it gives it back. */
static void play_one(struct side *side)
{
	struct pendshare_frame frame;
	__u32 n = pick(side, &frame);
	__u8 *memory = pendshare_frames_memory(&side->frames, frame.slot);

	if (!frame_is(&frame, side->seed, n, memory, side->shape.bytes))
		side->native.error = "torn, or out of order";
	if (side->echo && next_random(&side->random) % 2u) {
		fill(side, frame.slot, side->native.dropped++);
		return;
	}
	memset(memory, 0xbb, side->shape.bytes);
	frame = (struct pendshare_frame){.slot = frame.slot, .flags = PENDSHARE_FRAME_EMPTY};
	give(side, &frame);
}

static void *play(void *argument)
{
	struct side *side = argument;
	__u32 *n = &side->native.received;

	while (*n < side->number && !side->native.error) {
		if (take(side, *n))
			++*n;
		else
			await_owner(side);
		while (side->held &&
		       (side->held >= side->shape.count || next_random(&side->random) % 2u))
			play_one(side);
	}
	while (side->held)
		play_one(side);
	publish(side);
	finish(&side->native);
	return NULL;
}

static napi_value kernel(napi_env env, napi_callback_info info)
{
	struct side *side = calloc(1, sizeof(*side));
	napi_value arguments[4];
	size_t length, count = 4;

	if (!side)
		abort();
	must(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
	side->memory = memory_of(env, arguments[0], &length);
	side->seed = number_of(env, arguments[1], "seed");
	side->random = side->seed;
	side->number = number_of(env, arguments[1], "frames");
	side->lossless = bool_of(env, arguments[1], "lossless");
	side->echo = bool_of(env, arguments[1], "echo");
	side->shape.count = number_of(env, arguments[1], "count");
	side->shape.bytes = number_of(env, arguments[1], "bytes");
	side->shape.start = number_of(env, arguments[1], "start");
	side->shape.playback = bool_of(env, arguments[1], "playback");
	side->shape.page = 8u;
	if (length != shape_length(&side->shape))
		abort();
	native_init(&side->native, env, arguments[2], arguments[3]);
	shape_format(&side->shape, &side->frames, side->memory);
	detach(side->shape.playback ? play : capture, side);
	return notifier(&side->native, env);
}

NAPI_MODULE_INIT()
{
	export(env, exports, "kernel", kernel);
	return exports;
}
