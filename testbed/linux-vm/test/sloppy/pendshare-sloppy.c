// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds, but not without remarks: one from the compiler at W=1 and one from
 * sparse. The VM bed must refuse both.
 */
#include <linux/module.h>

int sloppy_read(const int __user *there);

int sloppy_read(const int __user *there)
{
	int set_but_unused = 1;
	const int *here = (const int *)there;

	return *here;
}

MODULE_DESCRIPTION("Draws remarks on purpose, to test the test bed");
MODULE_LICENSE("GPL");
