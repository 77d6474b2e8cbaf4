// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdarg.h>

#include "tap.h"

static unsigned int tap_points;
static unsigned int tap_failures;

bool tap(bool passed, const char *format, ...)
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

void tap_skip(const char *name, const char *why)
{
	printf("ok %u - %s # SKIP %s\n", ++tap_points, name, why);
	fflush(stdout);
}

int tap_end(void)
{
	printf("1..%u\n", tap_points);
	fflush(stdout);
	return tap_failures || !tap_points;
}
