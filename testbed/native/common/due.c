// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* due.h: the earliest time stands, with its reason, and no sum wraps. */
#include "../../../drivers/common/due.h"
#include "../../tap/tap.h"

#define LAST 0x7fffffffffffffffull

static void test_earliest(void)
{
	struct pendshare_due due = { 0, 0 };
	bool fine = pendshare_due_by(&due, 100, PENDSHARE_DEADLINE);

	tap(fine && due.at_ns == 100, "the first time is the earliest");
	fine = !pendshare_due_by(&due, 101, PENDSHARE_RECALLED) &&
	       !pendshare_due_by(&due, 100, PENDSHARE_RECALLED);
	tap(fine && pendshare_due_reason(&due) == PENDSHARE_DEADLINE,
	    "a later one, or the same, changes neither time nor reason");
	fine = pendshare_due_by(&due, 99, PENDSHARE_RECALLED);
	tap(fine && due.at_ns == 99 && pendshare_due_reason(&due) == PENDSHARE_RECALLED,
	    "an earlier one takes its place, with its reason");
}

static void test_sums(void)
{
	tap(pendshare_due_after(5, 7, LAST) == 12, "a time is so long after now");
	tap(pendshare_due_after(5, LAST, LAST) == LAST &&
		    pendshare_due_after(5, ~0ull, LAST) == LAST &&
		    pendshare_due_after(LAST, 1, LAST) == LAST &&
		    pendshare_due_after(~0ull, 0, LAST) == LAST,
	    "none is after the last that there is");
	tap(pendshare_due_after(1, LAST - 1, LAST) == LAST, "the last is reached exactly");
}

int main(void)
{
	test_earliest();
	test_sums();
	return tap_end();
}
