// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One end, whoever races: each round lends a batch of shares, lets two threads loose on them at the same
 * moment, and then accounts for every END. The loser of a share is soon done with it and catches up with the winner, so
 * the two keep meeting. A batch a round, because threads that start together are dear where processors are few.
 */
#include "driver.h"

#define BATCH 100
#define ROUNDS at_most(100)	/* x BATCH = 10,000 races */
#define FILE_ROUNDS at_most(50)	/* where a round takes an open file */

static unsigned char *memory; /* BATCH pages */

/* So many rounds, or what PENDSHARE_RACES says of a hundred of them. */
static int at_most(int rounds)
{
	const char *percent = getenv("PENDSHARE_RACES");

	return percent ? (rounds * atoi(percent) + 99) / 100 : rounds;
}

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

#define SELF_ROUNDS at_most(2500)

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

MAIN
