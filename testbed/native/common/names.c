// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The names of peers as names.h keeps them: which are refused, and what INFO shows of the others. */
#include <stdlib.h>

#include "../../../drivers/common/names.h"
#include "../../tap/tap.h"

static struct pendshare_name *first;
static struct pendshare_name entries[16];

static enum pendshare_names_result add(unsigned int at, const char *name)
{
	return pendshare_names_add(&first, &entries[at], name);
}

/* Whether INFO shows these, NUL by NUL, and zeros up to the end. */
static bool shows(const char *wanted, size_t size)
{
	char *list = malloc(PENDSHARE_PEERS_SIZE); /* so that one byte too far is an error */
	bool right;
	size_t i;

	memset(list, 0x55, PENDSHARE_PEERS_SIZE);
	pendshare_names_list(first, list);
	right = !memcmp(list, wanted, size);
	for (i = size; i < PENDSHARE_PEERS_SIZE; i++)
		right = right && !list[i];
	free(list);
	return right;
}

#define SHOWS(wanted) shows(wanted, sizeof(wanted))

static void test_lengths(void)
{
	char *endless = malloc(PENDSHARE_NAME_SIZE);
	char longest[PENDSHARE_NAME_SIZE] = { 0 };
	bool right;

	memset(endless, 'x', PENDSHARE_NAME_SIZE);
	memset(longest, 'y', PENDSHARE_NAME_SIZE - 1);
	tap(SHOWS(""), "at first there is none");
	right = pendshare_name_length("") == 0 && pendshare_name_length(longest) == 31 &&
		pendshare_name_length(endless) == 32;
	tap(right && add(0, "") == PENDSHARE_NAMES_INVALID &&
		    add(0, endless) == PENDSHARE_NAMES_INVALID && SHOWS(""),
	    "an empty name and one of 32 bytes are refused");
	tap(add(0, "a") == PENDSHARE_NAMES_ADDED && add(1, longest) == PENDSHARE_NAMES_ADDED,
	    "one of a byte and one of 31 are taken");
	tap(pendshare_names_find(first, "a") == &entries[0] &&
		    pendshare_names_find(first, longest) == &entries[1] &&
		    !pendshare_names_find(first, "") && !pendshare_names_find(first, "ab"),
	    "and found, by the whole name");
	pendshare_names_remove(&first, &entries[0]);
	pendshare_names_remove(&first, &entries[1]);
	tap(SHOWS("") && !pendshare_names_find(first, "a"), "and gone when they are removed");
	free(endless);
}

static void test_order(void)
{
	char copy[] = "two";

	add(0, "one");
	add(1, "two");
	add(2, "three");
	tap(SHOWS("one\0two\0three\0"), "INFO shows them in the order in which they came");
	tap(add(1, "two") == PENDSHARE_NAMES_TAKEN && add(3, copy) == PENDSHARE_NAMES_TAKEN &&
		    !entries[3].name && SHOWS("one\0two\0three\0"),
	    "no two have one name, and who is refused changes nothing");
	pendshare_names_remove(&first, &entries[1]);
	pendshare_names_remove(&first, &entries[1]);
	pendshare_names_remove(&first, &entries[3]);
	tap(SHOWS("one\0three\0"), "one from the middle is removed, once");
	add(3, copy);
	tap(SHOWS("one\0three\0two\0") && pendshare_names_find(first, "two") == &entries[3],
	    "its name is free, and comes last");
	pendshare_names_remove(&first, &entries[0]);
	pendshare_names_remove(&first, &entries[3]);
	tap(SHOWS("three\0"), "the first and the last are removed");
	pendshare_names_remove(&first, &entries[2]);
}

static void test_full(void)
{
	static char long_names[8][PENDSHARE_NAME_SIZE];
	bool right = true;
	unsigned int i;

	for (i = 0; i < 7; i++) {
		memset(long_names[i], 'a' + i, PENDSHARE_NAME_SIZE - 1);
		right = right && add(i, long_names[i]) == PENDSHARE_NAMES_ADDED;
	}
	/* 7 * 32 bytes and the end of the list: room for 30 and a NUL. */
	memset(long_names[7], 'h', PENDSHARE_NAME_SIZE - 1);
	right = right && add(7, long_names[7]) == PENDSHARE_NAMES_FULL;
	long_names[7][PENDSHARE_NAME_SIZE - 2] = 0;
	right = right && add(7, long_names[7]) == PENDSHARE_NAMES_ADDED;
	tap(right && shows((char *)long_names, PENDSHARE_PEERS_SIZE),
	    "they fill the list to the last byte");
	tap(add(8, "i") == PENDSHARE_NAMES_FULL && add(8, long_names[0]) == PENDSHARE_NAMES_TAKEN &&
		    add(8, "") == PENDSHARE_NAMES_INVALID,
	    "then there is room for none, and what else is wrong is told before");
	pendshare_names_remove(&first, &entries[0]);
	tap(add(8, "i") == PENDSHARE_NAMES_ADDED && add(9, "j") == PENDSHARE_NAMES_ADDED,
	    "until one is removed");
}

int main(void)
{
	test_lengths();
	test_order();
	test_full();
	return tap_end();
}
