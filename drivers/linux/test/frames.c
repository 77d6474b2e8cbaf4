// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the built-in peers do with frames, and with owners who give what they do not have. */
#include "driver.h"
#include "framed.h"

#define COUNT 4u
#define SLOT (16 * PAGE)

static int capture(int fd, __u64 id, const void *memory, struct pendshare_capture_options options)
{
	struct pendshare_share args = ask(id, memory, "capture", COUNT, SLOT);

	memcpy(args.options, &options, sizeof(options));
	args.options_size = sizeof(options);
	return share_args(fd, args);
}

static void own(struct pendshare_frames_owner *frames, void *memory)
{
	NEED(pendshare_frames_owner_init(frames, memory, length_of(COUNT, SLOT)) ==
	     PENDSHARE_FRAMES_OK);
}

/* The next frame, after waiting for a doorbell when there is none. False: the share ended. */
static bool next_frame(int fd, struct pendshare_frames_owner *frames, struct pendshare_frame *frame,
		       struct pendshare_event *last)
{
	for (;;) {
		switch (pendshare_frames_owner_take(frames, frame)) {
		case PENDSHARE_FRAMES_OK:
			return true;
		case PENDSHARE_FRAMES_NONE:
			if (last->kind == PENDSHARE_EVENT_END)
				return false;
			if (pendshare_frames_owner_sleep(frames))
				NEED(pend(fd, 0, last, 1) == 1);
			break;
		default:
			tap_fail("the frames are corrupt");
			return false;
		}
	}
}

static void give(int fd, __u64 id, struct pendshare_frames_owner *frames, __u32 slot, __u32 bytes,
		 __u32 flags)
{
	struct pendshare_frame frame = { .slot = slot, .bytes = bytes, .flags = flags };

	CHECK_IS(pendshare_frames_owner_give(frames, &frame), PENDSHARE_FRAMES_OK);
	if (pendshare_frames_owner_wakes(frames))
		CHECK_IS(notify(fd, id), 0);
}

static bool is_captured(const struct pendshare_frames_owner *frames,
			const struct pendshare_frame *frame)
{
	const __u32 *words = (void *)pendshare_frames_owner_memory(frames, frame->slot);
	__u32 sum = words[0] + words[1] + words[3];

	for (__u32 at = 4; at < frame->bytes / 4; at++)
		sum += words[at];
	return words[0] == (__u32)frame->sequence && words[1] == frame->sequence >> 32 &&
	       words[2] == sum && words[3] == frame->bytes;
}

TEST(capture_in_any_order, "capture fills slots that come back in any order, each whole and numbered")
{
	struct pendshare_capture_options options = { .count = 200 };
	unsigned char *memory = region(length_of(COUNT, SLOT));
	struct pendshare_event last = { 0 };
	struct pendshare_frames_owner frames;
	struct pendshare_frame held[COUNT];
	__u32 holding = 0;
	__u64 sequence = 0;
	int fd = device();

	CHECK_IS(capture(fd, 1, memory, options), 0);
	own(&frames, memory);
	CHECK_IS(((struct pendshare_frames_shared *)memory)->playback, 0);
	while (next_frame(fd, &frames, &held[holding], &last)) {
		CHECK_IS(held[holding].sequence, sequence++);
		CHECK_IS(held[holding].bytes, SLOT);
		CHECK(is_captured(&frames, &held[holding]));
		if (++holding < COUNT - 1)
			continue;
		/* The one in the middle first, then the newest, then the oldest. */
		give(fd, 1, &frames, held[1].slot, 0, PENDSHARE_FRAME_EMPTY);
		give(fd, 1, &frames, held[2].slot, 0, PENDSHARE_FRAME_EMPTY);
		give(fd, 1, &frames, held[0].slot, 0, PENDSHARE_FRAME_EMPTY);
		holding = 0;
	}
	CHECK_IS(sequence, 200);
	CHECK_IS(last.reason, PENDSHARE_PEER_ENDED);
	CHECK(last.value <= length_of(COUNT, SLOT) && last.value > SLOT);
	CHECK_IS(((struct pendshare_frames_shared *)memory)->overruns, 0);
	close(fd);
	munmap(memory, length_of(COUNT, SLOT));
	check_nothing_left();
}

TEST(overruns, "a period without a slot is an overrun, counted, and a gap in the sequence")
{
	struct pendshare_capture_options options = { .period_ns = 1000000, .bytes = 4096 };
	unsigned char *memory = region(length_of(COUNT, SLOT));
	struct pendshare_frames_shared *shared = (void *)memory;
	struct pendshare_event last = { 0 };
	struct pendshare_frames_owner frames;
	struct pendshare_frame frame;
	__u64 expected = 0;
	int fd = device();

	CHECK_IS(capture(fd, 1, memory, options), 0);
	own(&frames, memory);
	while (pendshare_load_relaxed(&shared->overruns) < 3)
		sched_yield();
	for (__u32 i = 0; i < COUNT + 2; i++) {
		NEED(next_frame(fd, &frames, &frame, &last));
		CHECK_IS(frame.bytes, 4096);
		CHECK(frame.sequence >= expected);
		/* Who sees the frame sees all that was counted before it. */
		CHECK(frame.sequence - i <= shared->overruns + shared->missed);
		expected = frame.sequence + 1;
		give(fd, 1, &frames, frame.slot, 0, PENDSHARE_FRAME_EMPTY);
	}
	CHECK(expected >= COUNT + 2 + 3);
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	munmap(memory, length_of(COUNT, SLOT));
	check_nothing_left();
}

TEST(loopback, "loopback gives back what is submitted, inverted, with its flags")
{
	unsigned char *memory = region(length_of(COUNT, SLOT));
	struct pendshare_event last = { 0 };
	struct pendshare_frames_owner frames;
	struct pendshare_frame frame;
	__u64 sequence = 0;
	int fd = device();

	CHECK_IS(share_args(fd, ask(1, memory, "loopback", COUNT, SLOT)), 0);
	own(&frames, memory);
	CHECK_IS(((struct pendshare_frames_shared *)memory)->playback, 1);
	for (__u32 i = 0; i < COUNT; i++) {
		NEED(next_frame(fd, &frames, &frame, &last));
		CHECK_IS(frame.flags, PENDSHARE_FRAME_EMPTY);
		memset(pendshare_frames_owner_memory(&frames, frame.slot), (int)i, SLOT);
		/* Lengths that are no whole words, too, and one that comes back as it is. */
		give(fd, 1, &frames, frame.slot, i == 3 ? 0 : SLOT - i, i == 3 ? 1 : i << 16);
	}
	for (__u32 i = 0; i < COUNT; i++) {
		unsigned char *slot;

		NEED(next_frame(fd, &frames, &frame, &last));
		slot = pendshare_frames_owner_memory(&frames, frame.slot);
		if (frame.flags & PENDSHARE_FRAME_EMPTY) {
			CHECK_IS(slot[0], 3);
			continue;
		}
		CHECK_IS(frame.sequence, sequence++);
		CHECK_IS(frame.flags, (__u32)(unsigned char)~slot[0] << 16);
		CHECK_IS(frame.bytes, SLOT - (frame.flags >> 16));
		CHECK_IS(slot[frame.bytes - 1], slot[0]);
		if (frame.bytes < SLOT)
			CHECK_IS(slot[frame.bytes], (unsigned char)~slot[0]);
	}
	CHECK_IS(sequence, 3);
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	munmap(memory, length_of(COUNT, SLOT));
	check_nothing_left();
}

/* What an owner can get wrong, each with a loopback that has one of its frames to look at. */
enum wrong { TWICE, OUT_OF_RANGE, TOO_LONG, AHEAD, BACK, WRONGS };

static void write_wrong(struct pendshare_frames_owner *frames, enum wrong wrong,
			struct pendshare_frame frame)
{
	__u32 entries = 1;

	frame.flags = 0;
	frame.bytes = 64;
	pendshare_frame_store(&frames->to_kernel[0], &frame);
	pendshare_frame_store(&frames->to_kernel[1], &frame);
	switch (wrong) {
	case TWICE:
		entries = 2;
		break;
	case OUT_OF_RANGE:
		frame.slot = COUNT;
		break;
	case TOO_LONG:
		frame.bytes = SLOT + 1;
		break;
	case AHEAD:
		entries = COUNT + 1;
		break;
	default:
		entries = (__u32)-1;
	}
	pendshare_frame_store(&frames->to_kernel[0], &frame);
	pendshare_store_release(&frames->shared->to_kernel, entries);
}

TEST(nonsense, "a frame that the owner does not have, or nonsense, ends the share as failed")
{
	unsigned char *memory = region(length_of(COUNT, SLOT) + PAGE);

	for (enum wrong wrong = TWICE; wrong < WRONGS; wrong++) {
		struct pendshare_event last = { 0 };
		struct pendshare_frames_owner frames;
		struct pendshare_frame frame;
		int fd = device();

		memset(memory + length_of(COUNT, SLOT), 0xab, PAGE);
		CHECK_IS(share_args(fd, ask(1, memory, "loopback", COUNT, SLOT)), 0);
		own(&frames, memory);
		NEED(pendshare_frames_owner_take(&frames, &frame) == PENDSHARE_FRAMES_OK);
		write_wrong(&frames, wrong, frame);
		(void)notify(fd, 1); /* its first step may have come upon it already */
		while (last.kind != PENDSHARE_EVENT_END)
			NEED(pend(fd, 0, &last, 1) == 1);
		CHECK_IS(last.reason, PENDSHARE_FAILED);
		CHECK_IS(last.failure, PENDSHARE_FAILURE_FRAMES);
		for (__u64 at = 0; at < PAGE; at++)
			NEED(memory[length_of(COUNT, SLOT) + at] == 0xab);
		close(fd);
	}
	munmap(memory, length_of(COUNT, SLOT) + PAGE);
	check_nothing_left();
}

TEST(refusals, "frames that do not fit, or that a peer does not speak, are refused")
{
	unsigned char *memory = region(length_of(COUNT, SLOT));
	struct pendshare_share args = ask(1, memory, "loopback", COUNT, SLOT);
	int fd = device();

	args.frame_count = 0;
	CHECK_IS(share_args(fd, args), -EINVAL);
	args.frame_bytes = 0;
	CHECK_IS(share_args(fd, args), -EINVAL); /* none, and loopback speaks them */
	strcpy(args.peer, "echo");
	CHECK_IS(share_args(fd, args), 0);
	CHECK_IS(release_share(fd, 1), 0);
	args.frame_count = COUNT;
	args.frame_bytes = SLOT;
	CHECK_IS(share_args(fd, args), -EINVAL); /* echo does not */
	strcpy(args.peer, "");
	CHECK_IS(share_args(fd, args), -EINVAL);
	args = ask(1, memory, "loopback", COUNT, SLOT);
	args.access = PENDSHARE_ACCESS_WRITE;
	CHECK_IS(share_args(fd, args), -EINVAL);
	args = ask(1, memory, "loopback", COUNT, SLOT);
	args.length -= PAGE;
	CHECK_IS(share_args(fd, args), -EINVAL);
	args = ask(1, memory, "loopback", COUNT, SLOT);
	args.frame_bytes -= 8;
	CHECK_IS(share_args(fd, args), -EINVAL);
	args.frame_bytes = 0xfffff000u & ~(__u32)(PAGE - 1);
	CHECK_IS(share_args(fd, args), -EINVAL);
	args = ask(1, memory, "loopback", COUNT, SLOT);
	args.frame_count = 0xffffffffu;
	CHECK_IS(share_args(fd, args), -EINVAL);
	args = ask(1, memory, "capture", COUNT, SLOT);
	args.options_size = sizeof(struct pendshare_capture_options);
	((struct pendshare_capture_options *)args.options)->bytes = SLOT + 4;
	CHECK_IS(share_args(fd, args), -EINVAL);
	close(fd);
	munmap(memory, length_of(COUNT, SLOT));
	check_nothing_left();
}

TEST(first_version, "SHARE without frames, as its first version was, still lends")
{
	unsigned char *memory = region(PAGE);
	struct pendshare_share args = lend(1, memory, PAGE, "");
	int fd = device();

	args.frame_count = 7; /* beyond its size: not looked at */
	args.size = PENDSHARE_SHARE_SIZE;
	CHECK_IS(share_args(fd, args), 0);
	CHECK_IS(release_share(fd, 1), 0);
	args.size = PENDSHARE_SHARE_SIZE - 1;
	CHECK_IS(share_args(fd, args), -EINVAL);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

static void *scribble(void *context)
{
	struct pendshare_frames_owner *frames = context;
	__u32 *header = (void *)frames->shared;
	__u32 words = (__u32)(((char *)frames->slots - (char *)header) / 4);
	unsigned int seed = 1;

	while (pendshare_load_relaxed(&frames->count)) {
		__u32 value = (__u32)rand_r(&seed);

		pendshare_store_relaxed(&header[(__u32)rand_r(&seed) % words],
					(value & 3u) ? value % 8u : value);
	}
	return NULL;
}

TEST(scribbler, "an owner who scribbles over header and queues meanwhile gets an end, and nobody else anything")
{
	unsigned char *memory = region(length_of(COUNT, SLOT) + PAGE);
	const char *peers[] = { "capture", "loopback" };

	for (int round = 0; round < 40; round++) {
		struct pendshare_frames_owner frames;
		struct thread thread;
		int fd = device();

		memset(memory + length_of(COUNT, SLOT), 0xab, PAGE);
		CHECK_IS(share_args(fd, ask(1, memory, peers[round % 2], COUNT, PAGE)), 0);
		NEED(pendshare_frames_owner_init(&frames, memory, length_of(COUNT, PAGE)) ==
		     PENDSHARE_FRAMES_OK);
		thread_start(&thread, scribble, &frames);
		for (int i = 0; i < 200; i++)
			(void)notify(fd, 1);
		(void)release_share(fd, 1);
		pendshare_store_relaxed(&frames.count, 0);
		thread_join(&thread);
		for (__u64 at = 0; at < PAGE; at++)
			NEED(memory[length_of(COUNT, SLOT) + at] == 0xab);
		close(fd);
	}
	munmap(memory, length_of(COUNT, SLOT) + PAGE);
	check_nothing_left();
}

TEST(shown, "fdinfo shows the frames, and in whose hands they are")
{
	struct pendshare_capture_options options = { .period_ns = 1000000, .bytes = 64 };
	unsigned char *memory = region(length_of(COUNT, SLOT));
	struct pendshare_frames_shared *shared = (void *)memory;
	char path[64], text[4096];
	int fd = device();
	FILE *file;
	size_t size;

	CHECK_IS(capture(fd, 1, memory, options), 0);
	while (!pendshare_load_relaxed(&shared->overruns))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	NEED(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = 0;
	fclose(file);
	CHECK(strstr(text, " frames 4 user 4 overruns "));
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	munmap(memory, length_of(COUNT, SLOT));
	check_nothing_left();
}

MAIN
