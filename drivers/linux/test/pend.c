// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* PEND, and what becomes of events when nobody waits, the buffer is bad, or the file closes. */
#include <linux/userfaultfd.h>

#include "driver.h"

struct pending {
	int fd;
	__u64 id;
	int result;
	struct pendshare_event events[64];
};

static void *pend_once(void *context)
{
	struct pending *pending = context;

	pending->result = pend(pending->fd, pending->id, pending->events, 64);
	return NULL;
}

static struct pendshare_fill_options rounds(__u64 count, __u64 period_ns)
{
	return (struct pendshare_fill_options){ .rounds = count, .period_ns = period_ns };
}

/* A share whose END and rings are queued: it was filled so many times. */
static void share_and_end(int fd, __u64 id, void *memory, __u64 count)
{
	struct pendshare_fill_options options = rounds(count, count > 1 ? 100000 : 0);
	struct pendshare_info now;

	CHECK_IS(SHARE_WITH(fd, id, memory, PAGE, "fill", options), 0);
	do
		now = info(fd);
	while (now.shares);
}

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

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	signals++;
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };

	NEED(sigaction(SIGUSR1, &action, NULL) == 0);
}

TEST(interrupted, "a signal ends the wait with EINTR and leaves the share alone")
{
	struct pending pending = { .fd = device(), .id = 1 };
	void *memory = region(PAGE);
	struct thread thread;

	handle(0);
	CHECK_IS(share(pending.fd, 1, memory, PAGE, ""), 0);
	for (pending.id = 0; pending.id <= 1; pending.id++) {
		thread_start(&thread, pend_once, &pending);
		until_blocked(thread.tid, SYS_ioctl);
		pthread_kill(thread.handle, SIGUSR1);
		thread_join(&thread);
		CHECK_IS(pending.result, -EINTR);
	}
	CHECK_IS(info(pending.fd).shares, 1);
	CHECK_IS(release_share(pending.fd, 1), 0);
	close(pending.fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(restarted, "with SA_RESTART the wait goes on")
{
	struct pending pending = { .fd = device() };
	void *memory = region(PAGE);
	struct thread thread;

	signals = 0;
	handle(SA_RESTART);
	thread_start(&thread, pend_once, &pending);
	until_blocked(thread.tid, SYS_ioctl);
	pthread_kill(thread.handle, SIGUSR1);
	while (!signals)
		sched_yield();
	until_blocked(thread.tid, SYS_ioctl);
	CHECK_IS(share(pending.fd, 1, memory, PAGE, "fill"), 0);
	thread_join(&thread);
	CHECK_IS(pending.result, 1);
	close(pending.fd);
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

/* Two pages whose first touch stalls until they are filled through the descriptor that is returned. */
static int stalling(unsigned char **memory)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	*memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)*memory;
	range.range.len = 2 * PAGE;
	NEED(ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &range) == 0);
	return fd;
}

static void until_stalled(int fault_fd)
{
	struct pollfd fault = { .fd = fault_fd, .events = POLLIN };
	struct uffd_msg message;

	NEED(poll(&fault, 1, -1) == 1);
	NEED(read(fault_fd, &message, sizeof(message)) == sizeof(message));
	NEED(message.event == UFFD_EVENT_PAGEFAULT);
}

static void unstall(int fault_fd, unsigned char *memory)
{
	struct uffdio_zeropage zero = { .range = { (uintptr_t)memory, 2 * PAGE } };

	NEED(ioctl(fault_fd, UFFDIO_ZEROPAGE, &zero) == 0);
}

struct stalled_pend {
	int fd;
	struct pendshare_event *events;
	int result;
};

static void *pend_stalled(void *context)
{
	struct stalled_pend *stalled = context;

	stalled->result = pend(stalled->fd, 0, stalled->events, 8);
	return NULL;
}

TEST(stalled_pend, "a PEND that stalls on its buffer holds up nobody else")
{
	struct stalled_pend stalled = { .fd = device() };
	unsigned char *memory = region(4 * PAGE);
	struct pendshare_event events[2];
	int fault_fd = stalling((unsigned char **)&stalled.events);
	struct thread thread;

	if (fault_fd < 0)
		SKIP("no userfaultfd");
	share_and_end(stalled.fd, 1, memory, 1);
	thread_start(&thread, pend_stalled, &stalled);
	until_stalled(fault_fd);
	CHECK_IS(share(stalled.fd, 2, memory + PAGE, PAGE, ""), 0);
	CHECK_IS(release_share(stalled.fd, 2), 0);
	share_and_end(stalled.fd, 3, memory + 2 * PAGE, 1);
	CHECK_IS(pend(stalled.fd, 0, events, 2), 2);
	CHECK_IS(events[1].id, 3);
	CHECK_IS(events[1].kind, PENDSHARE_EVENT_END);
	CHECK_IS(close_down(stalled.fd), 0);
	set_nonblocking(stalled.fd);
	CHECK_IS(pend(stalled.fd, 0, events, 1), -EAGAIN); /* the last events may yet come back */
	unstall(fault_fd, (unsigned char *)stalled.events);
	thread_join(&thread);
	CHECK(stalled.result >= 2);
	CHECK_IS(stalled.events[1].id, 1);
	CHECK_IS(stalled.events[1].kind, PENDSHARE_EVENT_END);
	CHECK_IS(pend(stalled.fd, 0, events, 1), -ESHUTDOWN);
	close(stalled.fd);
	close(fault_fd);
	munmap(stalled.events, 2 * PAGE);
	munmap(memory, 4 * PAGE);
	check_nothing_left();
}

struct sharing {
	int fd;
	void *memory;
	int done; /* end of a pipe */
	int result;
};

static void *share_two_pages(void *context)
{
	struct sharing *sharing = context;

	sharing->result = share(sharing->fd, 1, sharing->memory, 2 * PAGE, "");
	NEED(write(sharing->done, "", 1) == 1);
	return NULL;
}

/* Whether it stalls: older kernels (6.1) do not wait for user space while they pin for long, but say EFAULT. */
static bool stalls(int fault_fd, int done)
{
	struct pollfd either[] = { { .fd = fault_fd, .events = POLLIN },
				   { .fd = done, .events = POLLIN } };

	NEED(poll(either, 2, -1) >= 1);
	return either[0].revents;
}

TEST(stalled_share, "a SHARE that stalls while pinning holds up nobody, and sees a SHUTDOWN")
{
	struct sharing sharing = { .fd = device() };
	int fault_fd = stalling((unsigned char **)&sharing.memory);
	void *memory = region(PAGE);
	struct pendshare_event event;
	struct thread thread;
	int done[2];

	if (fault_fd < 0)
		SKIP("no userfaultfd");
	NEED(pipe(done) == 0);
	sharing.done = done[1];
	thread_start(&thread, share_two_pages, &sharing);
	if (!stalls(fault_fd, done[0])) {
		thread_join(&thread);
		CHECK_IS(sharing.result, -EFAULT);
		close(sharing.fd);
		check_nothing_left();
		return;
	}
	until_stalled(fault_fd);
	CHECK_IS(release_share(sharing.fd, 1), -ENOENT); /* nothing was shared yet */
	CHECK_IS(share(sharing.fd, 2, memory, PAGE, ""), 0);
	CHECK_IS(release_share(sharing.fd, 2), 0);
	CHECK_IS(close_down(sharing.fd), 0);
	CHECK_IS(pend(sharing.fd, 0, &event, 1), -ESHUTDOWN);
	unstall(fault_fd, sharing.memory);
	thread_join(&thread);
	CHECK_IS(sharing.result, -ESHUTDOWN);
	CHECK_IS(info(sharing.fd).pinned_pages, 0);
	close(sharing.fd);
	close(fault_fd);
	munmap(sharing.memory, 2 * PAGE);
	munmap(memory, PAGE);
	check_nothing_left();
}

MAIN
