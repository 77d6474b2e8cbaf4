// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * bells.h: against a model in one thread, also where all counts wrap; raced by a driver and an owner in a
 * thread each, who sleeps while nothing is queued; and with an owner who writes anything into the page.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../drivers/include/pendshare/bells.h"
#include "../../tap/tap.h"

static struct pendshare_bells page;
static struct pendshare_bells_driver driver;
static struct pendshare_bells_owner owner;
static unsigned int state;

static unsigned int draw(unsigned int below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

/* As after so many entries, whose places were all taken, and as many rings of each place. */
static void begin(__u64 entries, __u32 rings)
{
	memset(&page, 0, sizeof(page));
	memset(&driver, 0, sizeof(driver));
	memset(&owner, 0, sizeof(owner));
	driver.shared = owner.shared = &page;
	driver.put = entries;
	page.put = page.taken = owner.taken = (__u32)entries;
	for (unsigned int i = 0; i < PENDSHARE_BELLS; i++)
		page.rings[i] = driver.rings[i] = owner.told[i] = rings;
	state = 12345;
}

/* Rings and takes at random; what is taken is what rang, and a place is queued exactly when it does not lie there. */
static bool follows_model(__u64 entries, __u32 rings, unsigned int places, unsigned int steps)
{
	unsigned int rung[PENDSHARE_BELLS] = { 0 }, queued = 0;
	bool lies[PENDSHARE_BELLS] = { false };

	begin(entries, rings);
	while (steps--) {
		__u32 place = draw(places), count = 1 + draw(3);

		if (draw(2)) {
			if (pendshare_bells_ring(&driver, place, count) == lies[place])
				return false;
			queued += !lies[place];
			lies[place] = true;
			rung[place] += count;
		} else if (pendshare_bells_waiting(&owner)) {
			count = pendshare_bells_take(&owner, &place);
			if (!lies[place] || count != rung[place])
				return false;
			lies[place] = false;
			rung[place] = 0;
			queued--;
		}
		if (pendshare_bells_waiting(&owner) != queued || pendshare_bells_any(&driver) != !!queued)
			return false;
	}
	return true;
}

/* A place that was taken long ago is queued again, however many were queued meanwhile. */
static bool wraps(__u64 others)
{
	__u32 place;

	begin(0, 0);
	pendshare_bells_ring(&driver, 7, 1);
	pendshare_bells_take(&owner, &place);
	driver.put += others;
	page.put = page.taken = owner.taken = (__u32)driver.put;
	return pendshare_bells_ring(&driver, 7, 1) && pendshare_bells_waiting(&owner) == 1 &&
	       pendshare_bells_take(&owner, &place) == 1 && place == 7;
}

#define RINGS 400000u

static sem_t wake;
static unsigned int over, told;

/*
 * By twos: the second one falls, more or less, into the owner's taking of the first. All that rang is to be
 * told before the next two; where a ring is lost both wait for ever.
 */
static void *ring_all(void *context)
{
	for (unsigned int i = 0; i < RINGS; i++) {
		volatile unsigned int delay = i % 2 ? i / 2 % 256 : 0;

		for (unsigned int spins = 1; !(i % 2) && __atomic_load_n(&told, __ATOMIC_RELAXED) != i; spins++)
			if (spins % 1000 == 0)
				sched_yield();
		while (delay)
			delay--;
		if (pendshare_bells_ring(&driver, 9, 1))
			sem_post(&wake);
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
	sem_post(&wake);
	return context;
}

/* The owner sleeps whenever it finds nothing: a wake-up that is lost leaves rings behind. */
static void test_race(void)
{
	unsigned long sleeps = 0, wrong = 0, idle = 0;
	pthread_t thread;
	bool last;

	begin(0xffffff00u, 0xffffff00u);
	sem_init(&wake, 0, 0);
	alarm(120);
	pthread_create(&thread, NULL, ring_all, NULL);
	do {
		__u32 place;

		for (unsigned int spins = 0; sem_trywait(&wake) < 0; spins++) {
			if (spins < 200)
				continue;
			sleeps++;
			sem_wait(&wake);
			break;
		}
		last = __atomic_load_n(&over, __ATOMIC_ACQUIRE);
		while (pendshare_bells_waiting(&owner)) {
			__u32 rings = pendshare_bells_take(&owner, &place);

			__atomic_store_n(&told, told + rings, __ATOMIC_RELAXED); /* as cheap as can be, and no barrier */
			wrong += place != 9;
			idle += !rings;
		}
	} while (!last);
	pthread_join(thread, NULL);
	alarm(0);
	tap(!wrong && told == RINGS, "raced, %u rings are told, none twice: %lu contradictions, %lu sleeps, %lu looks for nothing",
	    RINGS, wrong, sleeps, idle);
}

/* The driver's own memory stays as it would with an honest owner, and it writes nothing but the page. */
static void test_hostile(void)
{
	struct {
		unsigned char before[64];
		struct pendshare_bells page;
		unsigned char after[64];
	} *guarded = calloc(1, sizeof(*guarded));
	unsigned int wrong = 0, counted[PENDSHARE_BELLS] = { 0 };

	begin(0, 0);
	driver.shared = &guarded->page;
	for (unsigned int i = 0; i < 200000; i++) {
		__u32 place = draw(PENDSHARE_BELLS);
		__u32 *words = (__u32 *)&guarded->page;

		words[draw(sizeof(guarded->page) / 4)] = state;
		guarded->page.taken = draw(4) ? state : (__u32)driver.put - draw(600);
		if (pendshare_bells_ring(&driver, place, 1))
			wrong += guarded->page.put != (__u32)driver.put;
		pendshare_bells_any(&driver);
		counted[place]++;
		wrong += driver.rings[place] != counted[place] || driver.queued[place] > driver.put;
		wrong += guarded->page.rings[place] != counted[place];
	}
	for (unsigned int i = 0; i < 64; i++)
		wrong += guarded->before[i] || guarded->after[i];
	tap(!wrong, "an owner who writes anything changes no count and no memory but its own: %u contradictions", wrong);

	begin(0, 0);
	wrong = 0;
	for (unsigned int i = 0; i < 200000; i++) {
		__u32 *words = (__u32 *)&page, place = 0;

		words[draw(sizeof(page) / 4)] = state;
		wrong += pendshare_bells_waiting(&owner) > PENDSHARE_BELLS;
		pendshare_bells_take(&owner, &place);
		wrong += place >= PENDSHARE_BELLS;
	}
	tap(!wrong, "an owner whose page another scribbles over takes no place that there is not: %u contradictions", wrong);
	free(guarded);
}

int main(void)
{
	const __u64 starts[] = { 0, 0xffffff80u, 0x7fffff80u, 0xffffffffffull - 3 };
	const unsigned int places[] = { 1, 2, 7, PENDSHARE_BELLS };

	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int j = 0; j < 4; j++)
			tap(follows_model(starts[i], (__u32)starts[i], places[j], 50000),
			    "%u places, from entry %llu on, follow the model", places[j],
			    (unsigned long long)starts[i]);
	for (unsigned int i = 0; i < 5; i++) {
		const __u64 others[] = { 255, 256, 0x80000000u, 0xffffffffu, 0x100000000ull };

		tap(wraps(others[i]), "a place that was taken is queued again after %llu others",
		    (unsigned long long)others[i]);
	}
	tap(sizeof(struct pendshare_bells) == 2176 && offsetof(struct pendshare_bells, taken) == 64 &&
	    offsetof(struct pendshare_bells, queue) == 128 && offsetof(struct pendshare_bells, rings) == 1152,
	    "the page is laid out as bells.h says");
	test_race();
	test_hostile();
	return tap_end();
}
