/* SPDX-License-Identifier: MIT */
/* The driver's answers to native callers, good and bad, straight at its requests. Prints TAP. */
#include "device.h"

int main(int argc, char **argv)
{
	if (argc > 1)
		return owner_child(argc, argv);
	test_input();
	test_share();
	test_end();
	test_owner(argv[0]);
	test_access();
	return tap_end();
}
