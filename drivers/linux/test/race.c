// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One end, whoever races: each round lends a batch of shares, lets two threads loose on them at the same
 * moment, and then accounts for every END. The loser of a share is soon done with it and catches up with the winner, so
 * the two keep meeting. A batch a round, because threads that start together are dear where processors are few.
 */
#include "driver.h"

#define BATCH 100
#define ROUNDS 100	/* x BATCH = 10,000 races */
#define FILE_ROUNDS 50	/* where a round takes an open file */

static unsigned char *memory; /* BATCH pages */

__attribute__((constructor)) static void allocate(void)
{
	memory = region(BATCH * PAGE);
}

/* The other side of a race: calls what it is told for each share of the batch. */
struct rival {
	int (*act)(struct rival *rival, __u64 id);
	int count; /* of calls a round */
	int fd;
	__u64 first;
	int results[BATCH];
	struct pendshare_event events[BATCH];
	pthread_barrier_t start, finish;
	bool stop;
	struct thread thread;
};

static void *rival_main(void *context)
{
	struct rival *rival = context;

	for (;;) {
		pthread_barrier_wait(&rival->start);
		if (rival->stop)
			return NULL;
		for (int i = 0; i < rival->count; i++)
			rival->results[i] = rival->act(rival, rival->first + i);
		pthread_barrier_wait(&rival->finish);
	}
}

static void rival_start(struct rival *rival, int (*act)(struct rival *, __u64), int count)
{
	*rival = (struct rival){ .act = act, .count = count };
	pthread_barrier_init(&rival->start, NULL, 2);
	pthread_barrier_init(&rival->finish, NULL, 2);
	thread_start(&rival->thread, rival_main, rival);
}

static void rival_stop(struct rival *rival)
{
	rival->stop = true;
	pthread_barrier_wait(&rival->start);
	thread_join(&rival->thread);
}

static int cancel(struct rival *rival, __u64 id)
{
	return end(rival->fd, PENDSHARE_IOC_CANCEL, id, 0, &rival->events[id - rival->first]);
}

static int notify_rival(struct rival *rival, __u64 id)
{
	return notify(rival->fd, id);
}

static int shut_down(struct rival *rival, __u64 id)
{
	return close_down(rival->fd);
}

static int revoke_rival(struct rival *rival, __u64 id)
{
	return revoke_all(rival->fd, 0);
}

/* Every fourth has a peer. */
static void lend_batch(int fd, __u64 first)
{
	for (int i = 0; i < BATCH; i++)
		CHECK_IS(share(fd, first + i, memory + i * PAGE, PAGE, i % 4 ? "" : "fill"), 0);
}

/* ENDs in the stream until it is dry (nonblocking) or over; each must have that reason. */
static int ends_queued(int fd, __u32 reason)
{
	struct pendshare_event events[16];
	int got, ends = 0;

	while ((got = pend(fd, 0, events, 16)) > 0)
		for (int i = 0; i < got; i++)
			if (events[i].kind == PENDSHARE_EVENT_END) {
				CHECK_IS(events[i].reason, reason);
				ends++;
			}
	return ends;
}

static void check_race(int result, const struct pendshare_event *event, int rival_result,
		       const struct pendshare_event *rival_event)
{
	CHECK_IS((result == 0) + (rival_result == 0), 1);
	if (result == 0) {
		CHECK_IS(event->reason, PENDSHARE_RELEASED);
		CHECK(rival_result == -EALREADY || rival_result == -ENOENT);
	} else {
		CHECK_IS(rival_event->reason, PENDSHARE_CANCELLED);
		CHECK(result == -EALREADY || result == -ENOENT);
	}
}

TEST(release_cancel, "10,000 releases against cancels: exactly one wins, and returns the one END")
{
	static struct pendshare_event events[BATCH];
	static int results[BATCH];
	static struct rival rival;
	int fd = device(), released = 0;

	set_nonblocking(fd);
	rival_start(&rival, cancel, BATCH);
	rival.fd = fd;
	for (int round = 0; round < ROUNDS && !tap_failures; round++) {
		rival.first = round * BATCH + 1;
		lend_batch(fd, rival.first);
		pthread_barrier_wait(&rival.start);
		for (int i = 0; i < BATCH; i++)
			results[i] = end(fd, PENDSHARE_IOC_RELEASE, rival.first + i, 0, &events[i]);
		pthread_barrier_wait(&rival.finish);
		for (int i = 0; i < BATCH; i++) {
			check_race(results[i], &events[i], rival.results[i], &rival.events[i]);
			released += results[i] == 0;
		}
		CHECK_IS(ends_queued(fd, 0), 0);
	}
	rival_stop(&rival);
	printf("# %d released, %d cancelled\n", released, ROUNDS * BATCH - released);
	close(fd);
	check_nothing_left();
}

TEST(release_notify, "10,000 releases against notifications: the peer is there or it is not")
{
	static struct rival rival;
	int fd = device(), notified = 0;

	rival_start(&rival, notify_rival, BATCH);
	rival.fd = fd;
	for (int round = 0; round < ROUNDS && !tap_failures; round++) {
		rival.first = round * BATCH + 1;
		for (int i = 0; i < BATCH; i++)
			CHECK_IS(share(fd, rival.first + i, memory + i * PAGE, PAGE, "fill"), 0);
		pthread_barrier_wait(&rival.start);
		for (int i = 0; i < BATCH; i++)
			CHECK_IS(release_share(fd, rival.first + i), 0);
		pthread_barrier_wait(&rival.finish);
		for (int i = 0; i < BATCH; i++) {
			int result = rival.results[i];

			CHECK(result == 0 || result == -EALREADY || result == -ENOENT);
			notified += result == 0;
		}
	}
	rival_stop(&rival);
	printf("# %d were notified first\n", notified);
	close(fd);
	check_nothing_left();
}

/* Rounds on a file each: every END is either returned with our reason or queued with the rival's. */
static void race_file(int (*act)(struct rival *, __u64), __u32 reason, int drained)
{
	static struct rival rival;
	int released = 0;

	rival_start(&rival, act, 1);
	for (int round = 0; round < FILE_ROUNDS && !tap_failures; round++) {
		struct pendshare_event event;
		int lost = 0;

		rival.fd = device();
		lend_batch(rival.fd, 1);
		pthread_barrier_wait(&rival.start);
		for (int i = 0; i < BATCH; i++) {
			int result = end(rival.fd, PENDSHARE_IOC_RELEASE, i + 1, 0, &event);

			if (result == 0)
				CHECK_IS(event.reason, PENDSHARE_RELEASED);
			else
				CHECK(result == -EALREADY || result == -ENODEV || result == -ENOENT);
			lost += result != 0;
		}
		pthread_barrier_wait(&rival.finish);
		CHECK_IS(rival.results[0], 0);
		CHECK_IS(ends_queued(rival.fd, reason), lost);
		CHECK_IS(pend(rival.fd, 0, &event, 1), drained);
		released += BATCH - lost;
		close(rival.fd);
	}
	rival_stop(&rival);
	printf("# %d of %d were released first\n", released, FILE_ROUNDS * BATCH);
	check_nothing_left();
}

TEST(release_shutdown, "releases against SHUTDOWN: one END each, returned or queued")
{
	race_file(shut_down, PENDSHARE_CLOSED, -ESHUTDOWN);
}

TEST(release_revoke, "releases against REVOKE: one END each, returned or queued")
{
	race_file(revoke_rival, PENDSHARE_DEVICE_REMOVED, -ENODEV);
}

TEST(share_shutdown, "SHARE against SHUTDOWN: refused, or ended as CLOSED")
{
	static struct rival rival;
	int accepted = 0;

	rival_start(&rival, shut_down, 1);
	for (int round = 0; round < FILE_ROUNDS && !tap_failures; round++) {
		int count = 0;

		rival.fd = device();
		pthread_barrier_wait(&rival.start);
		for (int i = 0; i < BATCH; i++) {
			int result = share(rival.fd, i + 1, memory + i * PAGE, PAGE, i % 2 ? "fill" : "");

			CHECK(result == 0 || result == -ESHUTDOWN);
			count += result == 0;
		}
		pthread_barrier_wait(&rival.finish);
		CHECK_IS(ends_queued(rival.fd, PENDSHARE_CLOSED), count);
		accepted += count;
		close(rival.fd);
	}
	rival_stop(&rival);
	printf("# %d of %d were accepted\n", accepted, FILE_ROUNDS * BATCH);
	check_nothing_left();
}

#define SELF_ROUNDS 2500

/* A share that ends by itself at about the time of the release. */
static void race_itself(__u64 deadline_ns, __u64 fills, __u32 reason)
{
	int fd = device();
	int released = 0;

	for (int i = 0; i < SELF_ROUNDS && !tap_failures; i++) {
		struct pendshare_share args = lend(i + 1, memory, PAGE, fills ? "fill" : "");
		struct pendshare_fill_options options = { .rounds = fills };
		struct pendshare_event event;
		int result;

		args.deadline_ns = deadline_ns ? deadline_ns + i % 64 * 1000 : 0;
		if (fills) {
			memcpy(args.options, &options, sizeof(options));
			args.options_size = sizeof(options);
		}
		CHECK_IS(share_args(fd, args), 0);
		for (int spin = 0; spin < i % 256 * 128; spin++)
			__asm__ volatile("" ::: "memory");
		result = end(fd, PENDSHARE_IOC_RELEASE, i + 1, 0, &event);
		if (result == 0) {
			CHECK_IS(event.reason, PENDSHARE_RELEASED);
			CHECK_IS(pend(fd, i + 1, &event, 1), -ENOENT);
			released++;
		} else {
			CHECK_IS(result, -EALREADY);
			event = next_but_doorbells(fd);
			CHECK_IS(event.id, i + 1);
			CHECK_IS(event.kind, PENDSHARE_EVENT_END);
			CHECK_IS(event.reason, reason);
		}
	}
	printf("# %d of %d were released first\n", released, SELF_ROUNDS);
	close(fd);
	check_nothing_left();
}

TEST(release_deadline, "releases against deadlines")
{
	race_itself(20000, 0, PENDSHARE_DEADLINE);
}

TEST(release_peer, "releases against peers that end")
{
	race_itself(0, 1, PENDSHARE_PEER_ENDED);
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

		wrong += share(reading_fd, id, memory + half * (BATCH / 2) * PAGE, (1 + i % 40) * PAGE, "") != 0;
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
