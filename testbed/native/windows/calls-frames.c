// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Frames: what SHARE refuses, what the built-in peers do with them, and owners who give nonsense. */
#include "calls.h"

#define COUNT 4u
#define SLOT (4u * PAGE_SIZE)
#define PAGES (1u + COUNT * SLOT / PAGE_SIZE)
#define LENGTH (PAGES * (size_t)PAGE_SIZE)

static struct pendshare_share ask(ULONG64 id, const char *peer)
{
	struct pendshare_share share = user_share(id, peer, BOTH);

	share.frame_count = COUNT;
	share.frame_bytes = SLOT;
	return share;
}

/* SHARE with bad frames, each on its own. */

struct bad_frames {
	const char *what;
	void (*spoil)(struct pendshare_share *share);
};

#define SPOIL(name, statement)                                                                     \
	static void name(struct pendshare_share *share)                                            \
	{                                                                                          \
		statement;                                                                         \
	}
SPOIL(no_count, share->frame_count = 0)
SPOIL(no_bytes, share->frame_bytes = 0)
SPOIL(none, (share->frame_count = 0, share->frame_bytes = 0))
SPOIL(for_none, memset(share->peer, 0, sizeof(share->peer)))
SPOIL(for_echo, memcpy(share->peer, "echo\0\0\0", 8))
SPOIL(half_a_page, share->frame_bytes -= 8)
SPOIL(one_too_many, share->frame_count++)
SPOIL(far_too_many, share->frame_count = 0xffffffffu)
SPOIL(far_too_long, share->frame_bytes = 0xfffff000u)
SPOIL(write_only, share->access = PENDSHARE_ACCESS_WRITE)
SPOIL(with_options, share->options_size = 1)
SPOIL(longer_than_slots,
      (memcpy(share->peer, "capture\0", 8),
       user_options(share, &(struct pendshare_capture_options){ .bytes = SLOT + 4 }, 32)))
SPOIL(period_too_short,
      (memcpy(share->peer, "capture\0", 8),
       user_options(share, &(struct pendshare_capture_options){ .period_ns = 60000 }, 32)))

static const struct bad_frames bad_frames[] = {
	{ "slots, but none of them", no_count },
	{ "slots without bytes", no_bytes },
	{ "no frames for a peer that speaks them", none },
	{ "frames without a peer", for_none },
	{ "frames for a peer that does not speak them", for_echo },
	{ "slots that are no whole pages", half_a_page },
	{ "more slots than fit", one_too_many },
	{ "2^32 - 1 slots", far_too_many },
	{ "slots of 4 GiB", far_too_long },
	{ "frames without access to read", write_only },
	{ "options for loopback", with_options },
	{ "frames longer than their slots", longer_than_slots },
	{ "a period below the shortest", period_too_short },
};

static void test_refusals(void)
{
	struct handle *handle = fake_open(0, NULL);
	unsigned char *memory = user_pages(PAGES);
	unsigned int i;

	for (i = 0; i < RTL_NUMBER_OF(bad_frames); i++) {
		struct pendshare_share share = ask(1, "loopback");

		bad_frames[i].spoil(&share);
		expect(ended(user_start(handle, &share, memory, PAGES), NULL),
		       STATUS_INVALID_PARAMETER, bad_frames[i].what);
	}
	fake_close(handle);
	free(memory);
}

/* What is refused last of all, its id, has left no trace either. */
static void test_untouched(void)
{
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = ask(1, "loopback");
	unsigned char *memory = user_pages(PAGES);
	unsigned char *other = user_pages(PAGES);
	struct io *io = user_start(handle, &share, memory, PAGES);
	size_t at = 0;

	memset(other, 0xab, LENGTH);
	expect(ended(user_start(handle, &share, other, PAGES), NULL), STATUS_OBJECT_NAME_COLLISION,
	       "frames with an id that is in use");
	while (at < LENGTH && other[at] == 0xab)
		at++;
	tap(at == LENGTH, "and their memory is as it was");
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE of the first");
	fake_close(handle);
	free(memory);
	free(other);
}

/* A structure of so many bytes that says it has as many. */
static NTSTATUS send_sized(struct handle *handle, struct pendshare_share share, ULONG size,
			   void *memory)
{
	struct {
		struct pendshare_share share;
		ULONG64 tail;
	} sent = { share, 0 };
	struct io *io;

	sent.share.size = size;
	io = fake_start(handle, PENDSHARE_IOC_SHARE, &sent, size, memory, LENGTH);
	fake_settle();
	if (!fake_done(io))
		user_end(handle, PENDSHARE_IOC_RELEASE, share.id);
	return ended(io, NULL);
}

static void test_first_version(void)
{
	const NTSTATUS released = (NTSTATUS)PENDSHARE_STATUS(PENDSHARE_RELEASED, 0, 0);
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, NULL, BOTH);
	unsigned char *memory = user_pages(PAGES);
	struct io *io;

	expect(send_sized(handle, share, PENDSHARE_SHARE_SIZE, memory), released,
	       "SHARE as its first version was");
	expect(send_sized(handle, share, PENDSHARE_SHARE_SIZE - 1, memory),
	       STATUS_INVALID_PARAMETER, "a byte less");
	share.frame_count = 7;
	share.size = PENDSHARE_SHARE_SIZE;
	io = user_start(handle, &share, memory, PAGES);
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect(ended(io, NULL), released, "one whose tail, beyond its size, nobody looks at");
	share.id = 2;
	expect(send_sized(handle, share, PENDSHARE_SHARE_SIZE + 4, memory),
	       STATUS_INVALID_PARAMETER, "slots without their bytes, which it does not have");
	expect(send_sized(handle, ask(3, "loopback"), sizeof(share) + 8, memory), released,
	       "a newer SHARE with frames and a clean tail");
	fake_close(handle);
	free(memory);
}

/* The owner's side. */

/* The next frame: while there is none, time goes on. False: the share has ended. */
static bool next_frame(struct io *io, struct pendshare_frames_owner *frames,
		       struct pendshare_frame *frame)
{
	for (;;) {
		fake_settle();
		switch (pendshare_frames_owner_take(frames, frame)) {
		case PENDSHARE_FRAMES_OK:
			return true;
		case PENDSHARE_FRAMES_NONE:
			if (fake_done(io))
				return false;
			(void)pendshare_frames_owner_sleep(frames);
			fake_advance(FAKE_TICK_NS);
			break;
		default:
			tap(false, "the frames are corrupt");
			return false;
		}
	}
}

static bool give(struct handle *handle, struct pendshare_frames_owner *frames, ULONG slot,
		 ULONG bytes, ULONG flags)
{
	struct pendshare_frame frame = { .slot = slot, .bytes = bytes, .flags = flags };

	return pendshare_frames_owner_give(frames, &frame) == PENDSHARE_FRAMES_OK &&
	       (!pendshare_frames_owner_wakes(frames) || NT_SUCCESS(user_notify(handle, 1)));
}

static bool is_captured(const struct pendshare_frames_owner *frames,
			const struct pendshare_frame *frame)
{
	const __u32 *words = (const void *)pendshare_frames_owner_memory(frames, frame->slot);
	__u32 sum = words[0] + words[1] + words[3];
	__u32 at;

	for (at = 4; at < frame->bytes / 4; at++)
		sum += words[at];
	return words[0] == (__u32)frame->sequence && words[1] == frame->sequence >> 32 &&
	       words[2] == sum && words[3] == frame->bytes;
}

static void test_capture(void)
{
	struct pendshare_capture_options options = { .count = 200 };
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = ask(1, "capture");
	unsigned char *memory = user_pages(PAGES);
	struct pendshare_frames_owner frames;
	struct pendshare_frame held[COUNT];
	unsigned int holding = 0;
	ULONG64 sequence = 0;
	ULONG_PTR bytes = 0;
	bool good = true;
	NTSTATUS status;
	struct io *io;

	user_options(&share, &options, sizeof(options));
	io = user_start(handle, &share, memory, PAGES);
	good &= pendshare_frames_owner_init(&frames, memory, LENGTH) == PENDSHARE_FRAMES_OK;
	while (good && next_frame(io, &frames, &held[holding])) {
		good &= held[holding].sequence == sequence++ && held[holding].bytes == SLOT &&
			is_captured(&frames, &held[holding]);
		if (++holding < COUNT - 1)
			continue;
		/* The one in the middle first, then the newest, then the oldest. */
		good &= give(handle, &frames, held[1].slot, 0, PENDSHARE_FRAME_EMPTY) &&
			give(handle, &frames, held[2].slot, 0, PENDSHARE_FRAME_EMPTY) &&
			give(handle, &frames, held[0].slot, 0, PENDSHARE_FRAME_EMPTY);
		holding = 0;
	}
	tap(good && sequence == 200 && !frames.shared->overruns,
	    "capture fills slots that come back in any order, each whole and numbered: %llu",
	    (unsigned long long)sequence);
	status = ended(io, &bytes);
	tap(PENDSHARE_STATUS_REASON(status) == PENDSHARE_PEER_ENDED && bytes == LENGTH,
	    "and ends by itself: %08x, %zu bytes", (unsigned int)status, (size_t)bytes);
	fake_close(handle);
	free(memory);
}

static void test_overruns(void)
{
	struct pendshare_capture_options options = { .period_ns = 1000000, .bytes = 4096 };
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = ask(1, "capture");
	unsigned char *memory = user_pages(PAGES);
	struct pendshare_frames_owner frames;
	struct pendshare_frame frame;
	unsigned int seen;
	struct io *io;

	/* A timer fires on whole milliseconds. */
	fake_advance(1000000 - fake_clock() % 1000000);
	user_options(&share, &options, sizeof(options));
	io = user_start(handle, &share, memory, PAGES);
	pendshare_frames_owner_init(&frames, memory, LENGTH);
	for (seen = 0; seen < COUNT + 2; seen++) {
		fake_advance(1000000);
		fake_settle();
	}
	fake_advance(5000000);
	fake_settle();
	tap(frames.shared->to_user == COUNT && frames.shared->overruns == 3 &&
		    frames.shared->missed == 4,
	    "with a period, what finds no slot is overrun, and what comes too late is missed: %u, %u",
	    frames.shared->overruns, frames.shared->missed);
	next_frame(io, &frames, &frame);
	tap(give(handle, &frames, frame.slot, 0, PENDSHARE_FRAME_EMPTY), "a slot goes back");
	for (seen = 1; seen < COUNT; seen++)
		next_frame(io, &frames, &frame);
	tap(frame.sequence == COUNT - 1, "the others lie there, in their order");
	next_frame(io, &frames, &frame);
	tap(frame.sequence >= COUNT + 2 + 5 && is_captured(&frames, &frame),
	    "then there is a gap in the sequence: %llu", (unsigned long long)frame.sequence);
	expect(user_notify(handle, 1), STATUS_SUCCESS, "NOTIFY of capture, for nothing");
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE of capture");
	fake_close(handle);
	free(memory);
}

static bool all(const unsigned char *bytes, unsigned char value, size_t length)
{
	while (length && *bytes == value)
		bytes++, length--;
	return !length;
}

static void test_loopback(void)
{
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = ask(1, "loopback");
	unsigned char *memory = user_pages(PAGES);
	struct pendshare_frames_owner frames;
	struct pendshare_frame frame;
	ULONG64 sequence = 0;
	bool good = true;
	struct io *io;
	ULONG i;

	io = user_start(handle, &share, memory, PAGES);
	good &= pendshare_frames_owner_init(&frames, memory, LENGTH) == PENDSHARE_FRAMES_OK;
	for (i = 0; good && i < COUNT; i++) {
		good &= next_frame(io, &frames, &frame) && frame.flags == PENDSHARE_FRAME_EMPTY;
		memset(pendshare_frames_owner_memory(&frames, frame.slot), (int)i, SLOT);
		/* Lengths that are no whole words, too, and one that comes back as it is. */
		good &= give(handle, &frames, frame.slot, i == 3 ? 0 : SLOT - i,
			     i == 3 ? PENDSHARE_FRAME_EMPTY : i << 16);
	}
	tap(good, "loopback begins with every slot in the owner's hand, empty");
	for (i = 0; good && i < COUNT; i++) {
		const unsigned char *slot;
		ULONG value;

		good &= next_frame(io, &frames, &frame);
		slot = pendshare_frames_owner_memory(&frames, frame.slot);
		value = frame.flags >> 16;
		if (frame.flags & PENDSHARE_FRAME_EMPTY)
			good &= all(slot, 3, SLOT);
		else
			good &= frame.sequence == sequence++ && frame.bytes == SLOT - value &&
				all(slot, (unsigned char)~value, frame.bytes) &&
				all(slot + frame.bytes, (unsigned char)value, value);
	}
	tap(good && sequence == 3, "and gives back what is submitted, inverted, with its flags");
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE of loopback");
	fake_close(handle);
	free(memory);
}

/* More than the peer does in one step. */
static void test_long_frame(void)
{
	const ULONG slot = 640 * PAGE_SIZE;
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, "loopback", BOTH);
	unsigned char *memory = user_pages(641);
	struct pendshare_frames_owner frames;
	struct pendshare_frame frame;
	ULONG_PTR bytes = 0;
	struct io *io;
	bool good;

	share.frame_count = 1;
	share.frame_bytes = slot;
	io = user_start(handle, &share, memory, 641);
	pendshare_frames_owner_init(&frames, memory, 641 * (__u64)PAGE_SIZE);
	good = next_frame(io, &frames, &frame);
	memset(pendshare_frames_owner_memory(&frames, 0), 0x5a, slot);
	good &= give(handle, &frames, 0, slot, 0) && next_frame(io, &frames, &frame);
	tap(good && all(pendshare_frames_owner_memory(&frames, 0), 0xa5, slot),
	    "a frame longer than a step comes back when it is done");
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	ended(io, &bytes);
	tap(bytes == 641 * PAGE_SIZE, "and its end says how far it has written: %zu",
	    (size_t)bytes);
	fake_close(handle);
	free(memory);
}

/* What an owner can get wrong, each with a loopback that has one of its frames to look at. */

enum wrong { TWICE, OUT_OF_RANGE, TOO_LONG, AHEAD, BACK, WRONGS };

static const char *const wrongs[WRONGS] = {
	"a slot given twice",
	"a slot that there is not",
	"a frame longer than its slot",
	"more entries than slots",
	"a position that went back",
};

static void write_wrong(struct pendshare_frames_shared *shared, enum wrong wrong)
{
	union pendshare_frame_entry *to_kernel =
		(void *)((unsigned char *)shared + PENDSHARE_FRAMES_QUEUES);
	struct pendshare_frame frame = { .slot = wrong == OUT_OF_RANGE ? COUNT : 0,
					 .bytes = wrong == TOO_LONG ? SLOT + 1 : 64 };
	static const ULONG positions[WRONGS] = { 2, 1, 1, COUNT + 1, 0xffffffff };

	to_kernel += COUNT; /* after the queue to the owner, of as many */
	pendshare_frame_store(&to_kernel[0], &frame);
	pendshare_frame_store(&to_kernel[1], &frame);
	pendshare_store_release(&shared->to_kernel, positions[wrong]);
}

static void test_nonsense(void)
{
	unsigned char *memory = user_pages(PAGES);
	enum wrong wrong;

	for (wrong = TWICE; wrong < WRONGS; wrong++) {
		struct handle *handle = fake_open(0, NULL);
		struct pendshare_share share = ask(1, "loopback");
		struct io *io = user_start(handle, &share, memory, PAGES);
		NTSTATUS status;

		write_wrong((struct pendshare_frames_shared *)memory, wrong);
		user_notify(handle, 1);
		status = ended(io, NULL);
		tap(PENDSHARE_STATUS_IS_END(status) &&
			    PENDSHARE_STATUS_REASON(status) == PENDSHARE_FAILED &&
			    PENDSHARE_STATUS_FAILURE(status) == PENDSHARE_FAILURE_FRAMES,
		    "%s ends the share as failed: %08x", wrongs[wrong], (unsigned int)status);
		fake_close(handle);
	}
	free(memory);
}

/* A peer as another driver would bring it: with the option byte 1 it thinks better of it. */

static struct {
	struct pendshare_frames *frames;
	NTSTATUS first;
	NTSTATUS second;
	bool known;
	bool untouched;
} player;

static NTSTATUS player_attach(void *context, struct pendshare_share_context *share,
			      const void *options, ULONG size, void **attachment)
{
	unsigned char *memory = pendshare_share_map(share);
	struct pendshare_frames *again;

	(void)context;
	player.first = pendshare_share_frames(share, TRUE, &player.frames);
	player.second = pendshare_share_frames(share, TRUE, &again);
	player.known = player.frames && !again && player.frames->count == COUNT &&
		       player.frames->bytes == SLOT &&
		       pendshare_frames_offset(player.frames, 1) == PAGE_SIZE + SLOT &&
		       pendshare_frames_memory(player.frames, 1) == memory + PAGE_SIZE + SLOT;
	player.untouched = memory[0] == 0xab;
	*attachment = share;
	return size && *(const unsigned char *)options ? STATUS_DEVICE_NOT_READY : STATUS_SUCCESS;
}

static void player_start(void *attachment)
{
	(void)attachment;
	(void)pendshare_frames_sleep(player.frames);
}

static void player_notify(void *attachment)
{
	struct pendshare_frame frame;

	while (pendshare_frames_take(player.frames, &frame) == PENDSHARE_FRAMES_OK)
		(void)pendshare_frames_give_back(player.frames, frame.slot);
	if (pendshare_frames_publish(player.frames))
		pendshare_share_ring(attachment);
}

static void player_nothing(void *attachment)
{
	(void)attachment;
}

static void test_other_drivers(void)
{
	const struct pendshare_peer_ops silent = { .access = BOTH,
						   .attach = player_attach,
						   .start = player_nothing,
						   .stop = player_nothing,
						   .detach = player_nothing };
	const struct pendshare_peer_ops ops = { .access = BOTH,
						.frames = TRUE,
						.attach = player_attach,
						.start = player_start,
						.notify = player_notify,
						.stop = player_nothing,
						.detach = player_nothing };
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = ask(1, "player");
	unsigned char *memory = user_pages(PAGES);
	struct pendshare_frames_owner frames;
	struct pendshare_frame frame;
	struct pendshare_peer *peer;
	struct io *io;

	pendshare_peer_add(&ops, "player", NULL, &peer);
	memset(memory, 0xab, LENGTH);
	user_options(&share, &(unsigned char){ 1 }, 1);
	expect(ended(user_start(handle, &share, memory, PAGES), NULL), STATUS_DEVICE_NOT_READY,
	       "a peer that refuses after it has asked for the frames");
	tap(player.known && player.untouched && memory[0] == 0xab,
	    "it knew where they would be, and nothing was written");
	share = ask(1, "player");
	io = user_start(handle, &share, memory, PAGES);
	expect(player.second, STATUS_INVALID_PARAMETER, "asking for frames a second time");
	tap(NT_SUCCESS(player.first) &&
		    pendshare_frames_owner_init(&frames, memory, LENGTH) == PENDSHARE_FRAMES_OK &&
		    next_frame(io, &frames, &frame) && give(handle, &frames, frame.slot, SLOT, 0) &&
		    frames.shared->to_user == COUNT + 1,
	    "a peer of another driver plays a frame and gives its slot back");
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE");
	pendshare_peer_remove(peer);
	pendshare_peer_add(&silent, "silent", NULL, &peer);
	expect(ended(user_start(handle, &share, memory, PAGES), NULL), STATUS_NOT_FOUND,
	       "a player that has gone");
	share = user_share(2, "silent", BOTH);
	io = user_start(handle, &share, memory, PAGES);
	expect(player.first, STATUS_INVALID_PARAMETER, "asking for frames that SHARE did not");
	user_end(handle, PENDSHARE_IOC_RELEASE, 2);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE of a share without frames");
	pendshare_peer_remove(peer);
	fake_close(handle);
	free(memory);
}

void test_frames(void)
{
	test_refusals();
	test_untouched();
	test_first_version();
	test_capture();
	test_overruns();
	test_loopback();
	test_long_frame();
	test_nonsense();
	test_other_drivers();
}
