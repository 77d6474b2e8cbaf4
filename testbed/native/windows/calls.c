// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * pendshare.sys, call by call: what each request answers to good and bad input, and that nothing
 * is left behind, whichever step of it fails. On one thread; work items run when the test says.
 */
#include "../tap.h"
#include "guest.h"

#define BOTH (PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE)

static NTSTATUS ended(struct io *io, ULONG_PTR *bytes)
{
	NTSTATUS status;

	fake_settle();
	if (!fake_done(io))
		return STATUS_PENDING;
	status = fake_wait(io, bytes);
	fake_free(io);
	return status;
}

static void expect(NTSTATUS status, NTSTATUS wanted, const char *what)
{
	tap(status == wanted, "%s: %08x%s", what, (unsigned int)status,
	    status == wanted ? "" : " is not what was expected");
}

static void expect_end(struct io *io, ULONG reason, const char *what)
{
	NTSTATUS status = ended(io, NULL);

	tap(PENDSHARE_STATUS_IS_END(status) && PENDSHARE_STATUS_REASON(status) == reason,
	    "%s ends it: %08x", what, (unsigned int)status);
}

/* SHARE with bad arguments, each on its own. */

struct bad_share {
	const char *what;
	NTSTATUS status;
	void (*spoil)(struct pendshare_share *share);
};

#define SPOIL(name, statement)                                                                     \
	static void name(struct pendshare_share *share)                                            \
	{                                                                                          \
		statement;                                                                         \
	}
SPOIL(id_0, share->id = 0)
SPOIL(with_address, share->address = 4096)
SPOIL(with_length, share->length = 4096)
SPOIL(unknown_flag, share->flags = 2)
SPOIL(event_without_flag, share->event = 4)
SPOIL(event_bad, (share->flags = PENDSHARE_SHARE_EVENT, share->event = 4))
SPOIL(no_access, share->access = 0)
SPOIL(unknown_access, share->access = 4)
SPOIL(long_deadline, share->deadline_ns = 1ull << 63)
SPOIL(long_options, share->options_size = 65)
SPOIL(dirty_options, share->options[0] = 1)
SPOIL(options_without_peer, share->options_size = 1)
SPOIL(endless_peer, memset(share->peer, 'x', sizeof(share->peer)))
SPOIL(endless_label, memset(share->label, 'x', sizeof(share->label)))
SPOIL(no_such_peer, memcpy(share->peer, "nobody", 6))
SPOIL(peer_without_access, (memcpy(share->peer, "fill", 4), share->access = PENDSHARE_ACCESS_READ))
SPOIL(ring_too_small, (memcpy(share->peer, "clock", 5), share->options_size = 8,
		       memcpy(share->options, &(ULONG64){ 1000000 }, 8)))
SPOIL(period_too_short, (memcpy(share->peer, "fill", 4), share->options_size = 8,
			 memcpy(share->options, &(ULONG64){ 60000 }, 8)))
SPOIL(size_short, share->size = sizeof(*share) - 1)
SPOIL(size_long, share->size = sizeof(*share) + 1)

static const struct bad_share bad_shares[] = {
	{ "id 0", STATUS_INVALID_PARAMETER, id_0 },
	{ "an address", STATUS_INVALID_PARAMETER, with_address },
	{ "a length", STATUS_INVALID_PARAMETER, with_length },
	{ "an unknown flag", STATUS_INVALID_PARAMETER, unknown_flag },
	{ "an event without its flag", STATUS_INVALID_PARAMETER, event_without_flag },
	{ "a bad event", STATUS_INVALID_HANDLE, event_bad },
	{ "no access", STATUS_INVALID_PARAMETER, no_access },
	{ "unknown access", STATUS_INVALID_PARAMETER, unknown_access },
	{ "a deadline out of range", STATUS_INVALID_PARAMETER, long_deadline },
	{ "options_size 65", STATUS_INVALID_PARAMETER, long_options },
	{ "dirt behind the options", STATUS_INVALID_PARAMETER, dirty_options },
	{ "options without a peer", STATUS_INVALID_PARAMETER, options_without_peer },
	{ "a peer without end", STATUS_INVALID_PARAMETER, endless_peer },
	{ "a label without end", STATUS_INVALID_PARAMETER, endless_label },
	{ "no such peer", STATUS_NOT_FOUND, no_such_peer },
	{ "too little access for the peer", STATUS_INVALID_PARAMETER, peer_without_access },
	{ "a ring that does not fit", STATUS_INVALID_PARAMETER, ring_too_small },
	{ "a period below the shortest", STATUS_INVALID_PARAMETER, period_too_short },
	{ "a short structure", STATUS_INVALID_PARAMETER, size_short },
	{ "a structure longer than the input", STATUS_INVALID_PARAMETER, size_long },
};

static void test_bad_shares(struct handle *handle, void *memory)
{
	unsigned int i;

	for (i = 0; i < RTL_NUMBER_OF(bad_shares); i++) {
		struct pendshare_share share = user_share(1, NULL, BOTH);

		bad_shares[i].spoil(&share);
		expect(ended(user_start(handle, &share, memory, 1), NULL), bad_shares[i].status,
		       bad_shares[i].what);
	}
}

static void test_bad_memory(struct handle *handle, unsigned char *memory)
{
	struct pendshare_share share = user_share(1, NULL, BOTH);
	ULONG code = PENDSHARE_IOC_SHARE;
	size_t size = sizeof(share);

	expect(fake_control(handle, code, &share, size, NULL, 0, NULL), STATUS_INVALID_PARAMETER,
	       "no memory");
	expect(fake_control(handle, code, &share, size, memory + 8, PAGE_SIZE, NULL),
	       STATUS_INVALID_PARAMETER, "memory that is not aligned");
	expect(fake_control(handle, code, &share, size, memory, PAGE_SIZE + 8, NULL),
	       STATUS_INVALID_PARAMETER, "half a page");
	expect(fake_control(handle, code, &share, size, memory, 0x100000000ull, NULL),
	       STATUS_INTEGER_OVERFLOW, "4 GiB");
	expect(fake_control(handle, code, NULL, 0, memory, PAGE_SIZE, NULL),
	       STATUS_INVALID_PARAMETER, "no arguments");
	expect(fake_control(handle, code, &share, 3, memory, PAGE_SIZE, NULL),
	       STATUS_INVALID_PARAMETER, "three bytes of arguments");
	expect(fake_control(handle, PENDSHARE_IOC_SHARE_READONLY, &share, size, memory, PAGE_SIZE,
			    NULL),
	       STATUS_INVALID_PARAMETER, "write access to read-only memory");
}

static void test_bad_calls(struct handle *handle, void *memory)
{
	struct pendshare_notify notify = { .size = sizeof(notify), .flags = 1, .id = 1 };
	struct pendshare_pend pend = { .size = sizeof(pend), .capacity = 1, .id = 7 };
	struct pendshare_end end = { .size = sizeof(end), .flags = 2, .id = 1 };
	struct pendshare_info info = { .size = sizeof(info) };
	struct {
		struct pendshare_notify notify;
		ULONG64 tail;
	} longer = { { .size = sizeof(longer), .id = 9 }, 0 };

	expect(fake_control(handle, 0x222000, NULL, 0, NULL, 0, NULL),
	       STATUS_INVALID_DEVICE_REQUEST, "an unknown request");
	expect(fake_control(handle, PENDSHARE_IOC_SHARE ^ 1, NULL, 0, memory, PAGE_SIZE, NULL),
	       STATUS_INVALID_DEVICE_REQUEST, "SHARE by another method");
	expect(fake_control(handle, PENDSHARE_IOC_NOTIFY, &notify, sizeof(notify), NULL, 0, NULL),
	       STATUS_INVALID_PARAMETER, "NOTIFY with flags");
	expect(fake_control(handle, PENDSHARE_IOC_RELEASE, &end, sizeof(end), NULL, 0, NULL),
	       STATUS_INVALID_PARAMETER, "RELEASE with flags");
	expect(fake_control(handle, PENDSHARE_IOC_PEND, &pend, sizeof(pend), memory, 64, NULL),
	       STATUS_INVALID_PARAMETER, "PEND of one share");
	pend.id = 0;
	expect(fake_control(handle, PENDSHARE_IOC_PEND, &pend, sizeof(pend), memory, 31, NULL),
	       STATUS_INVALID_PARAMETER, "PEND without room for an event");
	pend.capacity = 0;
	expect(fake_control(handle, PENDSHARE_IOC_PEND, &pend, sizeof(pend), memory, 64, NULL),
	       STATUS_INVALID_PARAMETER, "PEND with capacity 0");
	expect(fake_control(handle, PENDSHARE_IOC_INFO, &info, sizeof(info), &info, 8, NULL),
	       STATUS_INVALID_PARAMETER, "INFO without room");
	expect(fake_control(handle, PENDSHARE_IOC_NOTIFY, &longer, sizeof(longer), NULL, 0, NULL),
	       STATUS_NOT_FOUND, "a longer structure with a clean tail");
	longer.tail = 1;
	expect(fake_control(handle, PENDSHARE_IOC_NOTIFY, &longer, sizeof(longer), NULL, 0, NULL),
	       STATUS_INVALID_PARAMETER, "a longer structure with a dirty tail");
	expect(user_end(handle, PENDSHARE_IOC_RELEASE, 1), STATUS_NOT_FOUND, "RELEASE of nothing");
	expect(user_notify(handle, 1), STATUS_NOT_FOUND, "NOTIFY of nothing");
	expect(user_revoke(handle, 0), STATUS_ACCESS_DENIED, "REVOKE by a user");
}

static void test_ends(void)
{
	struct handle *handle = fake_open(FAKE_ADMINISTRATOR, NULL);
	struct pendshare_share share = user_share(1, NULL, BOTH);
	void *memory = user_pages(1);
	struct pendshare_info info;
	struct io *io;

	io = user_start(handle, &share, memory, 1);
	expect(ended(io, NULL), STATUS_PENDING, "SHARE stays pending");
	user_info(handle, &info);
	tap(info.shares == 1 && info.pinned_pages == 1 && info.total_shares == 1, "INFO counts it");
	expect(ended(user_start(handle, &share, memory, 1), NULL), STATUS_OBJECT_NAME_COLLISION,
	       "its id again");
	expect(user_notify(handle, 1), STATUS_NOT_SUPPORTED, "NOTIFY without a peer");
	expect(user_end(handle, PENDSHARE_IOC_RELEASE, 1), STATUS_SUCCESS, "RELEASE");
	expect(user_end(handle, PENDSHARE_IOC_CANCEL, 1), STATUS_REQUEST_NOT_ACCEPTED,
	       "CANCEL after RELEASE");
	expect_end(io, PENDSHARE_RELEASED, "RELEASE");
	expect(user_end(handle, PENDSHARE_IOC_RELEASE, 1), STATUS_NOT_FOUND,
	       "RELEASE of what ended");

	io = user_start(handle, &share, memory, 1);
	user_end(handle, PENDSHARE_IOC_CANCEL, 1);
	expect_end(io, PENDSHARE_CANCELLED, "CANCEL");

	io = user_start(handle, &share, memory, 1);
	fake_cancel(io);
	expect_end(io, PENDSHARE_CANCELLED, "cancelling the request");

	share.deadline_ns = 1000000;
	io = user_start(handle, &share, memory, 1);
	fake_advance(900000);
	expect(ended(io, NULL), STATUS_PENDING, "before its deadline it");
	fake_advance(FAKE_TICK_NS);
	expect_end(io, PENDSHARE_DEADLINE, "its deadline");
	share.deadline_ns = 0;

	io = fake_start(handle, PENDSHARE_IOC_SHARE_READONLY,
			&(struct pendshare_share){ .size = sizeof(share), .id = 1, .access = 1 },
			sizeof(share), memory, PAGE_SIZE);
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE of read-only memory");

	io = user_start(handle, &share, memory, 1);
	fake_process_exit(1);
	expect_end(io, PENDSHARE_OWNER_EXITED, "the end of its process");
	fake_close(handle);

	handle = fake_open(FAKE_ADMINISTRATOR, NULL);
	io = user_start(handle, &share, memory, 1);
	user_revoke(handle, 0);
	expect_end(io, PENDSHARE_DEVICE_REMOVED, "REVOKE");
	expect(ended(user_start(handle, &share, memory, 1), NULL), STATUS_DEVICE_REMOVED,
	       "SHARE on a dead file");
	expect(user_info(handle, &info), STATUS_SUCCESS, "INFO of a dead file");
	fake_close(handle);

	handle = fake_open(0, NULL);
	io = user_start(handle, &share, memory, 1);
	expect(user_shutdown(handle), STATUS_SUCCESS, "SHUTDOWN");
	expect_end(io, PENDSHARE_CLOSED, "SHUTDOWN");
	expect(ended(user_start(handle, &share, memory, 1), NULL), STATUS_PIPE_CLOSING,
	       "SHARE after SHUTDOWN");
	fake_close(handle);

	handle = fake_open(0, NULL);
	io = user_start(handle, &share, memory, 1);
	fake_close(handle);
	expect_end(io, PENDSHARE_CLOSED, "closing the handle");
	free(memory);
}

static void test_peers(void)
{
	struct pendshare_fill_options fill = { 0, 2, 0x40 };
	struct pendshare_clock_options clock = { 1000000, 0, 3 };
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, "fill", PENDSHARE_ACCESS_WRITE);
	struct pendshare_event events[4];
	unsigned char *memory = user_pages(4);
	ULONG_PTR bytes = 0;
	NTSTATUS status;
	struct io *pend;
	struct io *io;
	ULONG tick;

	user_options(&share, &fill, sizeof(fill));
	io = user_start(handle, &share, memory, 4);
	fake_settle();
	tap(memory[0] == 0x40 && memory[4 * PAGE_SIZE - 1] == 0x40, "fill fills");
	pend = user_pend(handle, events, 4);
	tap(fake_done(pend) && NT_SUCCESS(fake_wait(pend, &bytes)) &&
		    bytes == 2 * sizeof(*events) && events[0].kind == PENDSHARE_EVENT_ACCEPTED &&
		    events[1].kind == PENDSHARE_EVENT_DOORBELL && events[1].value == 1,
	    "PEND tells that it was accepted, and rang once");
	fake_free(pend);
	pend = user_pend(handle, events, 4);
	tap(!fake_done(pend), "and then waits");
	expect(user_notify(handle, 1), STATUS_SUCCESS, "NOTIFY of fill");
	status = ended(io, &bytes);
	tap(PENDSHARE_STATUS_REASON(status) == PENDSHARE_PEER_ENDED && bytes == 4 * PAGE_SIZE &&
		    memory[0] == 0x41,
	    "fill ends by itself: %08x, %zu bytes", (unsigned int)status, (size_t)bytes);
	tap(fake_done(pend) && events[0].kind == PENDSHARE_EVENT_DOORBELL && events[0].value == 1 &&
		    PENDSHARE_STATUS_RINGS(status) == 0,
	    "its last ring came before its end");
	fake_free(pend);

	fill.rounds = 1;
	share = user_share(2, "fill", PENDSHARE_ACCESS_WRITE);
	user_options(&share, &fill, sizeof(fill));
	status = ended(user_start(handle, &share, memory, 4), NULL);
	tap(PENDSHARE_STATUS_REASON(status) == PENDSHARE_PEER_ENDED &&
		    PENDSHARE_STATUS_RINGS(status) == 1,
	    "without a PEND the ring comes with the end: %08x", (unsigned int)status);

	share = user_share(3, "clock", BOTH);
	user_options(&share, &clock, sizeof(clock));
	io = user_start(handle, &share, memory, 4);
	for (tick = 0; tick < 3; tick++)
		fake_advance(1000000);
	expect(user_notify(handle, 3), STATUS_NOT_SUPPORTED, "NOTIFY of clock");
	fake_advance(1000000);
	status = ended(io, &bytes);
	tap(PENDSHARE_STATUS_REASON(status) == PENDSHARE_PEER_ENDED && bytes == 4096 + 3 * 24,
	    "clock ends after its ticks: %08x, %zu bytes", (unsigned int)status, (size_t)bytes);
	fake_close(handle);
	free(memory);
}

/* What is timed counts from the last tick of the clock, and is not to be early for that. */
static void test_early_timers(void)
{
	struct handle *handle = fake_open(FAKE_ADMINISTRATOR, NULL);
	struct pendshare_share share = user_share(1, NULL, BOTH);
	void *memory = user_pages(1);
	struct io *io;

	fake_advance(FAKE_TICK_NS - fake_clock() % FAKE_TICK_NS + 10000000);
	share.deadline_ns = 30000000;
	io = user_start(handle, &share, memory, 1);
	fake_advance(29000000);
	expect(ended(io, NULL), STATUS_PENDING, "a deadline, one ms before it,");
	fake_advance(FAKE_TICK_NS);
	expect_end(io, PENDSHARE_DEADLINE, "and then it");

	fake_advance(FAKE_TICK_NS - fake_clock() % FAKE_TICK_NS + 10000000);
	share.deadline_ns = 0;
	io = user_start(handle, &share, memory, 1);
	user_revoke(handle, 30);
	fake_advance(29000000);
	expect(ended(io, NULL), STATUS_PENDING, "a recall, one ms before its end,");
	fake_advance(FAKE_TICK_NS);
	expect_end(io, PENDSHARE_RECALLED, "and then it");
	fake_close(handle);
	free(memory);
}

/* Who may REVOKE: the opens that were granted WRITE_DAC, and what is duplicated from them. */
static void test_revoke_access(void)
{
	ACCESS_MASK both = GENERIC_READ | GENERIC_WRITE;
	struct handle *handle, *weaker;
	NTSTATUS status;

	handle = fake_open_for(both, FAKE_ADMINISTRATOR, NULL);
	expect(user_revoke(handle, 1), STATUS_ACCESS_DENIED,
	       "REVOKE by an administrator's open without WRITE_DAC");
	fake_close(handle);
	handle = fake_open_for(both | WRITE_DAC, FAKE_ADMINISTRATOR, NULL);
	expect(user_revoke(handle, 1), STATUS_SUCCESS, "REVOKE by an open with WRITE_DAC");
	weaker = fake_duplicate(handle, both);
	fake_close(handle);
	expect(user_revoke(weaker, 1), STATUS_SUCCESS,
	       "REVOKE by a duplicate of it, which belongs to the same open");
	fake_close(weaker);
	handle = fake_open_for(MAXIMUM_ALLOWED, FAKE_ADMINISTRATOR, NULL);
	expect(user_revoke(handle, 1), STATUS_SUCCESS,
	       "REVOKE by an administrator's open with MAXIMUM_ALLOWED");
	weaker = fake_duplicate(handle, GENERIC_READ);
	expect(user_revoke(weaker, 1), STATUS_ACCESS_DENIED,
	       "REVOKE by a duplicate that may not write");
	fake_close(weaker);
	fake_close(handle);
	handle = fake_open_for(MAXIMUM_ALLOWED, 0, NULL);
	expect(user_revoke(handle, 1), STATUS_ACCESS_DENIED,
	       "REVOKE by a user's open with MAXIMUM_ALLOWED");
	fake_close(handle);
	fake_open_for(both | WRITE_DAC, 0, &status);
	expect(status, STATUS_ACCESS_DENIED, "a user's open with WRITE_DAC");
	handle = fake_open_for(both | WRITE_DAC, FAKE_UNCHECKED, NULL);
	expect(user_revoke(handle, 1), STATUS_ACCESS_DENIED,
	       "REVOKE by an open that nobody has checked");
	fake_close(handle);
}

static void test_events(void)
{
	struct handle *handle = fake_open(FAKE_ADMINISTRATOR, NULL);
	struct pendshare_share share = user_share(1, NULL, BOTH);
	struct pendshare_event events[2];
	void *memory = user_pages(1);
	struct io *pend, *io, *other;
	ULONG_PTR bytes = 0;

	pend = user_pend(handle, events, 1);
	io = user_start(handle, &share, memory, 1);
	tap(fake_done(pend) && events[0].kind == PENDSHARE_EVENT_ACCEPTED && events[0].id == 1,
	    "a PEND that waits is told of a share");
	fake_free(pend);
	pend = user_pend(handle, events, 1);
	other = user_pend(handle, events + 1, 1);
	user_revoke(handle, 5);
	fake_settle();
	tap(fake_done(pend) && !fake_done(other) && events[0].kind == PENDSHARE_EVENT_RECALL &&
		    events[0].value == 5,
	    "and of a recall");
	fake_free(pend);
	fake_advance(4000000);
	expect(ended(io, NULL), STATUS_PENDING, "within the time of grace it");
	fake_advance(FAKE_TICK_NS);
	expect_end(io, PENDSHARE_RECALLED, "the end of the time of grace");
	user_revoke(handle, 0);
	fake_settle();
	tap(fake_done(other) && events[1].kind == PENDSHARE_EVENT_REMOVED && events[1].id == 0,
	    "REMOVED is told");
	fake_free(other);
	pend = user_pend(handle, events, 1);
	fake_cancel(pend);
	expect(fake_wait(pend, NULL), STATUS_CANCELLED, "PEND can be cancelled");
	fake_free(pend);
	pend = user_pend(handle, events, 1);
	user_shutdown(handle);
	expect(fake_wait(pend, &bytes), STATUS_PIPE_CLOSING, "after SHUTDOWN PEND");
	fake_free(pend);
	fake_close(handle);
	free(memory);
}

static void test_owners(void)
{
	struct handle *handle = fake_open(0, NULL);
	struct handle *blocking = fake_open(FAKE_SYNCHRONOUS, NULL);
	struct fake_process *stranger = fake_process_new(7, 2);
	struct pendshare_share share = user_share(1, NULL, BOTH);
	struct pendshare_event event;
	void *memory = user_pages(1);
	struct pendshare_info info;
	PKEVENT bell = fake_event_new();
	struct io *io;

	fake_process_enter(stranger);
	expect(ended(user_start(handle, &share, memory, 1), NULL), STATUS_INVALID_OWNER,
	       "SHARE from another process");
	expect(user_shutdown(handle), STATUS_INVALID_OWNER, "SHUTDOWN from another process");
	expect(user_info(handle, &info), STATUS_SUCCESS, "INFO from another process");
	fake_process_enter(NULL);
	expect(ended(user_start(blocking, &share, memory, 1), NULL), STATUS_INVALID_PARAMETER,
	       "SHARE on a synchronous handle");
	io = user_pend(blocking, &event, 1);
	expect(fake_wait(io, NULL), STATUS_INVALID_PARAMETER, "PEND on a synchronous handle");
	fake_free(io);
	expect(user_info(blocking, &info), STATUS_SUCCESS, "INFO on a synchronous handle");
	fake_close(blocking);

	share = user_share(1, "fill", BOTH);
	share.flags = PENDSHARE_SHARE_EVENT;
	share.event = (uintptr_t)bell;
	io = user_start(handle, &share, memory, 1);
	fake_settle();
	user_notify(handle, 1);
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE of a share with an event");
	fake_close(handle);
	fake_settle();
	tap(fake_event_free(bell) >= 1, "the event was signalled, and let go");
	fake_process_free(stranger);
	free(memory);
}

static void test_quota(void)
{
	struct fake_process *other_user = fake_process_new(8, 3);
	struct handle *handles[2] = { fake_open(0, NULL), fake_open(0, NULL) };
	struct pendshare_share share = user_share(1, NULL, BOTH);
	static struct io *ios[PENDSHARE_SHARES_PER_USER];
	void *memory = user_pages(1);
	struct handle *other;
	unsigned int i;
	struct io *io;

	for (i = 0; i < PENDSHARE_SHARES_PER_USER; i++) {
		share.id = i + 1;
		ios[i] = user_start(handles[i & 1], &share, memory, 1);
	}
	share.id = i + 1;
	expect(ended(user_start(handles[0], &share, memory, 1), NULL), STATUS_QUOTA_EXCEEDED,
	       "one share too many, over two handles");
	fake_process_enter(other_user);
	other = fake_open(0, NULL);
	io = user_start(other, &share, memory, 1);
	expect(ended(io, NULL), STATUS_PENDING, "another user's share");
	fake_close(other);
	expect_end(io, PENDSHARE_CLOSED, "closing");
	fake_process_enter(NULL);
	user_end(handles[0], PENDSHARE_IOC_RELEASE, 1);
	fake_settle();
	io = user_start(handles[0], &share, memory, 1);
	expect(ended(io, NULL), STATUS_PENDING, "a share in the place of one that ended");
	fake_close(handles[0]);
	fake_close(handles[1]);
	fake_settle();
	for (i = 0; i < PENDSHARE_SHARES_PER_USER; i++)
		fake_free(ios[i]);
	fake_free(io);
	fake_process_free(other_user);
	free(memory);
}

/* A peer that rings as it starts takes ACCEPTED along: what is announced then is no news. */
static void test_early_ring(void)
{
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, "guest", BOTH);
	struct pendshare_event events[4];
	void *memory = user_pages(1);
	struct io *told, *waiting, *io;
	ULONG_PTR bytes = 0;

	pendshare_peer_register(&guest_peer);
	told = user_pend(handle, events, 2);
	waiting = user_pend(handle, events + 2, 2);
	io = user_start(handle, &share, memory, 1);
	tap(fake_done(told) && NT_SUCCESS(fake_wait(told, &bytes)) && bytes == 2 * sizeof(*events) &&
		    events[0].kind == PENDSHARE_EVENT_ACCEPTED &&
		    events[1].kind == PENDSHARE_EVENT_DOORBELL && !fake_done(waiting),
	    "one PEND tells of a share that rings as it starts, the other waits");
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE, with that PEND waiting,");
	fake_cancel(waiting);
	fake_free(waiting);
	fake_free(told);
	fake_close(handle);
	pendshare_peer_unregister(&guest_peer);
	free(memory);
}

static void test_many_files(void)
{
	static struct handle *handles[8192];
	NTSTATUS status;
	unsigned int i;

	fake_settle(); /* files of before are closed */
	for (i = 0; i < RTL_NUMBER_OF(handles); i++)
		handles[i] = fake_open(0, &status);
	fake_open(0, &status);
	expect(status, STATUS_QUOTA_EXCEEDED, "one file too many of a user");
	for (i = 0; i < RTL_NUMBER_OF(handles); i++)
		fake_close(handles[i]);
	fake_settle();
}

static void test_registration(void)
{
	static char names[16][PENDSHARE_NAME_SIZE];
	static struct pendshare_peer many[16];
	struct pendshare_peer bad = guest_peer;
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, "guest", BOTH);
	unsigned char *memory = user_pages(1);
	struct pendshare_info info;
	ULONG_PTR bytes = 0;
	NTSTATUS status;
	unsigned int i;
	struct io *io;

	expect(pendshare_peer_register(&guest_peer), STATUS_SUCCESS, "registering a peer");
	expect(pendshare_peer_register(&bad), STATUS_OBJECT_NAME_COLLISION, "its name again");
	bad.name = "a-name-of-thirty-two-characters!";
	expect(pendshare_peer_register(&bad), STATUS_INVALID_PARAMETER, "a name too long");
	bad.name = "no-stop";
	bad.stop = NULL;
	expect(pendshare_peer_register(&bad), STATUS_INVALID_PARAMETER, "a peer without stop");
	io = user_start(handle, &share, memory, 1);
	user_notify(handle, 1);
	user_notify(handle, 1);
	pendshare_peer_unregister(&guest_peer);
	tap(guests == 0 && guest_faults == 0, "unregistering waits for the last share");
	status = ended(io, &bytes);
	tap(PENDSHARE_STATUS_REASON(status) == PENDSHARE_PEER_ENDED && bytes == 1 &&
		    memory[0] == 2 && PENDSHARE_STATUS_RINGS(status) == 3,
	    "and has ended it: %08x", (unsigned int)status);
	expect(ended(user_start(handle, &share, memory, 1), NULL), STATUS_NOT_FOUND,
	       "a peer that has gone");
	for (i = 0; i < RTL_NUMBER_OF(many); i++) {
		snprintf(names[i], sizeof(names[i]), "a-name-of-thirty-characters-%02u", i);
		many[i] = guest_peer;
		many[i].name = names[i];
		status = pendshare_peer_register(&many[i]);
		if (!NT_SUCCESS(status))
			break;
	}
	user_info(handle, &info);
	tap(status == STATUS_INSUFFICIENT_RESOURCES && i == 7 &&
		    !info.peers[sizeof(info.peers) - 1],
	    "as many peers as INFO can name: %u", i);
	while (i--)
		pendshare_peer_unregister(&many[i]);
	fake_close(handle);
	free(memory);
}

/* A share that was listed with its news, which an earlier PEND has taken along meanwhile. */
static void test_no_news(void)
{
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, "guest", BOTH);
	struct pendshare_event events[8];
	void *memory = user_pages(1);
	struct io *first, *second, *io;
	ULONG_PTR bytes = 0;

	pendshare_peer_register(&guest_peer);
	first = user_pend(handle, events, 4);
	second = user_pend(handle, events + 4, 4);
	io = user_start(handle, &share, memory, 1);
	tap(NT_SUCCESS(fake_wait(first, &bytes)) && bytes == 2 * sizeof(*events) &&
		    !fake_done(second),
	    "a peer that rings as it starts: ACCEPTED and DOORBELL by one PEND");
	fake_free(first);
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE of a share that was listed without news");
	fake_close(handle);
	fake_free(second);
	pendshare_peer_unregister(&guest_peer);
	free(memory);
}

/* Fails the first step, then the second, and so on, until the call passes. */
static void test_fail_nth(const char *peer)
{
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, peer, BOTH);
	struct pendshare_clock_options clock = { 1000000, 0, 0 };
	void *memory = user_pages(4);
	struct pendshare_info info;
	unsigned int clean = 1;
	unsigned int nth = 0;
	NTSTATUS status;

	if (!strcmp(peer, "clock"))
		user_options(&share, &clock, sizeof(clock));
	share.deadline_ns = 1000000000;
	do {
		struct io *io;

		fake_fail_nth(++nth);
		io = user_start(handle, &share, memory, 4);
		fake_settle();
		fake_fail_nth(0);
		if (!fake_done(io))
			user_end(handle, PENDSHARE_IOC_RELEASE, 1);
		status = ended(io, NULL);
		user_info(handle, &info);
		clean &= !info.shares && !info.pinned_pages && !info.total_shares;
	} while (!NT_SUCCESS(status));
	tap(clean && nth > 4, "SHARE with %s survives the failure of each of its %u steps", peer,
	    nth - 1);
	fake_close(handle);
	free(memory);
}

static void test_load(void)
{
	static const unsigned char group[] = { 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0 };
	unsigned int nth = 0;

	expect(pendshare_peer_register(&guest_peer), STATUS_DEVICE_NOT_READY,
	       "registering a peer before the driver has started");
	do
		fake_fail_nth(++nth);
	while (!NT_SUCCESS(fake_try_load(0)));
	fake_fail_nth(0);
	tap(nth > 8, "loading survives the failure of each of its %u steps", nth - 1);
	fake_unload();
	fake_set_group(group, sizeof(group));
	fake_load(0);
	fake_unload();
	fake_set_group(group, 9);
	fake_load(0);
	tap(true, "a group's SID, and a bad one");
}

int main(void)
{
	struct handle *handle;
	void *memory = user_pages(2);

	test_load();
	handle = fake_open(0, NULL);
	test_bad_shares(handle, memory);
	test_bad_memory(handle, memory);
	test_bad_calls(handle, memory);
	fake_close(handle);
	free(memory);
	test_ends();
	test_peers();
	test_early_timers();
	test_revoke_access();
	test_events();
	test_owners();
	test_quota();
	test_early_ring();
	test_many_files();
	test_registration();
	test_no_news();
	test_fail_nth("fill");
	test_fail_nth("clock");
	test_fail_nth("blast");
	fake_unload();
	tap(fake_objects() == 0, "nothing is left after unloading");
	return tap_end();
}
