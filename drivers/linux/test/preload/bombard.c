// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * To be preloaded: sends the process, and each that it starts, a signal every BOMBARD_US microseconds, whose handler has
 * SA_RESTART if BOMBARD_RESTART is 1. A timer of this kind, unlike setitimer()'s, ends at exec, where the handler does too.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void nothing(int number)
{
	(void)number;
}

__attribute__((constructor)) static void bombard(void)
{
	const char *restart = getenv("BOMBARD_RESTART"), *us = getenv("BOMBARD_US");
	struct sigaction action = { .sa_handler = nothing };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec every = { 0 };
	timer_t timer;

	if (!restart || !us)
		abort();
	action.sa_flags = strcmp(restart, "1") ? 0 : SA_RESTART;
	every.it_interval.tv_nsec = every.it_value.tv_nsec = atol(us) * 1000;
	if (sigaction(SIGALRM, &action, NULL) || timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &every, NULL))
		abort();
}
