// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Races the ends of a share against one another and against its parking.
 *
 * Each round: a fresh handle and share; every contender runs once, as a fiber of its own beside
 * those of the work items. Then it must hold that the request was completed once, that the reason
 * names a contender, and that RELEASE and CANCEL were told they won only if they did. The
 * memory is freed the moment the request completes: whoever touches it later is caught by the
 * sanitizer. All winners are counted, and a race that one side never won was none: it fails.
 */
#include <time.h>

#include "../tap.h"
#include "guest.h"

#define BOTH (PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE)
#define MOST 4
#define ID 42
#define MOST_PAGES 2 /* the least that holds a ring */

/* One round, as its contenders see it. */
struct round {
	struct handle *handle;
	struct io *io; /* of SHARE */
	void *memory;
	const struct pendshare_share *share;
	NTSTATUS release;
	NTSTATUS cancel;
	ULONG64 rings;		 /* that PEND told of */
	unsigned int last_event; /* the order of the last PEND with an event of the share */
	bool accepted_late;	 /* another event came before ACCEPTED */
	int guests_left;	 /* after unregistering */
};

struct contender {
	const char *name;
	ULONG reason; /* that it gives; 0: it gives none */
	void (*run)(struct round *round);
};

static void do_share(struct round *round)
{
	fake_submit(round->io);
}

static void do_release(struct round *round)
{
	round->release = user_end(round->handle, PENDSHARE_IOC_RELEASE, ID);
}

static void do_cancel(struct round *round)
{
	round->cancel = user_end(round->handle, PENDSHARE_IOC_CANCEL, ID);
}

static void do_cancel_io(struct round *round)
{
	fake_cancel(round->io);
}

static void do_close(struct round *round)
{
	fake_close(round->handle);
}

static void do_shutdown(struct round *round)
{
	user_shutdown(round->handle);
}

static void do_revoke(struct round *round)
{
	user_revoke(round->handle, 0);
}

static void do_exit(struct round *round)
{
	(void)round;
	fake_process_exit(1);
}

static void do_notify(struct round *round)
{
	user_notify(round->handle, ID);
}

static void do_time(struct round *round)
{
	(void)round;
	fake_advance(FAKE_TICK_NS);
}

/* Tries until there is something to end, as one who does not wait for `accepted`. */
static void do_release_early(struct round *round)
{
	unsigned int tries = 2000;

	do
		do_release(round);
	while (round->release == STATUS_NOT_FOUND && --tries && !fake_done(round->io));
}

static void do_recall(struct round *round)
{
	user_revoke(round->handle, 1);
	fake_advance(FAKE_TICK_NS);
}

/* The peer does it. */
static void do_nothing(struct round *round)
{
	(void)round;
}

static void do_notify_often(struct round *round)
{
	unsigned int times;

	for (times = fake_random() & 7; times; times--)
		user_notify(round->handle, ID);
}

static void do_unregister(struct round *round)
{
	pendshare_peer_unregister(&guest_peer);
	round->guests_left = __atomic_load_n(&guests, __ATOMIC_RELAXED);
}

/* Somebody else, whom all this must not concern. */
static void do_other(struct round *round)
{
	struct handle *handle = fake_open(0, NULL);
	void *memory = user_pages(MOST_PAGES);
	struct io *io;

	io = user_start(handle, round->share, memory, MOST_PAGES);
	fake_close(handle);
	fake_free(io);
	free(memory);
}

static void take_events(struct round *round, struct io *pend, const struct pendshare_event *events)
{
	ULONG_PTR bytes = 0;
	NTSTATUS status = fake_wait(pend, &bytes);
	unsigned int i;

	for (i = 0; NT_SUCCESS(status) && i < bytes / sizeof(*events); i++) {
		if (events[i].id != ID)
			continue;
		round->accepted_late |= !round->last_event && !i &&
					events[i].kind != PENDSHARE_EVENT_ACCEPTED;
		if (events[i].kind == PENDSHARE_EVENT_DOORBELL)
			round->rings += events[i].value;
		round->last_event = fake_order(pend);
	}
}

/* PENDs one after another until the share has ended. */
static void do_pend(struct round *round)
{
	struct pendshare_event events[2];

	while (!fake_done(round->io)) {
		struct io *pend = user_pend(round->handle, events, 1 + (fake_random() & 1));

		while (!fake_done(pend) && !fake_done(round->io))
			fake_yield();
		fake_cancel(pend);
		take_events(round, pend, events);
		fake_free(pend);
	}
}

static const struct contender share_ = { "share", 0, do_share };
static const struct contender release = { "release", PENDSHARE_RELEASED, do_release };
static const struct contender release_early = { "release", PENDSHARE_RELEASED, do_release_early };
static const struct contender cancel = { "cancel", PENDSHARE_CANCELLED, do_cancel };
static const struct contender cancel_io = { "cancel-io", PENDSHARE_CANCELLED, do_cancel_io };
static const struct contender close_ = { "close", PENDSHARE_CLOSED, do_close };
static const struct contender shutdown_ = { "shutdown", PENDSHARE_CLOSED, do_shutdown };
static const struct contender revoke = { "revoke", PENDSHARE_DEVICE_REMOVED, do_revoke };
static const struct contender exit_ = { "exit", PENDSHARE_OWNER_EXITED, do_exit };
static const struct contender peer = { "peer-end", PENDSHARE_PEER_ENDED, do_notify };
static const struct contender recall = { "recall", PENDSHARE_RECALLED, do_recall };
static const struct contender rings = { "rings", 0, do_notify_often };
static const struct contender pend = { "pend", 0, do_pend };
static const struct contender hasty = { "hasty", PENDSHARE_PEER_ENDED, do_nothing };
static const struct contender other = { "other", 0, do_other };
static const struct contender unregister = { "unregister", PENDSHARE_PEER_ENDED, do_unregister };
static const struct contender tick = { "tick", 0, do_time };
static const struct contender deadline = { "deadline", PENDSHARE_DEADLINE, do_time };

struct race {
	const char *name;
	const char *peer;
	bool timed;	    /* with a deadline of 1 ms */
	unsigned int needs; /* windows that must have been entered: 1 << enum fake_window */
	const struct contender *contenders[MOST];
};

#define NEEDS(window) (1u << FAKE_##window)

/* clang-format off */
static const struct race races[] = {
	{ "release x cancel", NULL, 0, 0, { &release, &cancel } },
	{ "release x cancel-io", NULL, 0,
	  NEEDS(CANCELED_IN_QUEUE) | NEEDS(CANCELED_LATER) | NEEDS(NOT_FOUND),
	  { &release, &cancel_io } },
	{ "release x close", "fill", 0, 0, { &release, &close_ } },
	{ "release x shutdown", NULL, 0, 0, { &release, &shutdown_ } },
	{ "release x revoke", NULL, 0, 0, { &release, &revoke } },
	{ "release x exit", "fill", 0, 0, { &release, &exit_ } },
	{ "release x peer-end", "once", 0, 0, { &release, &peer } },
	{ "release x deadline", NULL, 1, NEEDS(STOPPED) | NEEDS(STOP_TOO_LATE),
	  { &release, &deadline } },
	{ "cancel-io x close", "fill", 0, 0, { &cancel_io, &close_ } },
	{ "cancel-io x peer-end", "once", 0, 0, { &cancel_io, &peer } },
	{ "close x exit", NULL, 0, 0, { &close_, &exit_ } },
	{ "ticks x release", "clock", 0, NEEDS(STOPPED) | NEEDS(STOP_TOO_LATE),
	  { &tick, &release } },
	{ "parking x release", "fill", 0, NEEDS(NOT_FOUND), { &share_, &release_early } },
	{ "unregister x release", "guest", 0, 0, { &unregister, &release, &rings } },
	{ "unregister x close", "guest", 0, 0, { &unregister, &close_ } },
	{ "parking x unregister", "guest", 0, 0, { &share_, &unregister } },
	{ "parking x ending at once x release", "hasty", 0, 0,
	  { &share_, &hasty, &release_early } },
	{ "parking x cancel-io", "fill", 0,
	  NEEDS(CANCELED_IN_FORWARD) | NEEDS(CANCELED_IN_QUEUE) | NEEDS(CANCELED_LATER) |
		  NEEDS(CANCELED_UNSEEN),
	  { &share_, &cancel_io } },
	{ "parking x cancel-io x release", NULL, 0, NEEDS(CANCELED_IN_FORWARD),
	  { &share_, &cancel_io, &release_early } },
	{ "parking x shutdown", NULL, 0, 0, { &share_, &shutdown_ } },
	{ "parking x close", "fill", 0, 0, { &share_, &close_ } },
	{ "parking x revoke", NULL, 0, 0, { &share_, &revoke } },
	{ "parking x exit", "fill", 0, 0, { &share_, &exit_ } },
	{ "release x cancel-io x close x peer-end", "once", 0, 0,
	  { &release, &cancel_io, &close_, &peer } },
	{ "release x recall", NULL, 0, 0, { &release, &recall } },
	{ "rings x pend x release", "fill", 0, NEEDS(REQUEUED), { &rings, &pend, &release } },
	{ "rings x pend x peer-end", "once", 0, 0, { &rings, &pend, &peer } },
	{ "parking x pend x close", "fill", 0, 0, { &share_, &pend, &close_ } },
	{ "other x exit x revoke", NULL, 0, 0, { &other, &exit_, &revoke } },
	{ "release x cancel x revoke x exit", "fill", 0, 0,
	  { &release, &cancel, &revoke, &exit_ } },
};
/* clang-format on */

static const struct race *race;
static struct round current;
static unsigned int finished; /* contenders, atomic */

static void contend(void *contender)
{
	((const struct contender *)contender)->run(&current);
	__atomic_fetch_add(&finished, 1, __ATOMIC_ACQ_REL);
}

static unsigned int count_contenders(void)
{
	unsigned int count = 0;

	while (count < MOST && race->contenders[count])
		count++;
	return count;
}

static bool has(const struct contender *wanted)
{
	unsigned int i;

	for (i = 0; i < MOST; i++)
		if (race->contenders[i] == wanted)
			return true;
	return false;
}

static struct pendshare_share share_of_race(void)
{
	struct pendshare_share share;
	struct pendshare_fill_options fill = { 0, 0, 0 };
	struct pendshare_clock_options clock = { 1000000, 0, 0 };
	bool once = race->peer && !strcmp(race->peer, "once");

	/* Of a round of its own, and one more that NOTIFY asks for. */
	fill.rounds = once ? 2 : 0;
	share = user_share(ID, once ? "fill" : race->peer, BOTH);
	if (race->peer && !strcmp(race->peer, "hasty")) {
		share = user_share(ID, "guest", BOTH);
		user_options(&share, &(unsigned char){ 1 }, 1);
	}
	if (!strcmp(share.peer, "clock"))
		user_options(&share, &clock, sizeof(clock));
	else if (!strcmp(share.peer, "fill"))
		user_options(&share, &fill, sizeof(fill));
	share.deadline_ns = race->timed ? 1000000 : 0;
	return share;
}

/* What one race has seen. */
struct tally {
	unsigned long reasons[16];
	unsigned long refused;
	unsigned long wrong;
};

static bool is_possible(ULONG reason)
{
	unsigned int i;

	for (i = 0; i < MOST && race->contenders[i]; i++)
		if (race->contenders[i]->reason == reason)
			return true;
	/* The end of a round cancels a share that nobody was there to end. */
	return reason == PENDSHARE_CANCELLED && has(&share_);
}

/* Checks the end of a round against what the contenders were told. */
static void judge(struct tally *tally, NTSTATUS status)
{
	ULONG reason = PENDSHARE_STATUS_REASON(status);

	if (!PENDSHARE_STATUS_IS_END(status)) {
		tally->refused++;
		tally->wrong += !has(&share_);
		return;
	}
	tally->reasons[reason]++;
	tally->wrong += !is_possible(reason);
	tally->wrong += current.accepted_late;
	tally->wrong += current.guests_left != 0 || guest_faults != 0;
	tally->wrong += has(&pend) && current.last_event > fake_order(current.io);
	/* Every round of fill has rung once, and left its number in the memory. */
	if (has(&rings) && !has(&unregister))
		tally->wrong += current.rings + PENDSHARE_STATUS_RINGS(status) !=
				*(unsigned char *)current.memory + 1u;
	tally->wrong += NT_SUCCESS(current.release) != (reason == PENDSHARE_RELEASED);
	tally->wrong += NT_SUCCESS(current.cancel) && reason != PENDSHARE_CANCELLED;
}

static void run_round(struct tally *tally, const struct pendshare_share *share,
		      unsigned int contenders)
{
	struct handle *handle = fake_open(FAKE_ADMINISTRATOR, NULL);
	size_t pages = race->peer && !strcmp(race->peer, "clock") ? MOST_PAGES : 1;
	struct pendshare_info info;
	NTSTATUS status;
	unsigned int i;

	current = (struct round){ .handle = handle,
				  .memory = user_pages(pages),
				  .share = share,
				  .release = STATUS_UNSUCCESSFUL,
				  .cancel = STATUS_UNSUCCESSFUL };
	fake_handle_get(handle);
	if (has(&unregister))
		pendshare_peer_register(&guest_peer);
	current.io = fake_prepare(handle, PENDSHARE_IOC_SHARE, share, sizeof(*share),
				  current.memory, pages * PAGE_SIZE);
	if (!has(&share_)) {
		do_share(&current);
		fake_settle(); /* the queue may have left it to another thread */
	}
	finished = 0;
	for (i = 0; i < contenders; i++)
		fake_spawn(contend, (void *)race->contenders[i]);
	while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) != contenders)
		fake_yield();
	fake_settle();
	if (has(&share_))
		user_end(handle, PENDSHARE_IOC_CANCEL, ID);
	status = fake_wait(current.io, NULL);
	judge(tally, status);
	user_info(handle, &info);
	tally->wrong += info.shares || info.pinned_pages;
	free(current.memory);
	fake_free(current.io);
	if (!has(&close_))
		fake_close(handle);
	fake_handle_put(handle);
}

static const char *const reason_names[] = {
	"live",		  "released",	"cancelled", "closed",	 "owner-exited",
	"device-removed", "peer-ended", "deadline",  "recalled", "failed",
};

/* Prints all winners, and says whether everyone has won who could. */
static bool report(const struct tally *tally, unsigned int rounds, double seconds)
{
	bool all = true;
	unsigned int i;

	printf("# %s: %u rounds in %.1f s:", race->name, rounds, seconds);
	for (i = 0; i < RTL_NUMBER_OF(reason_names); i++)
		if (tally->reasons[i])
			printf(" %s %lu", reason_names[i], tally->reasons[i]);
	if (has(&share_))
		printf(" refused %lu", tally->refused);
	for (i = 0; i < MOST && race->contenders[i]; i++)
		if (race->contenders[i]->reason && !tally->reasons[race->contenders[i]->reason])
			all = false;
	for (i = 0; i < FAKE_WINDOWS; i++) {
		unsigned long count = fake_window_count(i);

		if (count)
			printf("; %s %lu", fake_window_names[i], count);
		if (!count && race->needs & (1u << i))
			all = false;
	}
	printf("\n");
	return all;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void run_race(unsigned int rounds, unsigned int seed)
{
	struct pendshare_share share = share_of_race();
	unsigned int contenders = count_contenders();
	struct tally tally = { 0 };
	double start = now();
	unsigned int i;
	bool all;

	fake_seed(seed);
	fake_load(2);
	if (has(&hasty))
		pendshare_peer_register(&guest_peer);
	for (i = 0; i < rounds; i++)
		run_round(&tally, &share, contenders);
	fake_unload();
	all = report(&tally, rounds, now() - start);
	tap(all && !tally.wrong, "%s: %lu contradictions%s", race->name, tally.wrong,
	    all ? "" : ", but not every window was entered");
}

/* races [rounds [seed [part of a name [one of how many shares of the races, as 1/2]]]] */
int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 1000;
	unsigned int seed = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 1;
	const char *filter = argc > 3 ? argv[3] : "";
	unsigned int share = 1;
	unsigned int shares = 1;
	unsigned int i;

	if (argc > 4)
		sscanf(argv[4], "%u/%u", &share, &shares);
	fake_switch_chance = 32;
	printf("# seed %u\n", seed);
	for (i = 0; i < RTL_NUMBER_OF(races); i++) {
		race = &races[i];
		if (strstr(race->name, filter) && i % shares == share - 1)
			run_race(rounds, seed);
	}
	return tap_end();
}
