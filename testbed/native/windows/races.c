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

#include "../../tap/tap.h"
#include "races.h"

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

static bool is_peer(const char *name)
{
	return race->peer && !strcmp(race->peer, name);
}

/* Both make frames of 64 bytes, the camera one a millisecond. */
static bool captures(void)
{
	return is_peer("capture") || is_peer("camera");
}

static bool speaks_frames(void)
{
	return captures() || is_peer("loopback");
}

static struct pendshare_share share_of_race(void)
{
	struct pendshare_share share;
	struct pendshare_fill_options fill = { 0, 0, 0 };
	struct pendshare_clock_options clock = { .period_ns = 1000000 };
	struct pendshare_capture_options capture = { is_peer("camera") ? 1000000 : 0, 64, 0, 0 };
	bool once = is_peer("once");

	/* Of a round of its own, and one more that NOTIFY asks for. */
	fill.rounds = once ? 2 : 0;
	share = user_share(ID, once ? "fill" : captures() ? "capture" : race->peer, BOTH);
	if (is_peer("hasty")) {
		share = user_share(ID, "guest", BOTH);
		user_options(&share, &(unsigned char){ 1 }, 1);
	}
	if (!strcmp(share.peer, "clock"))
		user_options(&share, &clock, sizeof(clock));
	else if (!strcmp(share.peer, "fill"))
		user_options(&share, &fill, sizeof(fill));
	else if (captures())
		user_options(&share, &capture, sizeof(capture));
	if (speaks_frames()) {
		share.frame_count = SLOTS;
		share.frame_bytes = PAGE_SIZE;
	}
	share.deadline_ns = race->timed ? 1000000 : 0;
	return share;
}

static size_t pages_of_race(void)
{
	return is_peer("clock") || is_peer("echo") || speaks_frames() ? MOST_PAGES : 1;
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
	tally->wrong += current.spoiled || current.lost;
	tally->wrong += current.guests_left != 0 || guest_faults != 0;
	tally->wrong += has(&pend) && current.last_event > fake_order(current.io);
	/* Every round of fill has rung once, and left its number in the memory. */
	if (has(&rings) && !has(&unplug))
		tally->wrong += current.rings + PENDSHARE_STATUS_RINGS(status) !=
				*(unsigned char *)current.memory + 1u;
	tally->wrong += NT_SUCCESS(current.release) != (reason == PENDSHARE_RELEASED);
	tally->wrong += NT_SUCCESS(current.cancel) && reason != PENDSHARE_CANCELLED;
}

static void run_round(struct tally *tally, const struct pendshare_share *share,
		      unsigned int contenders)
{
	struct handle *handle = fake_open(FAKE_ADMINISTRATOR, NULL);
	size_t pages = pages_of_race();
	struct pendshare_info info;
	NTSTATUS status;
	unsigned int i;

	current = (struct round){ .handle = handle,
				  .memory = user_pages(pages),
				  .share = share,
				  .release = STATUS_UNSUCCESSFUL,
				  .cancel = STATUS_UNSUCCESSFUL };
	/* Frames of an earlier round must not look like those of this one. */
	memset(current.memory, 0, PAGE_SIZE);
	fake_handle_get(handle);
	if (has(&unplug))
		guest_add();
	current.io = fake_prepare(handle, PENDSHARE_IOC_SHARE, share, sizeof(*share),
				  current.memory, pages * PAGE_SIZE);
	if (!has(&share_)) {
		fake_submit(current.io);
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
		guest_add();
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
	for (i = 0; i < races_count; i++) {
		race = &races[i];
		if (strstr(race->name, filter) && i % shares == share - 1)
			run_race(rounds, seed);
	}
	return tap_end();
}
