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
	PROBE_SGTABLE,		/* moves the first u64 of each page to the next, by the table */
	PROBE_RECALL_IN_DETACH,	/* recalls until the last moment */
};

#endif
