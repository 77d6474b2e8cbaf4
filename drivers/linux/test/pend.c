// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* PEND, and what becomes of events when nobody waits or the buffer is bad. */
#include "pending.h"

TEST(blocks, "PEND blocks until a doorbell rings")
{
	struct pending pending = { .fd = device() };
	void *memory = region(PAGE);
	struct thread thread;

	thread_start(&thread, pend_once, &pending);
	until_blocked(thread.tid, SYS_ioctl);
	CHECK_IS(share(pending.fd, 5, memory, PAGE, "fill"), 0);
	thread_join(&thread);
	CHECK_IS(pending.result, 1);
	CHECK_IS(pending.events[0].id, 5);
	CHECK_IS(pending.events[0].kind, PENDSHARE_EVENT_DOORBELL);
	CHECK_IS(pending.events[0].value, 1);
	close(pending.fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(coalesces, "rings that nobody took come as one event, none lost, and END comes last")
{
	struct pendshare_event events[8];
	void *memory = region(PAGE);
	int fd = device();

	share_and_end(fd, 1, memory, 20);
	CHECK_IS(pend(fd, 0, events, 8), 2);
	CHECK_IS(events[0].kind, PENDSHARE_EVENT_DOORBELL);
	CHECK_IS(events[0].value, 20);
	CHECK_IS(events[1].kind, PENDSHARE_EVENT_END);
	CHECK_IS(events[1].reason, PENDSHARE_PEER_ENDED);
	CHECK_IS(events[1].value, PAGE);
	CHECK_IS(events[1].failure, 0);
	CHECK_IS(pend(fd, 1, events, 1), -ENOENT);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(batches, "PEND returns many events in one call, never more than asked for")
{
	unsigned char *memory = region(100 * PAGE);
	struct pendshare_event events[64];
	int fd = device();
	int seen = 0;

	for (int i = 0; i < 100; i++)
		CHECK_IS(share(fd, i + 1, memory + i * PAGE, PAGE, ""), 0);
	for (int i = 0; i < 100; i++)
		CHECK_IS(end(fd, PENDSHARE_IOC_CANCEL, i + 1, PENDSHARE_END_NOWAIT, NULL), 0);
	while (info(fd).shares)
		sched_yield();
	CHECK_IS(pend(fd, 0, events, 3), 3);
	CHECK_IS(pend(fd, 0, events, 64), 64);
	for (int i = 0; i < 64; i++)
		seen += events[i].kind == PENDSHARE_EVENT_END && events[i].reason == PENDSHARE_CANCELLED;
	CHECK_IS(seen, 64);
	CHECK_IS(pend(fd, 0, events, 64), 33);
	close(fd);
	munmap(memory, 100 * PAGE);
	check_nothing_left();
}

TEST(nonblocking, "with O_NONBLOCK there is EAGAIN, and poll says when not")
{
	struct pollfd poll_fd = { .fd = device(), .events = POLLIN };
	struct pendshare_event event;
	void *memory = region(PAGE);
	int fd = poll_fd.fd;

	set_nonblocking(fd);
	CHECK_IS(pend(fd, 0, &event, 1), -EAGAIN);
	CHECK_IS(poll(&poll_fd, 1, 0), 0);
	CHECK_IS(share(fd, 1, memory, PAGE, "fill"), 0);
	CHECK_IS(pend(fd, 1, &event, 1), -EAGAIN);
	CHECK_IS(poll(&poll_fd, 1, -1), 1);
	CHECK_IS(poll_fd.revents, POLLIN);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(poll(&poll_fd, 1, 0), 0);
	CHECK_IS(notify(fd, 1), 0);
	CHECK_IS(poll(&poll_fd, 1, -1), 1);
	CHECK_IS(release_share(fd, 1), 0);
	CHECK_IS(poll(&poll_fd, 1, 0), 0); /* the END was returned; what rang before it is void */
	CHECK_IS(close_down(fd), 0);
	CHECK_IS(poll(&poll_fd, 1, 0), 1);
	CHECK_IS(poll_fd.revents, POLLIN | POLLHUP);
	CHECK_IS(pend(fd, 0, &event, 1), -ESHUTDOWN);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

/* 20 shares with 3 rings and an END each. */
static void queue_events(int fd, unsigned char *memory)
{
	for (int i = 0; i < 20; i++)
		share_and_end(fd, i + 1, memory + i * PAGE, 3);
}

static void check_events(const struct pendshare_event *events, int from, int count)
{
	for (int i = from; i < from + count; i++, events++) {
		CHECK_IS(events->id, i / 2 + 1);
		CHECK_IS(events->kind, i % 2 ? PENDSHARE_EVENT_END : PENDSHARE_EVENT_DOORBELL);
		if (!(i % 2))
			CHECK_IS(events->value, 3);
	}
}

TEST(bad_buffer, "PEND into memory that is not there loses no event and keeps their order")
{
	struct pendshare_event events[64];
	unsigned char *memory = region(20 * PAGE);
	unsigned char *buffer = region(2 * PAGE);
	struct pendshare_event *edge;
	int fd = device();

	queue_events(fd, memory);
	NEED(munmap(buffer + PAGE, PAGE) == 0);
	CHECK_IS(pend(fd, 0, NULL, 64), -EFAULT);
	CHECK_IS(pend(fd, 0, (void *)0xffffffff81000000, 64), -EFAULT);
	edge = (struct pendshare_event *)(buffer + PAGE) - 10;
	CHECK_IS(pend(fd, 0, edge, 64), -EFAULT);
	edge -= 10; /* a batch of 16 fits, the next does not */
	CHECK_IS(pend(fd, 0, edge, 64), 16);
	check_events(edge, 0, 16);
	CHECK_IS(pend(fd, 0, events, 64), 24);
	check_events(events, 16, 24);
	close(fd);
	munmap(buffer, PAGE);
	munmap(memory, 20 * PAGE);
	check_nothing_left();
}

TEST(bad_count, "events whose count cannot be written are not delivered")
{
	struct pendshare_event events[64];
	unsigned char *memory = region(20 * PAGE);
	struct pendshare_pend *args = region(PAGE);
	int fd = device();

	queue_events(fd, memory);
	*args = (struct pendshare_pend){
		.size = sizeof(*args),
		.events = (uintptr_t)events,
		.capacity = 64,
	};
	NEED(mprotect(args, PAGE, PROT_READ) == 0);
	CHECK_IS(call(fd, PENDSHARE_IOC_PEND, args), -EFAULT);
	CHECK_IS(pend(fd, 0, events, 64), 40);
	check_events(events, 0, 40);
	close(fd);
	munmap(args, PAGE);
	munmap(memory, 20 * PAGE);
	check_nothing_left();
}

TEST(bad_requests, "PEND refuses an empty array")
{
	struct pendshare_event event;
	int fd = device();

	CHECK_IS(pend(fd, 0, &event, 0), -EINVAL);
	close(fd);
}

MAIN
