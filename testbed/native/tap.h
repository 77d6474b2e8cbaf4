/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Test points in TAP, one line each; every program here ends with tap_end(). */
#ifndef PENDSHARE_TAP_H
#define PENDSHARE_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_points;
static unsigned int tap_failures;

__attribute__((format(printf, 2, 3))) static inline bool tap(bool passed, const char *format, ...)
{
	va_list arguments;

	printf("%sok %u - ", passed ? "" : "not ", ++tap_points);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
	tap_failures += !passed;
	return passed;
}

/* The plan, and the exit code. */
static inline int tap_end(void)
{
	printf("1..%u\n", tap_points);
	return tap_failures != 0;
}

#endif
