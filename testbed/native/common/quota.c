// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Races quota.h, with a switch possible before each of its atomic operations: some charge what
 * always fits together, one what only fits alone, one what never fits and would wrap the count.
 */
#include <stdlib.h>

#include "../fake/fake.h"
#include "../../../drivers/common/quota.h"
#include "../../tap/tap.h"

#define LIMIT 3u
#define MODEST 2u /* take 1 each */
#define ALL (MODEST + 2u)

static struct {
	struct pendshare_quota quota;
	unsigned int taken; /* the rest is atomic; never more than quota.used */
	unsigned int finished;
} subject;

static const unsigned int amounts[ALL] = { 1, 1, LIMIT, ~0u };
static unsigned long charges[ALL];
static unsigned long refusals[ALL];
static unsigned long wrong;

static void add(unsigned long *counter, bool more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

static void run(void *argument)
{
	size_t who = (size_t)argument;
	unsigned int amount = amounts[who];

	if (pendshare_quota_charge(&subject.quota, amount, LIMIT)) {
		__atomic_fetch_add(&subject.taken, amount, __ATOMIC_RELAXED);
		fake_yield();
		add(&wrong, pendshare_quota_used(&subject.quota) > LIMIT);
		add(&wrong, __atomic_load_n(&subject.taken, __ATOMIC_RELAXED) > LIMIT);
		__atomic_fetch_sub(&subject.taken, amount, __ATOMIC_RELAXED);
		pendshare_quota_refund(&subject.quota, amount);
		add(&charges[who], true);
	} else {
		add(&refusals[who], true);
	}
	add(&wrong, pendshare_quota_used(&subject.quota) > LIMIT);
	__atomic_fetch_add(&subject.finished, 1, __ATOMIC_ACQ_REL);
}

/* Without the one who takes all, nobody who fits may be refused. */
static void run_round(unsigned int without)
{
	unsigned long refused = refusals[0] + refusals[1];
	size_t who;

	memset(&subject, 0, sizeof(subject));
	for (who = 0; who < ALL; who++)
		if (who != without)
			fake_spawn(run, (void *)who);
	while (__atomic_load_n(&subject.finished, __ATOMIC_ACQUIRE) != ALL - (without < ALL))
		fake_yield();
	wrong += subject.quota.used != 0;
	wrong += without == MODEST && refusals[0] + refusals[1] != refused;
}

static void test_limits(void)
{
	struct pendshare_quota quota = { 0 };

	tap(pendshare_quota_charge(&quota, 7, 10) && !pendshare_quota_charge(&quota, 4, 10) &&
		    pendshare_quota_used(&quota) == 7 && pendshare_quota_charge(&quota, 3, 10) &&
		    !pendshare_quota_charge(&quota, 1, 10),
	    "a charge fits up to the limit, and a refused one takes nothing");
	tap(!pendshare_quota_charge(&quota, ~0u, 10) && !pendshare_quota_charge(&quota, 11, 10) &&
		    !pendshare_quota_charge(&quota, 0u - 10, 10) &&
		    !pendshare_quota_charge(&quota, 1, 5) && pendshare_quota_used(&quota) == 10,
	    "a sum that wraps does not fit, and nothing does below what is used");
	pendshare_quota_refund(&quota, 7);
	pendshare_quota_refund(&quota, 3);
	tap(pendshare_quota_charge(&quota, ~0u, ~0u) && !pendshare_quota_charge(&quota, 1, ~0u) &&
		    pendshare_quota_charge(&quota, 0, ~0u),
	    "a limit of 2^32 - 1");
}

static void test_rates(void)
{
	struct pendshare_quota rate = { 0 };
	unsigned int i;

	tap(pendshare_rate(1) == 1000000000 && pendshare_rate(PENDSHARE_MIN_PERIOD_NS) == 20000 &&
		    pendshare_rate(300000000) == 4 && pendshare_rate(999999999) == 2 &&
		    pendshare_rate(1000000000) == 1 && pendshare_rate(3600000000000) == 1 &&
		    pendshare_rate(~0ull) == 1,
	    "a rate is rounded up");
	for (i = 0; pendshare_quota_charge_rate(&rate, PENDSHARE_MIN_PERIOD_NS); i++)
		;
	tap(i == 5 && pendshare_quota_charge_rate(&rate, 0) && !pendshare_quota_charge_rate(&rate, ~0ull) &&
		    !pendshare_quota_charge_rate(&rate, 1),
	    "five of the fastest timers are what a user may have, and any number of none");
	pendshare_quota_refund_rate(&rate, 0);
	while (i--)
		pendshare_quota_refund_rate(&rate, PENDSHARE_MIN_PERIOD_NS);
	tap(!pendshare_quota_used(&rate), "a rate that was given back is gone");
}

/* quota [rounds [seed]] */
int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 10000;
	unsigned int seed = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 1;
	unsigned int i;

	fake_seed(seed);
	fake_switch_chance = 96;
	test_limits();
	test_rates();
	for (i = 0; i < rounds; i++)
		run_round((i & 1) ? MODEST : ALL);
	printf("# %u rounds, seed %u: %lu, %lu, %lu charged, %lu, %lu, %lu refused\n", rounds, seed,
	       charges[0], charges[1], charges[2], refusals[0], refusals[1], refusals[2]);
	tap(!wrong, "no count above its limit, none refused that fits: %lu contradictions", wrong);
	tap(charges[0] && charges[2] && refusals[0] && refusals[2] && !charges[3] && refusals[3],
	    "everyone has been admitted and refused, and the one who never fits only refused");
	return tap_end();
}
