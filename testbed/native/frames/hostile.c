// SPDX-License-Identifier: MIT
/*
 * A hostile owner against the kernel's side of frames, and a hostile kernel against the owner's.
 * Header and queues hold whatever the input says, before every call anew. Whatever they hold, a
 * side writes only its own words of the header and the next entry of its own queue, reads nothing
 * outside of them, and never has a slot twice, or two states for one.
 *
 * The memory is exactly as large as the frames, and what a side keeps for itself an allocation of
 * its own, so that AddressSanitizer sees a byte too far of either. With libFuzzer this is a target;
 * with -DSTANDALONE it makes its own inputs from a seed and then lets a thread scribble over frames
 * in use.
 */
#include <sched.h>
#include "../shared/hostile.h"
#include "stream.h"

/* Words of the header. */
#define TO_USER 16u
#define OVERRUNS 17u
#define MISSED 18u
#define TO_KERNEL 32u
#define TAKEN 33u
#define USER_WAKE 48u
#define KERNEL_WAKE 64u

struct arena {
	struct shape shape;
	size_t length;
	__u8 *memory;
	__u8 *before;
	struct pendshare_frames *kernel;
	struct pendshare_frames_owner *owner;
};

static void *exactly(size_t bytes)
{
	void *memory = malloc(bytes);

	if (!memory)
		abort();
	return memory;
}

static void arena_init(struct arena *arena, const struct shape *shape)
{
	arena->shape = *shape;
	arena->length = shape_length(shape);
	arena->memory = shape_memory(shape);
	arena->before = exactly(arena->length);
	arena->kernel = exactly(sizeof(*arena->kernel));
	arena->owner = exactly(sizeof(*arena->owner));
	shape_format(shape, arena->kernel, arena->memory);
}

static void arena_free(struct arena *arena)
{
	free(arena->memory);
	free(arena->before);
	free(arena->kernel);
	free(arena->owner);
}

static struct shape shape_from(struct input *input)
{
	static const __u32 counts[] = {1u, 2u, 3u, 5u, 8u, 31u, 32u, 33u};
	struct shape shape = {.page = 8u};
	__u32 choice = take(input, 1);

	shape.count = counts[choice & 7u];
	shape.bytes = 8u << (choice >> 3 & 3u);
	shape.playback = choice >> 5 & 1u;
	shape.start = choice & 64u ? 0u - 64u : 0u;
	return shape;
}

static __u32 *word_at(const struct arena *arena, __u32 word)
{
	return (__u32 *)arena->memory + word;
}

/* A slot that is mostly one. */
static __u32 slot_from(const struct arena *arena, struct input *input)
{
	__u32 choice = take(input, 1);

	return choice < 248u ? choice % arena->shape.count : take(input, 4);
}

static __u32 bytes_from(const struct arena *arena, struct input *input)
{
	__u32 choice = take(input, 1);

	return choice < 248u ? choice % (arena->shape.bytes + 2u) : take(input, 4);
}

/* A position that is sometimes right, often nearly so, and else anything. */
static __u32 position(const struct arena *arena, struct input *input, __u32 near)
{
	__u32 choice = take(input, 1);

	switch (choice & 3u) {
	case 0:
		return take(input, 4);
	case 1:
		return near + (choice >> 2) % (arena->shape.count + 2u);
	case 2:
		return near + 1u;
	default:
		return near - (choice >> 6);
	}
}

/* As a correct other side would do, if the slot is its own. */
static void append(const struct arena *arena, struct input *input,
		   union pendshare_frame_entry *queue, __u32 *position)
{
	union pendshare_frame_entry *entry = &queue[*position & arena->kernel->mask];

	entry->frame.slot = slot_from(arena, input);
	entry->frame.bytes = bytes_from(arena, input);
	entry->frame.flags = take(input, 1);
	++*position;
}

/* One write of the side whose position and queue these are, or of one that writes everywhere. */
static void scribble(const struct arena *arena, struct input *input,
		     union pendshare_frame_entry *queue, __u32 *own)
{
	__u32 choice = take(input, 1);
	__u32 words = (__u32)pendshare_frames_data(arena->shape.count, 8u) / 4u;

	switch (choice & 7u) {
	case 0:
		*word_at(arena, take(input, 2) % words) = take(input, 4);
		break;
	case 1:
		*own = position(arena, input, *own);
		break;
	case 2:
		*word_at(arena, choice & 8u ? USER_WAKE : KERNEL_WAKE) = choice >> 4;
		break;
	case 3:
		((__u32 *)queue)[take(input, 1) % (8u * (arena->kernel->mask + 1u))] =
		    slot_from(arena, input);
		break;
	default:
		append(arena, input, queue, own);
	}
}

static void remember(const struct arena *arena)
{
	memcpy(arena->before, arena->memory, arena->length);
}

/* Nothing was written since but these words, and this entry. */
static void check_writes(const struct arena *arena, const __u32 *words, __u32 count,
			 const union pendshare_frame_entry *entry)
{
	while (count--) {
		memcpy(arena->before + *words * 4u, arena->memory + *words * 4u, 4);
		words++;
	}
	memcpy(arena->before + ((const __u8 *)entry - arena->memory), entry, sizeof(*entry));
	expect(!memcmp(arena->before, arena->memory, arena->length), "a write to what is not ours");
}

static __u32 bits_in(const __u32 *bits, __u32 count)
{
	__u32 word, sum = 0;

	for (word = 0; word < PENDSHARE_FRAMES_MAX_COUNT / 32u; word++) {
		__u32 slots = count < word * 32u ? 0u : count - word * 32u;

		expect(slots >= 32u || !(bits[word] >> slots), "a slot that is none");
		sum += (__u32)__builtin_popcount(bits[word]);
	}
	return sum;
}

/* Every slot is in one state, and they add up. */
static void check_kernel(const struct pendshare_frames *frames)
{
	__u32 word;

	for (word = 0; word < PENDSHARE_FRAMES_MAX_COUNT / 32u; word++)
		expect(!(frames->mine[word] & frames->queued[word]), "a slot in two states");
	expect(bits_in(frames->mine, frames->count) == frames->has, "slots taken");
	expect(bits_in(frames->queued, frames->count) == frames->seen - frames->taken,
	       "slots queued");
	expect(pendshare_frames_kernels(frames) <= frames->count, "more slots than there are");
}

static void kernel_takes(const struct arena *arena)
{
	struct pendshare_frames *frames = arena->kernel;
	__u32 mine[PENDSHARE_FRAMES_MAX_COUNT / 32u];
	struct pendshare_frame frame;

	memcpy(mine, frames->mine, sizeof(mine));
	if (pendshare_frames_take(frames, &frame) != PENDSHARE_FRAMES_OK) {
		expect(!memcmp(mine, frames->mine, sizeof(mine)), "taken in spite of all");
		return;
	}
	expect(frame.slot < frames->count && frame.bytes <= frames->bytes, "nonsense was taken");
	expect(!pendshare_frames_bit(mine, frame.slot), "a slot was taken twice");
	memset(pendshare_frames_memory(frames, frame.slot), 0xa5, frames->bytes);
	remember(arena);
}

static void kernel_gives(const struct arena *arena, struct input *input)
{
	struct pendshare_frames *frames = arena->kernel;
	struct pendshare_frame frame = {.slot = slot_from(arena, input)};
	int valid;

	frame.bytes = bytes_from(arena, input);
	frame.flags = take(input, 1);
	valid = frame.slot < frames->count && pendshare_frames_bit(frames->mine, frame.slot) &&
		frame.bytes <= frames->bytes;
	expect(pendshare_frames_give(frames, &frame) ==
		   (valid ? PENDSHARE_FRAMES_OK : PENDSHARE_FRAMES_NOT_OURS),
	       "given what is not the kernel's, or not given what is");
}

static void kernel_calls(const struct arena *arena, struct input *input)
{
	static const __u32 own[] = {TO_USER, OVERRUNS, MISSED, USER_WAKE, KERNEL_WAKE};
	struct pendshare_frames *frames = arena->kernel;
	const union pendshare_frame_entry *entry = &frames->to_user[frames->given & frames->mask];
	__u32 choice = take(input, 1);

	remember(arena);
	switch (choice & 7u) {
	case 0:
		pendshare_frames_overrun(frames);
		pendshare_frames_miss(frames, choice >> 3);
		break;
	case 1:
		pendshare_frames_publish(frames);
		break;
	case 2:
		pendshare_frames_sleep(frames);
		break;
	case 3:
	case 4:
		kernel_gives(arena, input);
		break;
	default:
		kernel_takes(arena);
	}
	check_kernel(frames);
	check_writes(arena, own, 5u, entry);
}

static void against_kernel(struct input *input)
{
	struct shape shape = shape_from(input);
	struct arena arena;
	__u32 steps;

	arena_init(&arena, &shape);
	while (input->left) {
		for (steps = take(input, 1) & 3u; steps; steps--)
			scribble(&arena, input, arena.kernel->to_kernel,
				 word_at(&arena, TO_KERNEL));
		kernel_calls(&arena, input);
	}
	arena_free(&arena);
}

static void owner_takes(const struct arena *arena)
{
	struct pendshare_frames_owner *frames = arena->owner;
	__u32 mine[PENDSHARE_FRAMES_MAX_COUNT / 32u];
	struct pendshare_frame frame;

	memcpy(mine, frames->mine, sizeof(mine));
	if (pendshare_frames_owner_take(frames, &frame) != PENDSHARE_FRAMES_OK) {
		expect(!memcmp(mine, frames->mine, sizeof(mine)), "taken in spite of all");
		return;
	}
	expect(frame.slot < frames->count && frame.bytes <= frames->bytes, "nonsense was taken");
	expect(!pendshare_frames_bit(mine, frame.slot), "a slot was taken twice");
}

/* Where the slots are small enough for memory, they lie in it. */
static void owner_writes(const struct arena *arena)
{
	struct pendshare_frames_owner *frames = arena->owner;
	__u32 slot;

	for (slot = 0; slot < frames->count; slot++)
		if (pendshare_frames_bit(frames->mine, slot))
			memset(pendshare_frames_owner_memory(frames, slot), 0x5a, frames->bytes);
}

static void owner_gives(const struct arena *arena, struct input *input)
{
	struct pendshare_frames_owner *frames = arena->owner;
	struct pendshare_frame frame = {.slot = slot_from(arena, input)};
	int valid;

	frame.bytes = bytes_from(arena, input);
	valid = frame.slot < frames->count && pendshare_frames_bit(frames->mine, frame.slot) &&
		frame.bytes <= frames->bytes;
	expect(pendshare_frames_owner_give(frames, &frame) ==
		   (valid ? PENDSHARE_FRAMES_OK : PENDSHARE_FRAMES_NOT_OURS),
	       "given what is not the owner's, or not given what is");
}

static void owner_calls(const struct arena *arena, struct input *input)
{
	static const __u32 own[] = {TO_KERNEL, TAKEN, USER_WAKE, KERNEL_WAKE};
	struct pendshare_frames_owner *frames = arena->owner;
	const union pendshare_frame_entry *entry = &frames->to_kernel[frames->given & frames->mask];

	owner_writes(arena);
	remember(arena);
	switch (take(input, 1) & 7u) {
	case 0:
		pendshare_frames_owner_sleep(frames);
		break;
	case 1:
		pendshare_frames_owner_wakes(frames);
		break;
	case 2:
	case 3:
		owner_gives(arena, input);
		break;
	default:
		owner_takes(arena);
	}
	expect(bits_in(frames->mine, frames->count) <= frames->count, "more slots than there are");
	check_writes(arena, own, 4u, entry);
}

/* The owner's memory is cut short, now and then to less than a header. */
static void cut(struct arena *arena, struct input *input)
{
	size_t length = take(input, 2) % (arena->length + 1u);
	__u8 *memory = exactly(length);

	memcpy(memory, arena->memory, length);
	free(arena->memory);
	arena->memory = memory;
	arena->length = length;
}

static void against_owner(struct input *input)
{
	struct shape shape = shape_from(input);
	struct arena arena;
	__u32 choice = take(input, 1);
	__u32 steps;

	arena_init(&arena, &shape);
	for (steps = choice & 3u; steps; steps--)
		*word_at(&arena, take(input, 1) % 8u) = take(input, 4);
	for (steps = choice >> 2 & 3u; steps; steps--)
		*word_at(&arena, take(input, 1) % 8u) = take(input, 1);
	if (choice >> 4 == 15u)
		cut(&arena, input);
	if (pendshare_frames_owner_init(arena.owner, arena.memory, arena.length) ==
	    PENDSHARE_FRAMES_OK) {
		while (input->left) {
			for (steps = take(input, 1) & 3u; steps; steps--)
				scribble(&arena, input,
					 (union pendshare_frame_entry *)arena.owner->to_user,
					 word_at(&arena, TO_USER));
			owner_calls(&arena, input);
		}
	}
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size)
{
	struct input input = {bytes, size};

	if (take(&input, 1) & 1u)
		against_kernel(&input);
	else
		against_owner(&input);
	return 0;
}

#ifdef STANDALONE

#define FIRE_COUNT 16u

static void scribble_frames(__u8 *memory, __u32 random)
{
	__u32 *words = (__u32 *)memory;
	__u32 *position = words + (random & 1u ? TO_USER : TO_KERNEL);
	__u32 queues = PENDSHARE_FRAMES_QUEUES / 4u;

	pendshare_store_relaxed(words + (random & 2u ? USER_WAKE : KERNEL_WAKE), random >> 31);
	pendshare_store_relaxed(words + queues + (random >> 8) % (2u * FIRE_COUNT * 8u),
				random & 4u ? random >> 16 : random >> 16 & (FIRE_COUNT - 1u));
	pendshare_store_relaxed(position, pendshare_load_relaxed(position) +
					      (random & 0xf8u ? random >> 2 & 1u : random));
}

/* One step of both sides. Returns how often one of them refused what it saw. */
static __u32 step(const struct arena *arena, __u32 slot, unsigned long *taken)
{
	struct pendshare_frame frame = {.slot = slot};
	enum pendshare_frames_result kernel, owner;

	pendshare_frames_give(arena->kernel, &frame);
	pendshare_frames_owner_give(arena->owner, &frame);
	pendshare_frames_publish(arena->kernel);
	pendshare_frames_owner_wakes(arena->owner);
	kernel = pendshare_frames_take(arena->kernel, &frame);
	check_kernel(arena->kernel);
	owner = pendshare_frames_owner_take(arena->owner, &frame);
	if (owner == PENDSHARE_FRAMES_OK)
		expect(frame.slot < FIRE_COUNT && frame.bytes <= arena->owner->bytes,
		       "nonsense was taken, under fire");
	owner_writes(arena);
	pendshare_frames_sleep(arena->kernel);
	pendshare_frames_owner_sleep(arena->owner);
	*taken += (kernel == PENDSHARE_FRAMES_OK) + (owner == PENDSHARE_FRAMES_OK);
	return (kernel == PENDSHARE_FRAMES_CORRUPT) + (owner == PENDSHARE_FRAMES_CORRUPT);
}

/*
 * Both sides go on in the same memory while it is scribbled over; each stays within its bounds.
 * After some refusals they begin anew, as nothing has to be taken any more.
 */
static void under_fire(__u32 steps, __u32 seed)
{
	struct shape shape = {.count = FIRE_COUNT, .bytes = 64u, .page = 8u};
	struct scribbler scribbler = {.scribble = scribble_frames, .seed = seed};
	unsigned long taken = 0, refused = 0;
	struct arena arena;
	__u32 tries = 0;

	arena_init(&arena, &shape);
	scribbler.memory = arena.memory;
	scribbler_start(&scribbler);
	while (steps--) {
		if (!tries) {
			shape_format(&shape, arena.kernel, arena.memory);
			if (pendshare_frames_owner_init(arena.owner, arena.memory, arena.length))
				continue;
			tries = 8u;
		}
		/* On a busy machine the other one would hardly run. */
		if (steps % 64u == 0u)
			sched_yield();
		if (step(&arena, stream_mix(seed + steps) % FIRE_COUNT, &taken)) {
			refused++;
			tries--;
		}
	}
	scribbler_stop(&scribbler);
	printf("hostile: under fire %lu slots were taken, and %lu times nonsense was seen\n", taken,
	       refused);
	arena_free(&arena);
}

int main(int argc, char **argv)
{
	struct hostile_run run = hostile_inputs(argc, argv);

	under_fire(run.inputs * 20u, run.seed);
	return 0;
}

#endif
