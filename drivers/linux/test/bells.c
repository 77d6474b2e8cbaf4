// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The page of bells: rings that reach the owner without a request, who may map it, and owners who write nonsense into it. */
#include <linux/userfaultfd.h>
#include <pendshare/bells.h>
#include <sys/epoll.h>

#include "pending.h"

struct belled {
	int fd;
	struct pendshare_bells_owner owner;
};

static void *map_with(int fd, size_t bytes, int protection, int flags, off_t offset)
{
	void *page = mmap(NULL, bytes, protection, flags, fd, offset);

	return page == MAP_FAILED ? NULL : page;
}

static void *map_bells(int fd)
{
	return map_with(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
}

static void belled_open(struct belled *belled)
{
	*belled = (struct belled){ .fd = device() };
	belled->owner.shared = map_bells(belled->fd);
	NEED(belled->owner.shared);
	set_nonblocking(belled->fd);
}

static void belled_close(struct belled *belled)
{
	munmap(belled->owner.shared, PAGE);
	close(belled->fd);
	check_nothing_left();
}

/* A share of one page that is filled so many times. */
static int share_belled(int fd, __u64 id, void *memory, __u32 bell, struct pendshare_fill_options options)
{
	struct pendshare_share args = lend(id, memory, PAGE, "fill");

	args.flags = PENDSHARE_SHARE_BELL;
	args.bell = bell;
	memcpy(args.options, &options, sizeof(options));
	args.options_size = sizeof(options);
	return share_args(fd, args);
}

static int polled(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLPRI };

	NEED(poll(&poll_fd, 1, timeout_ms) >= 0);
	return poll_fd.revents;
}

/* Adds up what has rung by now. Each place must be below `places`. */
static void take(struct belled *belled, __u64 *rung, __u32 places)
{
	for (__u32 left = pendshare_bells_waiting(&belled->owner); left > 0; left--) {
		__u32 place, rings = pendshare_bells_take(&belled->owner, &place);

		if (place < places)
			rung[place] += rings;
		else
			tap_fail("place %u was queued", place);
	}
}

TEST(rings, "a ring is counted in the page, is no event, and poll says so until it is taken")
{
	struct pendshare_event event;
	void *memory = region(PAGE);
	struct belled belled;
	__u64 rung[8] = { 0 };

	belled_open(&belled);
	CHECK_IS(polled(belled.fd, 0), 0);
	CHECK_IS(share_belled(belled.fd, 1, memory, 7, rounds(0, 0)), 0);
	CHECK_IS(polled(belled.fd, -1), POLLPRI);
	CHECK_IS(pend(belled.fd, 0, &event, 1), -EAGAIN);
	take(&belled, rung, 8);
	CHECK_IS(rung[7], 1);
	CHECK_IS(polled(belled.fd, 0), 0);
	for (int i = 0; i < 3; i++)
		CHECK_IS(notify(belled.fd, 1), 0);
	CHECK_IS(polled(belled.fd, -1), POLLPRI);
	CHECK_IS(end(belled.fd, PENDSHARE_IOC_RELEASE, 1, 0, &event), 0);
	CHECK_IS(event.kind, PENDSHARE_EVENT_END);
	take(&belled, rung, 8);
	CHECK(rung[7] > 1 && rung[7] <= 4);
	CHECK_IS(polled(belled.fd, 0), 0);
	munmap(memory, PAGE);
	belled_close(&belled);
}

TEST(ends, "rings that nobody took are counted, none lost, when the END is delivered")
{
	unsigned char *memory = region(20 * PAGE);
	struct pendshare_event events[64];
	struct belled belled;
	__u64 rung[20] = { 0 };

	belled_open(&belled);
	for (int i = 0; i < 20; i++)
		CHECK_IS(share_belled(belled.fd, i + 1, memory + i * PAGE, i, rounds(i + 1, 1000000)), 0);
	while (info(belled.fd).shares)
		sched_yield();
	CHECK_IS(polled(belled.fd, 0), POLLIN | POLLPRI);
	CHECK_IS(pend(belled.fd, 0, events, 64), 20);
	for (int i = 0; i < 20; i++)
		CHECK_IS(events[i].kind, PENDSHARE_EVENT_END);
	CHECK_IS(polled(belled.fd, 0), POLLPRI);
	take(&belled, rung, 20);
	for (int i = 0; i < 20; i++)
		CHECK_IS(rung[i], i + 1);
	CHECK_IS(polled(belled.fd, 0), 0);
	munmap(memory, 20 * PAGE);
	belled_close(&belled);
}

/* Takes by epoll until `shares` have ended; returns how often it was woken for bells. */
static unsigned int take_all(struct belled *belled, unsigned int shares, __u64 *rung, __u32 places)
{
	struct epoll_event wanted = { .events = EPOLLIN | EPOLLPRI }, got;
	struct pendshare_event events[64];
	int loop = epoll_create1(EPOLL_CLOEXEC), count;
	unsigned int wakes = 0;

	NEED(loop >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, belled->fd, &wanted) == 0);
	while (shares && !tap_failures) {
		NEED(epoll_wait(loop, &got, 1, -1) == 1);
		count = got.events & EPOLLIN ? pend(belled->fd, 0, events, 64) : 0;
		wakes += !!(got.events & EPOLLPRI);
		take(belled, rung, places);
		for (int i = 0; i < count; i++) {
			CHECK_IS(events[i].kind, PENDSHARE_EVENT_END);
			shares--;
		}
	}
	close(loop);
	return wakes;
}

TEST(loop, "an owner who polls loses no ring and no wake-up: many shares, many more rings than the queue has room")
{
	enum { SHARES = 24, ROUNDS = 200 };
	unsigned char *memory = region(SHARES * PAGE);
	struct belled belled;
	__u64 rung[SHARES] = { 0 };
	unsigned int wakes;

	belled_open(&belled);
	for (int i = 0; i < SHARES; i++)
		CHECK_IS(share_belled(belled.fd, i + 1, memory + i * PAGE, i, rounds(ROUNDS, 2000000 + i * 1000)),
			 0);
	wakes = take_all(&belled, SHARES, rung, SHARES);
	for (int i = 0; i < SHARES; i++)
		CHECK_IS(rung[i], ROUNDS);
	printf("# %u wake-ups for %d rings\n", wakes, SHARES * ROUNDS);
	munmap(memory, SHARES * PAGE);
	belled_close(&belled);
}

TEST(places, "all places at once, then more shares than there are: the last ring by PEND")
{
	unsigned char *memory = region((PENDSHARE_BELLS + 2) * PAGE);
	struct pendshare_event events[4];
	struct belled belled;
	__u64 rung[PENDSHARE_BELLS] = { 0 };

	belled_open(&belled);
	for (unsigned int i = 0; i < PENDSHARE_BELLS; i++)
		CHECK_IS(share_belled(belled.fd, i + 1, memory + i * PAGE, i, rounds(0, 0)), 0);
	CHECK_IS(share(belled.fd, 1000, memory + PENDSHARE_BELLS * PAGE, PAGE, "fill"), 0);
	for (unsigned int i = 0; i < PENDSHARE_BELLS && !tap_failures; i += !!rung[i])
		if (!rung[i] && polled(belled.fd, -1))
			take(&belled, rung, PENDSHARE_BELLS);
	for (unsigned int i = 0; i < PENDSHARE_BELLS; i++)
		CHECK_IS(rung[i], 1);
	while (!(polled(belled.fd, -1) & POLLIN))
		;
	CHECK_IS(pend(belled.fd, 0, events, 4), 1);
	CHECK_IS(events[0].id, 1000);
	CHECK_IS(events[0].kind, PENDSHARE_EVENT_DOORBELL);
	munmap(memory, (PENDSHARE_BELLS + 2) * PAGE);
	belled_close(&belled);
}

TEST(sleeper, "who blocks in PEND is not told of bells")
{
	struct pending pending = { .fd = device() };
	void *memory = region(PAGE);
	struct belled belled = { .fd = pending.fd };
	struct thread thread;
	__u64 rung[1] = { 0 };

	belled.owner.shared = map_bells(pending.fd);
	NEED(belled.owner.shared);
	thread_start(&thread, pend_once, &pending);
	until_blocked(thread.tid, SYS_ioctl);
	CHECK_IS(share_belled(pending.fd, 5, memory, 0, rounds(10, 100000)), 0);
	thread_join(&thread);
	CHECK_IS(pending.result, 1);
	CHECK_IS(pending.events[0].kind, PENDSHARE_EVENT_END);
	take(&belled, rung, 1);
	CHECK_IS(rung[0], 10);
	munmap(memory, PAGE);
	belled_close(&belled);
}

static int map_in_child(void *context)
{
	struct belled *belled = context;
	bool refused = !map_bells(belled->fd) && errno == EIO;
	unsigned char seen;

	/* its own copy of the address space lacks the page */
	return refused && mincore(belled->owner.shared, PAGE, &seen) < 0 && errno == ENOMEM ? 0 : 1;
}

TEST(mapping, "one page, shared, of the owner's, is all that can be mapped, as often as it likes")
{
	const int both = PROT_READ | PROT_WRITE;
	void *memory = region(PAGE), *again;
	struct belled belled;
	__u64 rung[1] = { 0 };

	belled_open(&belled);
	CHECK(!map_with(belled.fd, 2 * PAGE, both, MAP_SHARED, 0) && errno == EINVAL);
	CHECK(!map_with(belled.fd, PAGE, both, MAP_SHARED, PAGE) && errno == EINVAL);
	CHECK(!map_with(belled.fd, PAGE, both, MAP_PRIVATE, 0) && errno == EINVAL);
	CHECK(!map_with(belled.fd, PAGE, both | PROT_EXEC, MAP_SHARED, 0) && errno == EINVAL);
	CHECK(mprotect(belled.owner.shared, PAGE, both | PROT_EXEC) < 0);
	CHECK(mremap(belled.owner.shared, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_IS(in_child(map_in_child, &belled), 0);
	again = map_bells(belled.fd);
	CHECK(again && frame(again) == frame(belled.owner.shared));
	CHECK_IS(share(belled.fd, 2, again, PAGE, "fill"), -EOPNOTSUPP); /* it is the kernel's own */
	CHECK_IS(share_belled(belled.fd, 1, memory, 0, rounds(0, 0)), 0);
	CHECK_IS(polled(belled.fd, -1), POLLPRI);
	munmap(belled.owner.shared, PAGE);
	belled.owner.shared = again;
	take(&belled, rung, 1);
	CHECK_IS(rung[0], 1);
	CHECK_IS(revoke_all(belled.fd, 0), 0);
	CHECK(!map_bells(belled.fd) && errno == ENODEV);
	munmap(memory, PAGE);
	belled_close(&belled);
}

static int look_in_child(void *page)
{
	return *(volatile __u32 *)page;
}

TEST(no_memory, "the page is no memory of the owner's: no fault of it can be handled, it cannot be handed to a child, and once dropped it is gone")
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register wanted = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	void *memory = region(PAGE);
	struct belled belled;

	belled_open(&belled);
	wanted.range.start = (uintptr_t)belled.owner.shared;
	wanted.range.len = PAGE;
	NEED(faults >= 0 && ioctl(faults, UFFDIO_API, &api) == 0);
	CHECK(ioctl(faults, UFFDIO_REGISTER, &wanted) < 0);
	CHECK(madvise(belled.owner.shared, PAGE, MADV_DOFORK) < 0);
	CHECK_IS(share_belled(belled.fd, 1, memory, 0, rounds(0, 1000000)), 0);
	CHECK_IS(polled(belled.fd, -1), POLLPRI);
	if (!madvise(belled.owner.shared, PAGE, MADV_DONTNEED))
		CHECK_IS(in_child(look_in_child, belled.owner.shared), -SIGSEGV); /* it has none anyway */
	CHECK_IS(release_share(belled.fd, 1), 0);
	close(faults);
	munmap(memory, PAGE);
	belled_close(&belled);
}

TEST(refusals, "a bell needs its page, its flag and a place that there is")
{
	struct pendshare_share args = lend(1, region(PAGE), PAGE, "fill");
	int fd = device();
	void *page;

	args.flags = PENDSHARE_SHARE_BELL;
	CHECK_IS(share_args(fd, args), -EINVAL);
	page = map_bells(fd);
	NEED(page);
	args.bell = PENDSHARE_BELLS;
	CHECK_IS(share_args(fd, args), -EINVAL);
	args.bell = 1;
	args.flags = 0;
	CHECK_IS(share_args(fd, args), -EINVAL);
	args.flags = PENDSHARE_SHARE_BELL;
	CHECK_IS(share_args(fd, args), 0);
	CHECK_IS(release_share(fd, 1), 0);
	munmap(page, PAGE);
	close(fd);
	check_nothing_left();
}

TEST(closing, "a mapping keeps the file and its shares, and munmap() of it ends them")
{
	void *memory = region(PAGE);
	struct belled belled;
	int other = device();

	belled_open(&belled);
	CHECK_IS(share_belled(belled.fd, 1, memory, 0, rounds(0, 1000000)), 0);
	close(belled.fd);
	CHECK_IS(info(other).total_shares, 1);
	while (!pendshare_bells_waiting(&belled.owner))
		sched_yield();
	munmap(belled.owner.shared, PAGE);
	CHECK_IS(info(other).total_shares, 0);
	close(other);
	munmap(memory, PAGE);
	check_nothing_left();
}

struct scribbler {
	volatile __u32 *page;
	volatile bool stop;
};

static void *scribble(void *context)
{
	struct scribbler *scribbler = context;
	__u32 state = 1;

	while (!scribbler->stop)
		for (unsigned int word = 0; word < PAGE / 4; word++) {
			state = state * 1664525 + 1013904223;
			scribbler->page[word] = state;
		}
	return NULL;
}

TEST(hostile, "an owner who scribbles over the page while shares ring hurts nobody: other files ring right")
{
	unsigned char *memory = region(17 * PAGE);
	struct belled hostile, honest;
	struct scribbler scribbler = { 0 };
	__u64 rung[PENDSHARE_BELLS] = { 0 };
	struct thread thread;

	belled_open(&hostile);
	belled_open(&honest);
	scribbler.page = (void *)hostile.owner.shared;
	thread_start(&thread, scribble, &scribbler);
	for (int i = 0; i < 16; i++)
		CHECK_IS(share_belled(hostile.fd, i + 1, memory + i * PAGE, i % 3, rounds(0, 2000000)), 0);
	CHECK_IS(share_belled(honest.fd, 1, memory + 16 * PAGE, 255, rounds(200, 2000000)), 0);
	while (info(honest.fd).shares)
		polled(hostile.fd, 0);
	for (int i = 0; i < 16; i++)
		CHECK_IS(release_share(hostile.fd, i + 1), 0);
	scribbler.stop = true;
	thread_join(&thread);
	take(&honest, rung, PENDSHARE_BELLS);
	CHECK_IS(rung[255], 200);
	munmap(memory, 17 * PAGE);
	munmap(hostile.owner.shared, PAGE);
	close(hostile.fd);
	belled_close(&honest);
}

static int die_while_rung(void *context)
{
	struct belled belled;
	unsigned char *memory = region(8 * PAGE);

	belled_open(&belled);
	for (int i = 0; i < 8; i++)
		NEED(share_belled(belled.fd, i + 1, memory + i * PAGE, i, rounds(0, 1000000)) == 0);
	while (!pendshare_bells_waiting(&belled.owner))
		sched_yield();
	kill(getpid(), SIGKILL);
	return 0;
}

TEST(death, "an owner that is killed while its bells ring leaves nothing")
{
	for (int i = 0; i < 20; i++)
		CHECK_IS(in_child(die_while_rung, NULL), -SIGKILL);
	check_nothing_left();
}

MAIN
