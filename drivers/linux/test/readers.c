// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Several threads on one stream of events: each END once, whatever the others do. */
#include "driver.h"

#define LENT_PAGES 100

static unsigned char *memory; /* LENT_PAGES pages */

__attribute__((constructor)) static void allocate(void)
{
	memory = region(LENT_PAGES * PAGE);
}

#define SHARES 4000

static unsigned char seen[SHARES + 1];
static int reading_fd;

static void *read_ends(void *context)
{
	struct pendshare_event events[5];
	int got;

	while ((got = pend(reading_fd, 0, events, 5)) > 0)
		for (int i = 0; i < got; i++)
			if (events[i].kind == PENDSHARE_EVENT_END)
				__atomic_fetch_add(&seen[events[i].id], 1, __ATOMIC_RELAXED);
	return (void *)(intptr_t)got;
}

TEST(many_readers, "four threads in PEND get each END once between them")
{
	struct thread readers[4];

	reading_fd = device();
	for (int i = 0; i < 4; i++)
		thread_start(&readers[i], read_ends, NULL);
	for (int i = 1; i <= SHARES; i++) {
		CHECK_IS(share(reading_fd, i, memory + i % 64 * PAGE, PAGE, ""), 0);
		if (i % 3)
			CHECK_IS(end(reading_fd, PENDSHARE_IOC_RELEASE, i, PENDSHARE_END_NOWAIT, NULL), 0);
	}
	CHECK_IS(close_down(reading_fd), 0);
	for (int i = 0; i < 4; i++)
		CHECK_IS((intptr_t)thread_join(&readers[i]), -ESHUTDOWN);
	for (int i = 1; i <= SHARES; i++)
		if (seen[i] != 1)
			tap_fail("END of share %d was seen %d times", i, seen[i]);
	close(reading_fd);
	check_nothing_left();
}

#define LENT 10000

/*
 * A share's memory becomes the next one's, of either lender or of both readers: of one run and of many, ended in the
 * call and behind it.
 */
static void *lend_over_and_over(void *context)
{
	intptr_t half = (intptr_t)context;
	intptr_t wrong = 0;

	for (int i = 0; i < LENT; i++) {
		__u64 id = 1 + i * 2 + half;
		__u32 flags = i % 3 ? 0 : PENDSHARE_END_NOWAIT;
		struct pendshare_event event;

		wrong += share(reading_fd, id, memory + half * (LENT_PAGES / 2) * PAGE, (1 + i % 40) * PAGE, "") != 0;
		wrong += end(reading_fd, PENDSHARE_IOC_RELEASE, id, flags, &event) != 0;
		if (!flags)
			wrong += event.id != id || event.reason != PENDSHARE_RELEASED || event.value != 0;
	}
	return (void *)wrong;
}

static unsigned char heard[2 * LENT + 1];

static void *hear_ends(void *context)
{
	struct pendshare_event events[3];
	intptr_t wrong = 0;
	int got;

	while ((got = pend(reading_fd, 0, events, 3)) > 0)
		for (int i = 0; i < got; i++) {
			wrong += events[i].kind != PENDSHARE_EVENT_END || events[i].reason != PENDSHARE_RELEASED;
			__atomic_fetch_add(&heard[events[i].id], 1, __ATOMIC_RELAXED);
		}
	return (void *)wrong;
}

TEST(lenders, "two threads lend and release 10,000 times each on one file: each END is its own share's, once")
{
	struct thread lenders[2], readers[2];

	reading_fd = device();
	for (intptr_t i = 0; i < 2; i++) {
		thread_start(&readers[i], hear_ends, NULL);
		thread_start(&lenders[i], lend_over_and_over, (void *)i);
	}
	for (int i = 0; i < 2; i++)
		CHECK_IS((intptr_t)thread_join(&lenders[i]), 0);
	CHECK_IS(close_down(reading_fd), 0);
	for (int i = 0; i < 2; i++)
		CHECK_IS((intptr_t)thread_join(&readers[i]), 0);
	for (int id = 1; id <= 2 * LENT; id++)
		if (heard[id] != ((id - 1) / 2 % 3 == 0))
			tap_fail("END of share %d was heard %d times", id, heard[id]);
	close(reading_fd);
	check_nothing_left();
}

/* Two threads that only fault: bad buffers must not lose what others read. */
static void *read_badly(void *context)
{
	int got;

	do
		got = pend(reading_fd, 0, (void *)8, 3);
	while (got == -EFAULT);
	return (void *)(intptr_t)got;
}

TEST(faulting_readers, "threads whose PEND faults take no END from those that read")
{
	struct thread readers[4];

	memset(seen, 0, sizeof(seen));
	reading_fd = device();
	for (int i = 0; i < 4; i++)
		thread_start(&readers[i], i % 2 ? read_badly : read_ends, NULL);
	for (int i = 1; i <= SHARES / 4; i++) {
		CHECK_IS(share(reading_fd, i, memory + i % 64 * PAGE, PAGE, i % 2 ? "fill" : ""), 0);
		CHECK_IS(end(reading_fd, PENDSHARE_IOC_CANCEL, i, PENDSHARE_END_NOWAIT, NULL), 0);
	}
	CHECK_IS(close_down(reading_fd), 0);
	for (int i = 0; i < 4; i++)
		CHECK_IS((intptr_t)thread_join(&readers[i]), -ESHUTDOWN);
	for (int i = 1; i <= SHARES / 4; i++)
		if (seen[i] != 1)
			tap_fail("END of share %d was seen %d times", i, seen[i]);
	close(reading_fd);
	check_nothing_left();
}

MAIN
