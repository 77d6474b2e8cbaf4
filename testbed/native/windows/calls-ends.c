// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What ends a share and when, and what PEND tells of it. */
#include "calls.h"

static void test_reasons(void)
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

void test_ends(void)
{
	test_reasons();
	test_early_timers();
	test_events();
}
