// SPDX-License-Identifier: MIT
/*
 * Plays golden/vectors.txt on frames.h and stops at the first step that differs. The same file is
 * played on the TypeScript side, so the two agree on every word of the layout. What the owner does
 * with slots without content is what packages/core/src/frames does with them.
 */
#include "../shared/golden.h"
#include "stream.h"

struct player {
	struct shape shape;
	__u8 *memory;
	struct pendshare_frames kernel;
	struct pendshare_frames_owner owner;
	/* Slots to acquire: the last that came first. */
	__u32 pool[PENDSHARE_FRAMES_MAX_COUNT];
	__u32 pooled;
};

static const char *result_of(enum pendshare_frames_result result)
{
	return (const char *[]){"ok", "none", "corrupt", "not-ours"}[result];
}

static enum pendshare_frames_result open_frames(struct player *player)
{
	player->pooled = 0;
	return pendshare_frames_owner_init(&player->owner, player->memory,
					   shape_length(&player->shape));
}

static void play_frames(struct player *player)
{
	player->shape.count = number();
	player->shape.bytes = number();
	player->shape.page = number();
	player->shape.playback = !strcmp(word(), "playback");
	player->shape.start = number();
	free(player->memory);
	player->memory = shape_memory(&player->shape);
	shape_format(&player->shape, &player->kernel, player->memory);
	equal("open", PENDSHARE_FRAMES_OK, open_frames(player));
}

/* Returns whether the kernel must be notified. */
static int give(struct player *player, const struct pendshare_frame *frame)
{
	equal("give", PENDSHARE_FRAMES_OK, pendshare_frames_owner_give(&player->owner, frame));
	return pendshare_frames_owner_wakes(&player->owner);
}

static int release(struct player *player, __u32 slot)
{
	struct pendshare_frame frame = {.slot = slot, .flags = PENDSHARE_FRAME_EMPTY};

	if (!player->shape.playback)
		return give(player, &frame);
	player->pool[player->pooled++] = slot;
	return 0;
}

static void play_take(struct player *player)
{
	struct pendshare_frame frame;
	enum pendshare_frames_result result;
	char got[128];

	while ((result = pendshare_frames_owner_take(&player->owner, &frame)) ==
	       PENDSHARE_FRAMES_OK) {
		if (!(frame.flags & PENDSHARE_FRAME_EMPTY))
			break;
		release(player, frame.slot);
	}
	if (result != PENDSHARE_FRAMES_OK) {
		same("take", result_of(result));
		return;
	}
	snprintf(got, sizeof(got), "%u:%u:%llu:%llu:%u", frame.slot, frame.bytes,
		 (unsigned long long)frame.sequence, (unsigned long long)frame.timestamp_ns,
		 frame.flags & PENDSHARE_FRAME_OWN_FLAGS);
	same("take", got);
}

/* Whether the next entry, if there is one, is of a slot without content: a frame with content
 * stays. */
static int next_is_empty(const struct pendshare_frames_owner *frames)
{
	return frames->to_user[frames->taken & frames->mask].frame.flags & PENDSHARE_FRAME_EMPTY;
}

static void play_acquire(struct player *player)
{
	enum pendshare_frames_result result = PENDSHARE_FRAMES_NONE;
	struct pendshare_frame frame;
	char got[16];

	if (!player->pooled && next_is_empty(&player->owner)) {
		result = pendshare_frames_owner_take(&player->owner, &frame);
		if (result == PENDSHARE_FRAMES_OK)
			release(player, frame.slot);
	}
	if (!player->pooled) {
		same("acquire", result_of(result));
		return;
	}
	snprintf(got, sizeof(got), "%u", player->pool[--player->pooled]);
	same("acquire", got);
}

static struct pendshare_frame frame_in_line(void)
{
	struct pendshare_frame frame = {.slot = number()};

	frame.bytes = number();
	frame.timestamp_ns = wide_number();
	frame.flags = number();
	return frame;
}

static void play_submit(struct player *player)
{
	struct pendshare_frame frame = frame_in_line();

	equal("submit", number(), (__u32)give(player, &frame));
}

static void play_release(struct player *player)
{
	__u32 slot = number();

	equal("release", number(), (__u32)release(player, slot));
}

static void play_kernel_take(struct player *player)
{
	struct pendshare_frame frame;
	enum pendshare_frames_result result = pendshare_frames_take(&player->kernel, &frame);
	char got[96];

	if (result != PENDSHARE_FRAMES_OK) {
		same("kernel-take", result_of(result));
		return;
	}
	snprintf(got, sizeof(got), "%u:%u:%llu:%u", frame.slot, frame.bytes,
		 (unsigned long long)frame.timestamp_ns, frame.flags);
	same("kernel-take", got);
}

static void play_kernel_give(struct player *player)
{
	struct pendshare_frame frame = frame_in_line();

	same("kernel-give", result_of(pendshare_frames_give(&player->kernel, &frame)));
}

static void play_kernel_back(struct player *player)
{
	__u32 slot = number();

	same("kernel-back", result_of(pendshare_frames_give_back(&player->kernel, slot)));
}

static void play_data(void)
{
	__u32 count = number();
	__u32 page = number();

	equal("data", number(), pendshare_frames_data(count, page));
}

static void play_length(void)
{
	struct shape shape = {.count = number()};
	__u64 length;

	shape.bytes = number();
	shape.page = number();
	length = wide_number();
	equal("length", 1u, shape_length(&shape) == length);
	equal("fit", 1u, (__u32)pendshare_frames_fit(shape.count, shape.bytes, shape.page, length));
	equal("fit one byte less", 0u,
	      (__u32)pendshare_frames_fit(shape.count, shape.bytes, shape.page, length - 1u));
}

static __u32 *words_of(struct player *player, const char *where)
{
	if (!strcmp(where, "header"))
		return (__u32 *)player->memory;
	if (!strcmp(where, "to-user"))
		return (__u32 *)player->kernel.to_user;
	if (!strcmp(where, "to-kernel"))
		return (__u32 *)player->kernel.to_kernel;
	fprintf(stderr, "golden: line %u: unknown step %s\n", golden.line, where);
	exit(1);
}

static void play_set(struct player *player)
{
	__u32 *words = words_of(player, word());
	__u32 at = number();

	words[at] = number();
}

static int play_owner(struct player *player, const char *step)
{
	if (!strcmp(step, "open"))
		same("open", result_of(open_frames(player)));
	else if (!strcmp(step, "take"))
		play_take(player);
	else if (!strcmp(step, "acquire"))
		play_acquire(player);
	else if (!strcmp(step, "submit"))
		play_submit(player);
	else if (!strcmp(step, "release"))
		play_release(player);
	else if (!strcmp(step, "sleep"))
		equal("sleep", 1u, (__u32)pendshare_frames_owner_sleep(&player->owner));
	else
		return 0;
	return 1;
}

static int play_kernel(struct player *player, const char *step)
{
	if (!strcmp(step, "kernel-take"))
		play_kernel_take(player);
	else if (!strcmp(step, "kernel-give"))
		play_kernel_give(player);
	else if (!strcmp(step, "kernel-back"))
		play_kernel_back(player);
	else if (!strcmp(step, "kernel-sleep"))
		equal(step, number(), (__u32)pendshare_frames_sleep(&player->kernel));
	else if (!strcmp(step, "kernels"))
		equal(step, number(), pendshare_frames_kernels(&player->kernel));
	else if (!strcmp(step, "publish"))
		equal(step, number(), (__u32)pendshare_frames_publish(&player->kernel));
	else if (!strcmp(step, "overrun"))
		pendshare_frames_overrun(&player->kernel);
	else if (!strcmp(step, "miss"))
		pendshare_frames_miss(&player->kernel, wide_number());
	else
		return 0;
	return 1;
}

static void play(void *argument, const char *step)
{
	struct player *player = argument;

	if (!strcmp(step, "frames")) {
		play_frames(player);
	} else if (!strcmp(step, "entries")) {
		__u32 count = number();

		equal(step, number(), pendshare_frames_entries(count));
	} else if (!strcmp(step, "data")) {
		play_data();
	} else if (!strcmp(step, "length")) {
		play_length();
	} else if (!strcmp(step, "set")) {
		play_set(player);
	} else if (!play_owner(player, step) && !play_kernel(player, step)) {
		__u32 *words = words_of(player, step);

		equal_words(step, words + number());
	}
}

int main(int argc, char **argv)
{
	static struct player player;
	int failed = golden_play(argc, argv, play, &player);

	free(player.memory);
	return failed;
}
