/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Frames: whole buffers in one share, passed between the kernel and the owner in any order, without a
 * copy and without a lock. The same source serves the kernel and user space, as C11 and C++17.
 *
 * Layout, offsets in bytes from the start of the share, which is page-aligned:
 *
 *     0  magic, version, count, entries, bytes, data, playback	written once, by format
 *    64  to_user: position, overruns, missed			written by the kernel
 *   128  to_kernel: position, taken				written by the owner
 *   192  user_wake: the owner sleeps, ring it			set by the owner, cleared by the kernel
 *   256  kernel_wake: the kernel sleeps, notify it		set by the kernel, cleared by the owner
 *   512  the queue to the owner, entries * 32 bytes
 *        the queue to the kernel, as long
 *  data  the slots, count * bytes; both are whole pages
 *
 * Every slot is in exactly one hand, the kernel's or the owner's, and changes hands by an entry in a
 * queue: whoever writes it has the slot no longer, whoever reads it has it from then on. Capture and
 * playback are one structure: for capture all slots lie in the queue to the kernel at first, for
 * playback in the one to the owner, EMPTY. As no queue ever holds more than all slots and both have
 * room for these, nothing overflows, and neither side needs to know how far the other has read.
 *
 * Positions count entries and run freely: an entry lies at position & (entries - 1).
 *
 * The kernel keeps for itself which slots it has and which it knows to lie in its queue. An entry with
 * a slot that the owner does not have, of a frame longer than a slot, or more entries than slots
 * are CORRUPT. The header and what lies in a queue are read once and checked, never believed.
 *
 * No lost wake-up, in both directions: whoever gives publishes its position, then a full barrier, then
 * reads the other's wake; whoever takes sets its wake, then a full barrier, then reads the position
 * again before it sleeps. Whichever order the two barriers fall in, one sees the other. Wake is cleared
 * before the bell is rung, so whatever was cleared gets a ring that comes later.
 *
 * docs/frames.md argues all this, and says what each side can do to the other.
 */
#ifndef PENDSHARE_FRAMES_H
#define PENDSHARE_FRAMES_H

#include "atomic.h"

#define PENDSHARE_FRAMES_MAGIC 0x31465350u /* "PSF1" */
#define PENDSHARE_FRAMES_VERSION 1u
#define PENDSHARE_FRAMES_MAX_COUNT 4096u
#define PENDSHARE_FRAMES_MAX_BYTES 0x40000000u /* of a slot */
#define PENDSHARE_FRAMES_QUEUES 512u

/* Flags of a frame. Bits 16 to 31 are the peer's, or the owner's, who gives it. */
#define PENDSHARE_FRAME_EMPTY 1u /* a slot without content: given back, or to be filled */
#define PENDSHARE_FRAME_OWN_FLAGS 0xffff0000u

struct pendshare_frame {
	__u32 slot;
	__u32 bytes;		    /* of content, from the start of the slot */
	PENDSHARE_U64 sequence;	    /* to the owner: a gap where frames were overrun or missed */
	PENDSHARE_U64 timestamp_ns; /* monotonic; to the kernel: the owner's, to the peer */
	__u32 flags;
	__u32 reserved;
};

/* As it lies in a queue: its words are read and written one by one, each once. */
union pendshare_frame_entry {
	struct pendshare_frame frame;
	__u32 words[8];
};

struct pendshare_frames_shared {
	__u32 magic;
	__u32 version;
	__u32 count;
	__u32 entries;
	__u32 bytes;
	__u32 data;
	__u32 playback;
	__u32 reserved0[9];
	__u32 to_user;
	__u32 overruns;
	__u32 missed;
	__u32 reserved1[13];
	__u32 to_kernel;
	__u32 taken; /* how far the owner has read, for the next one who reads */
	__u32 reserved2[14];
	__u32 user_wake;
	__u32 reserved3[15];
	__u32 kernel_wake;
	__u32 reserved4[63];
};

/* The kernel's private side. One context at a time. */
struct pendshare_frames {
	struct pendshare_frames_shared *shared;
	union pendshare_frame_entry *to_user;
	union pendshare_frame_entry *to_kernel;
	__u8 *slots;
	__u32 count;
	__u32 mask; /* entries - 1 */
	__u32 bytes;
	__u32 data;
	__u32 given;	/* position up to which entries to the owner are written */
	__u32 seen;	/* position up to which entries to the kernel were checked */
	__u32 taken;	/* position up to which they were taken */
	__u32 has;	/* slots that were taken and not given */
	__u32 overruns;
	__u32 missed;
	__u64 sequence; /* of the next frame */
	__u32 queued[PENDSHARE_FRAMES_MAX_COUNT / 32u]; /* checked, not taken */
	__u32 mine[PENDSHARE_FRAMES_MAX_COUNT / 32u];	/* taken, not given */
};

/* The owner's private side. One thread at a time. */
struct pendshare_frames_owner {
	struct pendshare_frames_shared *shared;
	const union pendshare_frame_entry *to_user;
	union pendshare_frame_entry *to_kernel;
	__u8 *slots;
	__u32 count;
	__u32 mask;
	__u32 bytes;
	__u32 taken;
	__u32 given;
	__u32 mine[PENDSHARE_FRAMES_MAX_COUNT / 32u];
};

enum pendshare_frames_result {
	PENDSHARE_FRAMES_OK = 0,
	PENDSHARE_FRAMES_NONE = 1,    /* no slot lies there */
	PENDSHARE_FRAMES_CORRUPT = 2, /* the other side wrote nonsense; the frames are unusable */
	PENDSHARE_FRAMES_NOT_OURS = 3, /* a mistake of the caller's: it has no such slot, or a shorter one */
};

static inline __u32 pendshare_frames_entries(__u32 count)
{
	__u32 entries = 1u;

	while (entries < count)
		entries <<= 1;
	return entries;
}

/* Offset of the first slot, where page is a power of two. */
static inline __u32 pendshare_frames_data(__u32 count, __u32 page)
{
	__u32 queues = 2u * pendshare_frames_entries(count) * (__u32)sizeof(union pendshare_frame_entry);

	return (PENDSHARE_FRAMES_QUEUES + queues + page - 1u) & ~(page - 1u);
}

/* Whether there can be count slots of so many bytes, and whether they fit length bytes of memory. */
static inline int pendshare_frames_fit(__u32 count, __u32 bytes, __u32 page, __u64 length)
{
	return count && count <= PENDSHARE_FRAMES_MAX_COUNT && bytes &&
	       bytes <= PENDSHARE_FRAMES_MAX_BYTES && !(bytes & (page - 1u)) &&
	       pendshare_frames_data(count, page) + (__u64)count * bytes <= length;
}

static inline int pendshare_frames_bit(const __u32 *bits, __u32 slot)
{
	return (bits[slot / 32u] >> slot % 32u & 1u) != 0u;
}

static inline void pendshare_frames_flip(__u32 *bits, __u32 slot)
{
	bits[slot / 32u] ^= 1u << slot % 32u;
}

static inline void pendshare_frame_load(struct pendshare_frame *frame,
					const union pendshare_frame_entry *entry)
{
	union pendshare_frame_entry copy;
	__u32 word;

	for (word = 0u; word < 8u; word++)
		copy.words[word] = pendshare_load_relaxed(&entry->words[word]);
	*frame = copy.frame;
}

static inline void pendshare_frame_store(union pendshare_frame_entry *entry,
					 const struct pendshare_frame *frame)
{
	union pendshare_frame_entry copy;
	__u32 word;

	copy.frame = *frame;
	for (word = 0u; word < 8u; word++)
		pendshare_store_relaxed(&entry->words[word], copy.words[word]);
}

/*
 * Lays frames out in memory, which pendshare_frames_fit(), before anyone else knows of them. With
 * playback the owner has all slots at first, else the kernel. The owner counts as asleep until it first
 * looks; the kernel asks to be notified by pendshare_frames_sleep(), or never does.
 */
static inline void pendshare_frames_format(struct pendshare_frames *frames, void *memory,
					   __u32 count, __u32 bytes, __u32 page, int playback)
{
	struct pendshare_frames_shared *shared = (struct pendshare_frames_shared *)memory;
	__u32 entries = pendshare_frames_entries(count);
	struct pendshare_frame frame = {0u, 0u, 0u, 0u, PENDSHARE_FRAME_EMPTY, 0u};
	__u32 word;

	frames->shared = shared;
	frames->to_user =
	    (union pendshare_frame_entry *)((__u8 *)memory + PENDSHARE_FRAMES_QUEUES);
	frames->to_kernel = frames->to_user + entries;
	frames->count = count;
	frames->mask = entries - 1u;
	frames->bytes = bytes;
	frames->data = pendshare_frames_data(count, page);
	frames->slots = (__u8 *)memory + frames->data;
	frames->given = playback ? count : 0u;
	frames->seen = 0u;
	frames->taken = 0u;
	frames->has = 0u;
	frames->overruns = 0u;
	frames->missed = 0u;
	frames->sequence = 0u;
	for (word = 0u; word < PENDSHARE_FRAMES_MAX_COUNT / 32u; word++) {
		frames->queued[word] = 0u;
		frames->mine[word] = 0u;
	}
	for (word = 0u; word < frames->data / sizeof(__u32); word++)
		pendshare_store_relaxed((__u32 *)memory + word, 0u);
	for (frame.slot = 0u; frame.slot < count; frame.slot++)
		pendshare_frame_store((playback ? frames->to_user : frames->to_kernel) + frame.slot,
				      &frame);
	pendshare_store_relaxed(&shared->version, PENDSHARE_FRAMES_VERSION);
	pendshare_store_relaxed(&shared->count, count);
	pendshare_store_relaxed(&shared->entries, entries);
	pendshare_store_relaxed(&shared->bytes, bytes);
	pendshare_store_relaxed(&shared->data, frames->data);
	pendshare_store_relaxed(&shared->playback, playback ? 1u : 0u);
	pendshare_store_relaxed(&shared->to_user, frames->given);
	pendshare_store_relaxed(&shared->to_kernel, playback ? 0u : count);
	pendshare_store_relaxed(&shared->user_wake, 1u);
	pendshare_store_release(&shared->magic, PENDSHARE_FRAMES_MAGIC);
}

static inline __u8 *pendshare_frames_memory(const struct pendshare_frames *frames, __u32 slot)
{
	return frames->slots + (__u64)slot * frames->bytes;
}

/* Of the slot, from the start of the share: what DMA wants to know. */
static inline __u64 pendshare_frames_offset(const struct pendshare_frames *frames, __u32 slot)
{
	return frames->data + (__u64)slot * frames->bytes;
}

/* Slots in the kernel's hand, as far as it has looked. */
static inline __u32 pendshare_frames_kernels(const struct pendshare_frames *frames)
{
	return frames->has + (frames->seen - frames->taken);
}

/*
 * Looks at what the owner has given since. Each of these entries has to be of a slot that the owner
 * has: neither ours, nor in the queue already.
 */
static inline enum pendshare_frames_result pendshare_frames_look(struct pendshare_frames *frames)
{
	__u32 position = pendshare_load_acquire(&frames->shared->to_kernel);

	if (position - frames->taken > frames->count - frames->has ||
	    position - frames->taken < frames->seen - frames->taken)
		return PENDSHARE_FRAMES_CORRUPT;
	for (; frames->seen != position; frames->seen++) {
		__u32 slot = pendshare_load_relaxed(
		    &frames->to_kernel[frames->seen & frames->mask].frame.slot);

		if (slot >= frames->count || pendshare_frames_bit(frames->queued, slot) ||
		    pendshare_frames_bit(frames->mine, slot))
			return PENDSHARE_FRAMES_CORRUPT;
		pendshare_frames_flip(frames->queued, slot);
	}
	return PENDSHARE_FRAMES_OK;
}

/*
 * Takes the slot that the owner gave first: to fill it (capture; what the entry says besides does not
 * matter), or with a frame in it (playback). CORRUPT also where the entry was changed after it was
 * checked. Once CORRUPT, nothing may be taken any more.
 */
static inline enum pendshare_frames_result pendshare_frames_take(struct pendshare_frames *frames,
								 struct pendshare_frame *frame)
{
	enum pendshare_frames_result result;

	if (frames->taken == frames->seen) {
		result = pendshare_frames_look(frames);
		if (result != PENDSHARE_FRAMES_OK)
			return result;
		if (frames->taken == frames->seen)
			return PENDSHARE_FRAMES_NONE;
	}
	pendshare_frame_load(frame, &frames->to_kernel[frames->taken & frames->mask]);
	if (frame->slot >= frames->count || !pendshare_frames_bit(frames->queued, frame->slot) ||
	    frame->bytes > frames->bytes)
		return PENDSHARE_FRAMES_CORRUPT;
	pendshare_frames_flip(frames->queued, frame->slot);
	pendshare_frames_flip(frames->mine, frame->slot);
	frames->taken++;
	frames->has++;
	return PENDSHARE_FRAMES_OK;
}

/*
 * Gives a slot that was taken to the owner, with frame->bytes of content and what else frame says; the
 * sequence is ours, and an EMPTY one has none. The owner sees it when it is published.
 */
static inline enum pendshare_frames_result
pendshare_frames_give(struct pendshare_frames *frames, const struct pendshare_frame *frame)
{
	struct pendshare_frame entry = *frame;

	if (frame->slot >= frames->count || !pendshare_frames_bit(frames->mine, frame->slot) ||
	    frame->bytes > frames->bytes)
		return PENDSHARE_FRAMES_NOT_OURS;
	entry.sequence = frame->flags & PENDSHARE_FRAME_EMPTY ? 0u : frames->sequence++;
	entry.reserved = 0u;
	pendshare_frame_store(&frames->to_user[frames->given & frames->mask], &entry);
	pendshare_frames_flip(frames->mine, frame->slot);
	frames->given++;
	frames->has--;
	return PENDSHARE_FRAMES_OK;
}

/* Gives a slot back without content: what was in it has been played. */
static inline enum pendshare_frames_result pendshare_frames_give_back(struct pendshare_frames *frames,
								      __u32 slot)
{
	struct pendshare_frame frame = {0u, 0u, 0u, 0u, PENDSHARE_FRAME_EMPTY, 0u};

	frame.slot = slot;
	return pendshare_frames_give(frames, &frame);
}

/* The device had a frame, and there was no slot for it. */
static inline void pendshare_frames_overrun(struct pendshare_frames *frames)
{
	frames->sequence++;
	pendshare_store_relaxed(&frames->shared->overruns, ++frames->overruns);
}

/* So many frames were not even attempted, as a timer came too late for them. */
static inline void pendshare_frames_miss(struct pendshare_frames *frames, __u64 ticks)
{
	frames->sequence += ticks;
	frames->missed += (__u32)ticks;
	pendshare_store_relaxed(&frames->shared->missed, frames->missed);
}

/* Publishes all that was given. Returns 1 when the owner sleeps and must be rung. */
static inline int pendshare_frames_publish(struct pendshare_frames *frames)
{
	pendshare_store_release(&frames->shared->to_user, frames->given);
	pendshare_barrier();
	if (!pendshare_load_relaxed(&frames->shared->user_wake))
		return 0;
	pendshare_store_relaxed(&frames->shared->user_wake, 0u);
	return 1;
}

/*
 * Asks to be notified when the owner next gives a slot. Returns 1 when there is none even so: the caller
 * may sleep. 0: something has come, take it.
 */
static inline int pendshare_frames_sleep(struct pendshare_frames *frames)
{
	pendshare_store_relaxed(&frames->shared->kernel_wake, 1u);
	pendshare_barrier();
	return pendshare_load_relaxed(&frames->shared->to_kernel) == frames->seen &&
	       frames->seen == frames->taken;
}

/* Goes on where the last one left off; slots that it still had are nobody's any more. */
static inline enum pendshare_frames_result
pendshare_frames_owner_init(struct pendshare_frames_owner *frames, void *memory, __u64 length)
{
	struct pendshare_frames_shared *shared = (struct pendshare_frames_shared *)memory;
	__u32 data;
	__u32 word;

	if (length < sizeof(*shared) ||
	    pendshare_load_acquire(&shared->magic) != PENDSHARE_FRAMES_MAGIC ||
	    pendshare_load_relaxed(&shared->version) != PENDSHARE_FRAMES_VERSION)
		return PENDSHARE_FRAMES_CORRUPT;
	frames->shared = shared;
	frames->count = pendshare_load_relaxed(&shared->count);
	frames->bytes = pendshare_load_relaxed(&shared->bytes);
	data = pendshare_load_relaxed(&shared->data);
	if (!frames->count || frames->count > PENDSHARE_FRAMES_MAX_COUNT || !frames->bytes ||
	    data < pendshare_frames_data(frames->count, 8u) ||
	    data + (__u64)frames->count * frames->bytes > length)
		return PENDSHARE_FRAMES_CORRUPT;
	frames->mask = pendshare_frames_entries(frames->count) - 1u;
	frames->to_kernel =
	    (union pendshare_frame_entry *)((__u8 *)memory + PENDSHARE_FRAMES_QUEUES);
	frames->to_user = frames->to_kernel;
	frames->to_kernel += frames->mask + 1u;
	frames->slots = (__u8 *)memory + data;
	frames->taken = pendshare_load_relaxed(&shared->taken);
	frames->given = pendshare_load_relaxed(&shared->to_kernel);
	for (word = 0u; word < PENDSHARE_FRAMES_MAX_COUNT / 32u; word++)
		frames->mine[word] = 0u;
	return PENDSHARE_FRAMES_OK;
}

static inline __u8 *pendshare_frames_owner_memory(const struct pendshare_frames_owner *frames,
						  __u32 slot)
{
	return frames->slots + (__u64)slot * frames->bytes;
}

/* Takes the frame, or the EMPTY slot, that the kernel gave first. */
static inline enum pendshare_frames_result
pendshare_frames_owner_take(struct pendshare_frames_owner *frames, struct pendshare_frame *frame)
{
	__u32 waiting = pendshare_load_acquire(&frames->shared->to_user) - frames->taken;

	if (!waiting)
		return PENDSHARE_FRAMES_NONE;
	if (waiting > frames->count)
		return PENDSHARE_FRAMES_CORRUPT;
	pendshare_frame_load(frame, &frames->to_user[frames->taken & frames->mask]);
	if (frame->slot >= frames->count || pendshare_frames_bit(frames->mine, frame->slot) ||
	    frame->bytes > frames->bytes)
		return PENDSHARE_FRAMES_CORRUPT;
	pendshare_frames_flip(frames->mine, frame->slot);
	pendshare_store_relaxed(&frames->shared->taken, ++frames->taken);
	return PENDSHARE_FRAMES_OK;
}

/* Gives a slot that was taken to the kernel, seen at once: empty (capture), or with content. */
static inline enum pendshare_frames_result
pendshare_frames_owner_give(struct pendshare_frames_owner *frames,
			    const struct pendshare_frame *frame)
{
	if (frame->slot >= frames->count || !pendshare_frames_bit(frames->mine, frame->slot) ||
	    frame->bytes > frames->bytes)
		return PENDSHARE_FRAMES_NOT_OURS;
	pendshare_frame_store(&frames->to_kernel[frames->given & frames->mask], frame);
	pendshare_frames_flip(frames->mine, frame->slot);
	pendshare_store_release(&frames->shared->to_kernel, ++frames->given);
	return PENDSHARE_FRAMES_OK;
}

/* After giving: returns 1 when the kernel sleeps and must be notified. */
static inline int pendshare_frames_owner_wakes(struct pendshare_frames_owner *frames)
{
	pendshare_barrier();
	if (!pendshare_load_relaxed(&frames->shared->kernel_wake))
		return 0;
	pendshare_store_relaxed(&frames->shared->kernel_wake, 0u);
	return 1;
}

/*
 * Asks to be rung when the kernel next gives. Returns 1 when nothing lies there even so: the caller may
 * sleep. 0: something has come, take it; a ring that comes all the same does no harm.
 */
static inline int pendshare_frames_owner_sleep(struct pendshare_frames_owner *frames)
{
	pendshare_store_relaxed(&frames->shared->user_wake, 1u);
	pendshare_barrier();
	return pendshare_load_relaxed(&frames->shared->to_user) == frames->taken;
}

#endif
