// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The peers of the driver and of other drivers, and how their rings reach PEND. */
#include "calls.h"

static void test_builtin(void)
{
	struct pendshare_fill_options fill = { 0, 2, 0x40 };
	struct pendshare_clock_options clock = { .period_ns = 1000000, .ticks = 3 };
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
	for (tick = 0; tick < 2; tick++)
		fake_advance(1000000);
	expect(user_notify(handle, 3), STATUS_NOT_SUPPORTED, "NOTIFY of clock");
	fake_advance(1000000);
	status = ended(io, &bytes);
	tap(PENDSHARE_STATUS_REASON(status) == PENDSHARE_PEER_ENDED && bytes == 4096 + 3 * 24,
	    "clock ends after its ticks: %08x, %zu bytes", (unsigned int)status, (size_t)bytes);
	fake_close(handle);
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

	guest_add();
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
	guest_remove();
	free(memory);
}

/* Its owner notifies a peer while that starts. */
static struct {
	struct handle *handle;
	NTSTATUS status;
	unsigned int before;
	unsigned int times;
} early;

static NTSTATUS early_attach(void *context, struct pendshare_share_context *share,
			     const void *options, ULONG size, void **attachment)
{
	(void)context, (void)options, (void)size;
	*attachment = share;
	return STATUS_SUCCESS;
}

static void early_start(void *attachment)
{
	(void)attachment;
	fake_process_enter(NULL);
	early.status = user_notify(early.handle, 1);
	user_notify(early.handle, 1);
	early.before = early.times;
}

static void early_notify(void *attachment)
{
	(void)attachment;
	early.times++;
}

static void early_nothing(void *attachment)
{
	(void)attachment;
}

static void test_early_notify(void)
{
	const struct pendshare_peer_ops ops = { .access = BOTH,
						.attach = early_attach,
						.start = early_start,
						.notify = early_notify,
						.stop = early_nothing,
						.detach = early_nothing };
	struct handle *handle = early.handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, "early", BOTH);
	void *memory = user_pages(1);
	struct pendshare_peer *peer;
	struct io *io;

	pendshare_peer_add(&ops, "early", NULL, &peer);
	io = user_start(handle, &share, memory, 1);
	tap(NT_SUCCESS(early.status) && !early.before && early.times == 1,
	    "a peer that is notified while it starts learns of it once, afterwards");
	user_notify(handle, 1);
	tap(early.times == 2, "and of each NOTIFY from then on");
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE");
	pendshare_peer_remove(peer);
	fake_close(handle);
	free(memory);
}

static NTSTATUS add(const char *name, struct pendshare_peer **peer)
{
	return pendshare_peer_add(&guest_ops, name, &guests, peer);
}

static void test_adding(void)
{
	struct pendshare_peer_ops without_stop = guest_ops;
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_peer *many[16], *peer;
	char name[PENDSHARE_NAME_SIZE];
	struct pendshare_info info;
	NTSTATUS status;
	unsigned int i;

	without_stop.stop = NULL;
	expect(guest_add(), STATUS_SUCCESS, "adding a peer");
	expect(add("guest", &peer), STATUS_OBJECT_NAME_COLLISION, "its name again");
	expect(add("", &peer), STATUS_INVALID_PARAMETER, "no name");
	expect(add("a-name-of-thirty-two-characters!", &peer), STATUS_INVALID_PARAMETER,
	       "a name too long");
	expect(pendshare_peer_add(&without_stop, "no-stop", NULL, &peer), STATUS_INVALID_PARAMETER,
	       "a peer without stop");
	guest_remove();
	guest_remove();
	tap(true, "removing it twice, as one whose driver was stopped meanwhile");
	for (i = 0; i < RTL_NUMBER_OF(many); i++) {
		snprintf(name, sizeof(name), "a-name-of-thirty-characters-%02u", i);
		status = add(name, &many[i]);
		if (!NT_SUCCESS(status))
			break;
	}
	user_info(handle, &info);
	tap(status == STATUS_INSUFFICIENT_RESOURCES && i == 6 &&
		    !info.peers[sizeof(info.peers) - 1],
	    "as many peers as INFO can name: %u", i);
	while (i--)
		pendshare_peer_remove(many[i]);
	fake_close(handle);
}

/* Two cards of one driver; one of them is unplugged. */
static void test_removal(void)
{
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share shares[] = { user_share(1, "guest", BOTH),
					    user_share(2, "card", BOTH) };
	unsigned char *memory = user_pages(2);
	struct pendshare_peer *card;
	ULONG_PTR bytes = 0;
	struct io *ios[2];
	NTSTATUS status;

	guest_add();
	expect(add("card", &card), STATUS_SUCCESS, "a second one of the same calls");
	ios[0] = user_start(handle, &shares[0], memory, 1);
	ios[1] = user_start(handle, &shares[1], memory + PAGE_SIZE, 1);
	user_notify(handle, 1);
	user_notify(handle, 1);
	guest_remove();
	tap(guests == 1 && guest_faults == 0, "removing a peer waits for its last share");
	status = ended(ios[0], &bytes);
	tap(PENDSHARE_STATUS_REASON(status) == PENDSHARE_DEVICE_REMOVED && bytes == 1 &&
		    memory[0] == 2 && PENDSHARE_STATUS_RINGS(status) == 3,
	    "and has ended it: %08x", (unsigned int)status);
	expect(ended(user_start(handle, &shares[0], memory, 1), NULL), STATUS_NOT_FOUND,
	       "a peer that has gone");
	expect(user_notify(handle, 2), STATUS_SUCCESS, "NOTIFY of the other, which stays,");
	user_end(handle, PENDSHARE_IOC_RELEASE, 2);
	expect_end(ios[1], PENDSHARE_RELEASED, "and its RELEASE");
	pendshare_peer_remove(card);
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

	guest_add();
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
	guest_remove();
	free(memory);
}

void test_peers(void)
{
	test_builtin();
	test_early_ring();
	test_early_notify();
	test_adding();
	test_removal();
	test_no_news();
}
