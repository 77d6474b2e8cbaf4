/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Test points in TAP, one line each: what every test program in C reports by. It ends with tap_end(). */
#ifndef PENDSHARE_TAP_H
#define PENDSHARE_TAP_H

#include <stdbool.h>
#include <stdio.h>

/* Says whether it passed. */
__attribute__((format(printf, 2, 3))) bool tap(bool passed, const char *format, ...);

/* A point that is not tried here, and what it would need. */
void tap_skip(const char *name, const char *why);

/* The plan, and the exit code: 0 if points were made and none failed. */
int tap_end(void);

#endif
