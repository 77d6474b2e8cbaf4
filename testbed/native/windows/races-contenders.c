// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Who contends for the end of a share, and who races whom. */
#include "races.h"

static void do_share(struct round *round)
{
	fake_submit(round->io);
}

static void do_release(struct round *round)
{
	round->release = user_end(round->handle, PENDSHARE_IOC_RELEASE, ID);
}

static void do_cancel(struct round *round)
{
	round->cancel = user_end(round->handle, PENDSHARE_IOC_CANCEL, ID);
}

static void do_cancel_io(struct round *round)
{
	fake_cancel(round->io);
}

static void do_close(struct round *round)
{
	fake_close(round->handle);
}

static void do_shutdown(struct round *round)
{
	user_shutdown(round->handle);
}

static void do_revoke(struct round *round)
{
	user_revoke(round->handle, 0);
}

static void do_exit(struct round *round)
{
	(void)round;
	fake_process_exit(1);
}

static void do_notify(struct round *round)
{
	user_notify(round->handle, ID);
}

static void do_time(struct round *round)
{
	(void)round;
	fake_advance(FAKE_TICK_NS);
}

/* Tries until there is something to end, as one who does not wait for `accepted`. */
static void do_release_early(struct round *round)
{
	unsigned int tries = 2000;

	do
		do_release(round);
	while (round->release == STATUS_NOT_FOUND && --tries && !fake_done(round->io));
}

/* The same, for something to notify. */
static void do_notify_early(struct round *round)
{
	unsigned int tries = 2000;

	while (user_notify(round->handle, ID) == STATUS_NOT_FOUND && --tries &&
	       !fake_done(round->io))
		;
}

static void do_recall(struct round *round)
{
	user_revoke(round->handle, 1);
	fake_advance(FAKE_TICK_NS);
}

/* The peer does it. */
static void do_nothing(struct round *round)
{
	(void)round;
}

static void do_notify_often(struct round *round)
{
	unsigned int times;

	for (times = fake_random() & 7; times; times--)
		user_notify(round->handle, ID);
}

static void do_unplug(struct round *round)
{
	guest_remove();
	round->guests_left = __atomic_load_n(&guests, __ATOMIC_RELAXED);
}

/* Somebody else, whom all this must not concern. */
static void do_other(struct round *round)
{
	struct handle *handle = fake_open(0, NULL);
	void *memory = user_pages(MOST_PAGES);
	struct io *io;

	io = user_start(handle, round->share, memory, MOST_PAGES);
	fake_close(handle);
	fake_free(io);
	free(memory);
}

static void take_events(struct round *round, struct io *pend, const struct pendshare_event *events)
{
	ULONG_PTR bytes = 0;
	NTSTATUS status = fake_wait(pend, &bytes);
	unsigned int i;

	for (i = 0; NT_SUCCESS(status) && i < bytes / sizeof(*events); i++) {
		if (events[i].id != ID)
			continue;
		round->accepted_late |= !round->last_event && !i &&
					events[i].kind != PENDSHARE_EVENT_ACCEPTED;
		if (events[i].kind == PENDSHARE_EVENT_DOORBELL)
			round->rings += events[i].value;
		round->last_event = fake_order(pend);
	}
}

/* PENDs one after another until the share has ended. */
static void do_pend(struct round *round)
{
	struct pendshare_event events[2];

	while (!fake_done(round->io)) {
		struct io *pend = user_pend(round->handle, events, 1 + (fake_random() & 1));

		while (!fake_done(pend) && !fake_done(round->io))
			fake_yield();
		fake_cancel(pend);
		take_events(round, pend, events);
		fake_free(pend);
	}
}

/* A frame of capture or loopback, as the owner takes it. */
static bool is_whole(const struct pendshare_frames_owner *frames,
		     const struct pendshare_frame *frame)
{
	const __u32 *words = (const void *)pendshare_frames_owner_memory(frames, frame->slot);
	__u32 sum = words[0] + words[1] + words[3];
	__u32 at;

	if (frame->flags & PENDSHARE_FRAME_EMPTY)
		return true;
	if (frames->shared->playback)
		return words[0] == ~(frame->flags >> 16);
	for (at = 4; at < frame->bytes / 4; at++)
		sum += words[at];
	return words[0] == (__u32)frame->sequence && words[2] == sum && words[3] == frame->bytes;
}

/* Takes a frame, and gives its slot back: for loopback with something in it. */
static bool pass_frame(struct round *round, struct pendshare_frames_owner *frames, __u32 number)
{
	enum pendshare_frames_result result;
	struct pendshare_frame frame;

	result = pendshare_frames_owner_take(frames, &frame);
	if (result == PENDSHARE_FRAMES_NONE) {
		(void)pendshare_frames_owner_sleep(frames);
		return false;
	}
	round->spoiled |= result != PENDSHARE_FRAMES_OK || !is_whole(frames, &frame);
	if (round->spoiled)
		return false;
	*(__u32 *)pendshare_frames_owner_memory(frames, frame.slot) = number;
	frame.flags = number << 16;
	frame.bytes = sizeof(number);
	round->spoiled |= pendshare_frames_owner_give(frames, &frame) != PENDSHARE_FRAMES_OK;
	if (pendshare_frames_owner_wakes(frames))
		user_notify(round->handle, ID);
	return true;
}

/* Waits until they are laid out. */
static bool find_frames(struct round *round, struct pendshare_frames_owner *frames)
{
	while (pendshare_frames_owner_init(frames, round->memory, MOST_PAGES * PAGE_SIZE) !=
	       PENDSHARE_FRAMES_OK) {
		if (fake_done(round->io))
			return false;
		fake_yield();
	}
	return true;
}

/* Frames go back and forth, whether the share has ended or not. */
static void do_frames(struct round *round)
{
	struct pendshare_frames_owner frames;
	unsigned int turns = fake_random() & 31;

	if (!find_frames(round, &frames))
		return;
	while (turns--)
		if (!pass_frame(round, &frames, turns))
			fake_yield();
}

/*
 * All that he gives comes back, though he rings only where he has to: nobody ends the share. Before
 * it is accepted its peer may not have asked to be rung yet.
 */
static void do_play(struct round *round)
{
	struct pendshare_event accepted;
	struct pendshare_frames_owner frames;
	unsigned int patience = 20000;
	unsigned int number = 2 * SLOTS + (fake_random() & 7);
	struct io *pend = user_pend(round->handle, &accepted, 1);

	while (!fake_done(pend))
		fake_yield();
	fake_free(pend);
	if (!find_frames(round, &frames))
		return;
	while (number && --patience)
		if (pass_frame(round, &frames, number))
			number--;
		else
			fake_yield();
	round->lost = !patience;
}

/* An owner who says that he has given what he does not have. */
static void do_nonsense(struct round *round)
{
	struct pendshare_frames_owner frames;

	if (!find_frames(round, &frames))
		return;
	pendshare_store_release(&frames.shared->to_kernel, 0x80000000u);
	user_notify(round->handle, ID);
}

static void do_times(struct round *round)
{
	unsigned int times;

	(void)round;
	for (times = 1 + (fake_random() & 3); times; times--)
		fake_advance(FAKE_TICK_NS);
}

const struct contender share_ = { "share", 0, do_share };
static const struct contender release = { "release", PENDSHARE_RELEASED, do_release };
static const struct contender release_early = { "release", PENDSHARE_RELEASED, do_release_early };
static const struct contender cancel = { "cancel", PENDSHARE_CANCELLED, do_cancel };
static const struct contender cancel_io = { "cancel-io", PENDSHARE_CANCELLED, do_cancel_io };
const struct contender close_ = { "close", PENDSHARE_CLOSED, do_close };
static const struct contender shutdown_ = { "shutdown", PENDSHARE_CLOSED, do_shutdown };
static const struct contender revoke = { "revoke", PENDSHARE_DEVICE_REMOVED, do_revoke };
static const struct contender exit_ = { "exit", PENDSHARE_OWNER_EXITED, do_exit };
static const struct contender peer = { "peer-end", PENDSHARE_PEER_ENDED, do_notify };
static const struct contender recall = { "recall", PENDSHARE_RECALLED, do_recall };
const struct contender rings = { "rings", 0, do_notify_often };
static const struct contender notify_early = { "notify", 0, do_notify_early };
const struct contender pend = { "pend", 0, do_pend };
const struct contender hasty = { "hasty", PENDSHARE_PEER_ENDED, do_nothing };
static const struct contender other = { "other", 0, do_other };
const struct contender unplug = { "unplug", PENDSHARE_DEVICE_REMOVED, do_unplug };
static const struct contender tick = { "tick", 0, do_time };
static const struct contender ticks = { "ticks", 0, do_times };
static const struct contender frames = { "frames", 0, do_frames };
static const struct contender play = { "play", 0, do_play };
static const struct contender nonsense = { "nonsense", PENDSHARE_FAILED, do_nonsense };
static const struct contender deadline = { "deadline", PENDSHARE_DEADLINE, do_time };

#define NEEDS(window) (1u << FAKE_##window)

/* clang-format off */
const struct race races[] = {
	{ "release x cancel", NULL, 0, 0, { &release, &cancel } },
	{ "release x cancel-io", NULL, 0,
	  NEEDS(CANCELED_IN_QUEUE) | NEEDS(CANCELED_LATER) | NEEDS(NOT_FOUND),
	  { &release, &cancel_io } },
	{ "release x close", "fill", 0, 0, { &release, &close_ } },
	{ "release x shutdown", NULL, 0, 0, { &release, &shutdown_ } },
	{ "release x revoke", NULL, 0, 0, { &release, &revoke } },
	{ "release x exit", "fill", 0, 0, { &release, &exit_ } },
	{ "release x peer-end", "once", 0, 0, { &release, &peer } },
	{ "release x deadline", NULL, 1, NEEDS(STOPPED) | NEEDS(STOP_TOO_LATE),
	  { &release, &deadline } },
	{ "cancel-io x close", "fill", 0, 0, { &cancel_io, &close_ } },
	{ "cancel-io x peer-end", "once", 0, 0, { &cancel_io, &peer } },
	{ "close x exit", NULL, 0, 0, { &close_, &exit_ } },
	{ "ticks x release", "clock", 0, NEEDS(STOPPED) | NEEDS(STOP_TOO_LATE),
	  { &tick, &release } },
	{ "parking x release", "fill", 0, NEEDS(NOT_FOUND), { &share_, &release_early } },
	{ "unplug x release", "guest", 0, 0, { &unplug, &release, &rings } },
	{ "unplug x close", "guest", 0, 0, { &unplug, &close_ } },
	{ "parking x notify x release", "echo", 0, 0,
	  { &share_, &notify_early, &release_early } },
	{ "parking x unplug", "guest", 0, 0, { &share_, &unplug } },
	{ "parking x ending at once x release", "hasty", 0, 0,
	  { &share_, &hasty, &release_early } },
	{ "parking x cancel-io", "fill", 0,
	  NEEDS(CANCELED_IN_FORWARD) | NEEDS(CANCELED_IN_QUEUE) | NEEDS(CANCELED_LATER) |
		  NEEDS(CANCELED_UNSEEN),
	  { &share_, &cancel_io } },
	{ "parking x cancel-io x release", NULL, 0, NEEDS(CANCELED_IN_FORWARD),
	  { &share_, &cancel_io, &release_early } },
	{ "parking x shutdown", NULL, 0, 0, { &share_, &shutdown_ } },
	{ "parking x close", "fill", 0, 0, { &share_, &close_ } },
	{ "parking x revoke", NULL, 0, 0, { &share_, &revoke } },
	{ "parking x exit", "fill", 0, 0, { &share_, &exit_ } },
	{ "release x cancel-io x close x peer-end", "once", 0, 0,
	  { &release, &cancel_io, &close_, &peer } },
	{ "release x recall", NULL, 0, 0, { &release, &recall } },
	{ "rings x pend x release", "fill", 0, NEEDS(REQUEUED), { &rings, &pend, &release } },
	{ "rings x pend x peer-end", "once", 0, 0, { &rings, &pend, &peer } },
	{ "parking x pend x close", "fill", 0, 0, { &share_, &pend, &close_ } },
	{ "other x exit x revoke", NULL, 0, 0, { &other, &exit_, &revoke } },
	{ "parking x frames, all of which come back", "loopback", 0, 0, { &share_, &play } },
	{ "parking x frames x release", "loopback", 0, 0, { &share_, &frames, &release_early } },
	{ "frames x release x close", "loopback", 0, 0, { &frames, &release, &close_ } },
	{ "frames x deadline x exit", "loopback", 1, 0, { &frames, &deadline, &exit_ } },
	{ "frames x nonsense x release", "loopback", 0, 0, { &nonsense, &release } },
	{ "capture x frames x release", "capture", 0, 0, { &frames, &ticks, &release } },
	{ "capture x frames x cancel-io x close", "capture", 0, 0,
	  { &frames, &ticks, &cancel_io, &close_ } },
	{ "capture x nonsense x release", "capture", 0, 0, { &nonsense, &ticks, &release } },
	{ "parking x captured frames x release", "capture", 0, 0,
	  { &share_, &frames, &ticks, &release_early } },
	{ "timed capture x frames x release", "camera", 0, NEEDS(STOPPED) | NEEDS(STOP_TOO_LATE),
	  { &frames, &ticks, &release } },
	{ "release x cancel x revoke x exit", "fill", 0, 0,
	  { &release, &cancel, &revoke, &exit_ } },
};
/* clang-format on */

const unsigned int races_count = RTL_NUMBER_OF(races);
