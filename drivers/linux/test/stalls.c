// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* User memory that stalls, for as long as its owner likes, holds up its own call only. */
#include <linux/userfaultfd.h>

#include "pending.h"

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
