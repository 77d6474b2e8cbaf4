/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the test peer `probe` is told to do, by the first u32 of its options. */
#ifndef PROBE_H
#define PROBE_H

enum probe_task {
	PROBE_NOTHING,
	PROBE_REFUSE,		/* attach returns -ENXIO, after it rang and ended the share */
	PROBE_END_AT_ONCE,	/* ends the share within attach, after two rings */
	PROBE_HARD_RING,	/* in a hard interrupt: rings 3 times */
	PROBE_HARD_END,		/* in a hard interrupt: rings, then ends the share */
	PROBE_HARD_FAIL,	/* in a hard interrupt: fails the share */
	PROBE_HARD_RECALL,	/* in a hard interrupt: recalls the share with 5 ms of grace */
	PROBE_SGTABLE,		/* maps for DMA, and moves the first u64 of each page to the next by the table */
	PROBE_DMA_LONG,		/* the same, by a device that has no limit on its segments */
	PROBE_SG,		/* the same without one, by lists of four pages each */
	PROBE_DMA_FAR,		/* maps for DMA by a device that does not reach the memory */
	PROBE_RECALL_IN_DETACH,	/* recalls until the last moment */
	PROBE_CARD,		/* writes the card's number into the first u64 */
	PROBE_ANSWER,		/* replies by struct probe_answer; with a second u32 other than 0, refuses after it */
};

/* As long as a reply may be. */
struct probe_answer {
	unsigned int size; /* of the options */
	unsigned int sum;  /* of their bytes, from the ninth on */
	unsigned char rest[248]; /* 0xa5 */
};

/* Of those that come and go: "probe0" and so on, as many as the module's parameter `cards` says. */
#define PROBE_CARDS 4

#endif
