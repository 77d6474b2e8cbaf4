// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A signal in the middle of a call: it goes on, begins again, or has its documented answer. */
#include <sys/time.h>

#include "pending.h"

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	signals++;
}

static void handle(int number, int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };

	NEED(sigaction(number, &action, NULL) == 0);
}

TEST(interrupted, "a signal ends the wait with EINTR and leaves the share alone")
{
	struct pending pending = { .fd = device(), .id = 1 };
	void *memory = region(PAGE);
	struct thread thread;

	handle(SIGUSR1, 0);
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
	handle(SIGUSR1, SA_RESTART);
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

#define FIRE_US 300 /* shorter than an open takes on some kernels, so that a call that only began again would not end */
#define ROUNDS 100

/* A signal comes every FIRE_US from here on; 0: no more. */
static void fire(int flags, int period_us)
{
	struct itimerval every = { { 0, period_us }, { 0, period_us } };

	if (period_us)
		handle(SIGALRM, flags);
	NEED(setitimer(ITIMER_REAL, &every, NULL) == 0);
}

static void every_call(int flags, unsigned char *memory)
{
	struct pendshare_fill_options options = rounds(1, 1000000);
	struct pendshare_event event;
	int fd = open(PENDSHARE_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	int ret;

	CHECK_IS(fd < 0 ? -errno : 0, 0);
	if (fd < 0)
		return;
	info(fd);
	CHECK_IS(share(fd, 1, memory, 64 * PAGE, "fill"), 0);
	CHECK_IS(notify(fd, 1), 0);
	CHECK_IS(release_share(fd, 1), 0);
	CHECK_IS(share(fd, 2, memory, PAGE, ""), 0);
	CHECK_IS(revoke_all(fd, 3600000), 0);
	CHECK_IS(end(fd, PENDSHARE_IOC_CANCEL, 2, 0, &event), 0);
	CHECK_IS(SHARE_WITH(fd, 3, memory, PAGE, "fill", options), 0);
	do
		ret = pend(fd, 3, &event, 1);
	while (ret == -EINTR && !flags); /* a wait with no SA_RESTART says so, and is the only one that does */
	CHECK_IS(ret, 1);
	CHECK_IS(event.reason, PENDSHARE_PEER_ENDED);
	CHECK_IS(close_down(fd), 0);
	close(fd);
}

static void under_fire(int flags)
{
	unsigned char *memory = region(64 * PAGE);

	signals = 0;
	fire(flags, FIRE_US);
	for (int i = 0; i < ROUNDS || signals < ROUNDS; i++)
		every_call(flags, memory);
	fire(flags, 0);
	munmap(memory, 64 * PAGE);
	check_nothing_left();
}

TEST(under_fire_restarting, "with a signal every 300 us no call fails: open, SHARE, NOTIFY, RELEASE, CANCEL, REVOKE, PEND")
{
	under_fire(SA_RESTART);
}

TEST(under_fire_interrupting, "nor without SA_RESTART, but for the PEND that waits")
{
	under_fire(0);
}

MAIN
