// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Races lease.h: ends against ends, and against users that come and go, with a switch possible
 * before each of its atomic operations.
 *
 * What a lease protects is plain memory, and so is what its winner leaves for the last user:
 * whoever gets at it unordered is the thread sanitizer's to find.
 */
#include <stdlib.h>

#include "../fake/fake.h"
#include "../../../drivers/common/lease.h"
#include "../../tap/tap.h"

#define ENDERS 3u /* with the reasons 1, 2, 3 */
#define USERS 3u
#define ALL (ENDERS + USERS)

static struct {
	struct pendshare_lease lease;
	unsigned int usable;  /* the last user clears it */
	unsigned int failure; /* the winner's, read by the last user */
	unsigned int winners; /* the rest is atomic */
	unsigned int last_users;
	unsigned int last_user;
	unsigned int failure_seen;
	unsigned int finished;
} subject;

static unsigned long uses;
static unsigned long misuses;
static unsigned long refusals;

static void count(unsigned int *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_ACQ_REL);
}

static void add(unsigned long *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void put(unsigned int who)
{
	if (!pendshare_lease_put(&subject.lease))
		return;
	subject.usable = 0;
	__atomic_store_n(&subject.failure_seen, subject.failure, __ATOMIC_RELAXED);
	__atomic_store_n(&subject.last_user, who, __ATOMIC_RELAXED);
	count(&subject.last_users);
}

static void end_it(unsigned int who)
{
	if (!pendshare_lease_end(&subject.lease, who + 1))
		return;
	subject.failure = who + 100;
	count(&subject.winners);
	put(who);
}

static void use_it(unsigned int who)
{
	if (!pendshare_lease_get(&subject.lease)) {
		add(&refusals);
		return;
	}
	add(subject.usable ? &uses : &misuses);
	put(who);
}

static void run(void *argument)
{
	unsigned int who = (unsigned int)(size_t)argument;

	(who < ENDERS ? end_it : use_it)(who);
	count(&subject.finished);
}

static unsigned long wrong;
static unsigned long reasons[ENDERS + 1];
static unsigned long last[ALL];

static void judge(void)
{
	unsigned int reason = pendshare_lease_reason(&subject.lease);

	wrong += subject.winners != 1 || subject.last_users != 1 || subject.usable;
	wrong += reason < 1 || reason > ENDERS || subject.failure_seen != reason + 99;
	wrong += (subject.lease.word & PENDSHARE_LEASE_REFS) != 0;
	wrong += (unsigned int)pendshare_lease_get(&subject.lease);
	reasons[reason <= ENDERS ? reason : 0]++;
	last[subject.last_user]++;
}

static void run_round(void)
{
	size_t who;

	memset(&subject, 0, sizeof(subject));
	subject.usable = 1;
	pendshare_lease_init(&subject.lease);
	for (who = 0; who < ALL; who++)
		fake_spawn(run, (void *)who);
	while (__atomic_load_n(&subject.finished, __ATOMIC_ACQUIRE) != ALL)
		fake_yield();
	judge();
}

static void test_limits(void)
{
	struct pendshare_lease lease;

	pendshare_lease_init(&lease);
	lease.word = PENDSHARE_LEASE_REFS - 1;
	tap(pendshare_lease_get(&lease) && !pendshare_lease_get(&lease),
	    "a lease takes 2^24 - 1 references and no more");
	pendshare_lease_init(&lease);
	tap(pendshare_lease_end(&lease, 255) && !pendshare_lease_end(&lease, 1) &&
		    pendshare_lease_reason(&lease) == 255 && pendshare_lease_put(&lease),
	    "the first reason stands");
}

/* lease [rounds [seed]] */
int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 10000;
	unsigned int seed = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 1;
	bool all;
	unsigned int i;

	fake_seed(seed);
	fake_switch_chance = 96;
	test_limits();
	for (i = 0; i < rounds; i++)
		run_round();
	printf("# %u leases, seed %u: ended by", rounds, seed);
	for (i = 1; i <= ENDERS; i++)
		printf(" %lu", reasons[i]);
	printf("; the last reference was that of");
	for (i = 0; i < ALL; i++)
		printf(" %lu", last[i]);
	printf("; %lu uses, %lu refused\n", uses, refusals);
	tap(!wrong && !misuses, "one winner, one last user: %lu contradictions, %lu uses too late",
	    wrong, misuses);
	for (i = 0, all = refusals && uses; i < ALL; i++)
		all &= last[i] && (i >= ENDERS || reasons[i + 1]);
	tap(all, "every ender has won, everyone has been the last, and some have been refused");
	return tap_end();
}
