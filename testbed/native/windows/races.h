/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The races as races-contenders.c lists them and races.c runs them. */
#ifndef PENDSHARE_NATIVE_RACES_H
#define PENDSHARE_NATIVE_RACES_H

#include "guest.h"

#define MOST 4
#define ID 42
#define MOST_PAGES 4 /* the least that holds two rings, or three slots of a page */
#define SLOTS 3u

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
	int guests_left;	 /* after the removal */
	bool spoiled;		 /* a frame was not what it should be */
	bool lost;		 /* a frame never came back */
};

struct contender {
	const char *name;
	ULONG reason; /* that it gives; 0: it gives none */
	void (*run)(struct round *round);
};

struct race {
	const char *name;
	const char *peer;
	bool timed;	    /* with a deadline of 1 ms */
	unsigned int needs; /* windows that must have been entered: 1 << enum fake_window */
	const struct contender *contenders[MOST];
};

extern const struct race races[];
extern const unsigned int races_count;

/* Those that the setup of a round, or the judgement of its end, depends on. */
extern const struct contender share_, close_, rings, pend, hasty, unplug;

#endif
