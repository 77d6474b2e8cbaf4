// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * To be preloaded: sends the process, and each that it starts, a signal every BOMBARD_US microseconds. BOMBARD_RESTART says
 * whether its handler has SA_RESTART: always, never, or at every other signal (turns).
 * A timer of this kind, unlike setitimer()'s, ends at exec, where the handler does too.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int turns;

static int handle(int flags);

/* Signals of this kind do not interrupt their handler, so nobody else sees flags. */
static void take(int number)
{
	static int flags;

	(void)number;
	if (turns)
		handle(flags ^= SA_RESTART);
}

static int handle(int flags)
{
	struct sigaction action = { .sa_handler = take, .sa_flags = flags };

	return sigaction(SIGALRM, &action, NULL);
}

__attribute__((constructor)) static void bombard(void)
{
	const char *restart = getenv("BOMBARD_RESTART"), *us = getenv("BOMBARD_US");
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec every = { 0 };
	timer_t timer;

	if (!restart || !us)
		abort();
	turns = !strcmp(restart, "turns");
	every.it_interval.tv_nsec = every.it_value.tv_nsec = atol(us) * 1000;
	if (handle(strcmp(restart, "always") ? 0 : SA_RESTART) || timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &every, NULL))
		abort();
}
