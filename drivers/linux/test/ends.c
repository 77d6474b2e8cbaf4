// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* How a share's END is told: by PEND of its id, by RELEASE and CANCEL, and as the file closes. */
#include "pending.h"

TEST(by_id, "PEND of an id waits for that share, and takes its END alone")
{
	struct pending pending = { .fd = device(), .id = 2 };
	unsigned char *memory = region(2 * PAGE);
	struct pendshare_event event;
	struct thread thread;

	CHECK_IS(share(pending.fd, 1, memory, PAGE, "fill"), 0);
	CHECK_IS(share(pending.fd, 2, memory + PAGE, PAGE, ""), 0);
	thread_start(&thread, pend_once, &pending);
	until_blocked(thread.tid, SYS_ioctl);
	CHECK_IS(end(pending.fd, PENDSHARE_IOC_RELEASE, 2, 0, &event), 0);
	CHECK_IS(event.id, 2);
	CHECK_IS(event.reason, PENDSHARE_RELEASED);
	thread_join(&thread);
	CHECK_IS(pending.result, 1); /* both learn of the one end */
	CHECK_IS(memcmp(&event, &pending.events[0], sizeof(event)), 0);
	CHECK_IS(pend(pending.fd, 2, &event, 1), -ENOENT);
	CHECK_IS(pend(pending.fd, 0, &event, 1), 1);
	CHECK_IS(event.id, 1);
	CHECK_IS(event.kind, PENDSHARE_EVENT_DOORBELL);
	close(pending.fd);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

TEST(by_id_ended, "PEND of an id that has ended returns at once, and leaves its rings in the stream")
{
	struct pendshare_event events[8];
	void *memory = region(PAGE);
	int fd = device();

	share_and_end(fd, 1, memory, 3);
	CHECK_IS(pend(fd, 1, NULL, 1), -EFAULT);
	CHECK_IS(pend(fd, 1, events, 8), 1);
	CHECK_IS(events[0].kind, PENDSHARE_EVENT_END);
	CHECK_IS(pend(fd, 1, events, 8), -ENOENT);
	CHECK_IS(pend(fd, 0, events, 8), 1);
	CHECK_IS(events[0].kind, PENDSHARE_EVENT_DOORBELL);
	CHECK_IS(events[0].value, 3);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(release_returns, "RELEASE and CANCEL return the END; with NOWAIT it is queued")
{
	unsigned char *memory = region(4 * PAGE);
	struct pendshare_event event;
	int fd = device();

	for (int i = 0; i < 4; i++)
		CHECK_IS(share(fd, i + 1, memory + i * PAGE, PAGE, ""), 0);
	CHECK_IS(end(fd, PENDSHARE_IOC_RELEASE, 1, 0, &event), 0);
	CHECK_IS(event.kind, PENDSHARE_EVENT_END);
	CHECK_IS(event.reason, PENDSHARE_RELEASED);
	CHECK_IS(end(fd, PENDSHARE_IOC_CANCEL, 2, 0, &event), 0);
	CHECK_IS(event.reason, PENDSHARE_CANCELLED);
	CHECK_IS(info(fd).pinned_pages, 2);
	CHECK_IS(end(fd, PENDSHARE_IOC_RELEASE, 3, PENDSHARE_END_NOWAIT, &event), 0);
	CHECK_IS(event.kind, 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(event.id, 3);
	CHECK_IS(event.reason, PENDSHARE_RELEASED);
	close(fd);
	munmap(memory, 4 * PAGE);
	check_nothing_left();
}

TEST(release_of_ended, "ending what has ended gets EALREADY until its END was delivered")
{
	struct pendshare_event events[4];
	void *memory = region(PAGE);
	int fd = device();

	share_and_end(fd, 1, memory, 1);
	CHECK_IS(release_share(fd, 1), -EALREADY);
	CHECK_IS(end(fd, PENDSHARE_IOC_CANCEL, 1, PENDSHARE_END_NOWAIT, NULL), -EALREADY);
	CHECK_IS(notify(fd, 1), -EALREADY);
	CHECK_IS(share(fd, 1, memory, PAGE, ""), -EEXIST);
	CHECK_IS(pend(fd, 0, events, 4), 2);
	CHECK_IS(release_share(fd, 1), -ENOENT);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(release_badly, "an END that RELEASE could not return is queued")
{
	struct pendshare_end *args = region(PAGE);
	struct pendshare_event event;
	void *memory = region(PAGE);
	int fd = device();

	CHECK_IS(share(fd, 1, memory, PAGE, ""), 0);
	*args = (struct pendshare_end){ .size = sizeof(*args), .id = 1 };
	NEED(mprotect(args, PAGE, PROT_READ) == 0);
	CHECK_IS(call(fd, PENDSHARE_IOC_RELEASE, args), -EFAULT);
	CHECK_IS(pend(fd, 0, NULL, 1), -EFAULT);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(event.id, 1);
	CHECK_IS(event.reason, PENDSHARE_RELEASED);
	close(fd);
	munmap(args, PAGE);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(shutdown_drains, "SHUTDOWN ends all as CLOSED; PEND delivers them and then says ESHUTDOWN")
{
	unsigned char *memory = region(100 * PAGE);
	struct pendshare_event events[64];
	int fd = device();
	int ends = 0, got;

	for (int i = 0; i < 100; i++)
		CHECK_IS(share(fd, i + 1, memory + i * PAGE, PAGE, i % 2 ? "" : "fill"), 0);
	CHECK_IS(close_down(fd), 0);
	CHECK_IS(share(fd, 200, memory, PAGE, ""), -ESHUTDOWN);
	CHECK_IS(notify(fd, 1), -ESHUTDOWN);
	CHECK_IS(close_down(fd), 0);
	while ((got = pend(fd, 0, events, 64)) > 0)
		for (int i = 0; i < got; i++)
			if (events[i].kind == PENDSHARE_EVENT_END) {
				CHECK_IS(events[i].reason, PENDSHARE_CLOSED);
				ends++;
			}
	CHECK_IS(got, -ESHUTDOWN);
	CHECK_IS(ends, 100);
	CHECK_IS(info(fd).pinned_pages, 0);
	CHECK_IS(pend(fd, 0, events, 64), -ESHUTDOWN);
	CHECK_IS(close_down(fd), 0);
	close(fd);
	munmap(memory, 100 * PAGE);
	check_nothing_left();
}

TEST(shutdown_wakes, "SHUTDOWN wakes a PEND on a file without shares")
{
	struct pending pending = { .fd = device() };
	struct thread thread;

	thread_start(&thread, pend_once, &pending);
	until_blocked(thread.tid, SYS_ioctl);
	CHECK_IS(close_down(pending.fd), 0);
	thread_join(&thread);
	CHECK_IS(pending.result, -ESHUTDOWN);
	close(pending.fd);
}

MAIN
