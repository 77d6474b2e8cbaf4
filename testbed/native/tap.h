/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Test points in TAP, one line each; every program here ends with tap_end(). */
#ifndef PENDSHARE_TAP_H
#define PENDSHARE_TAP_H

#include <stdbool.h>
#include <stdio.h>

/* Says whether it passed. */
__attribute__((format(printf, 2, 3))) bool tap(bool passed, const char *format, ...);

/* The plan, and the exit code. */
int tap_end(void);

#endif
