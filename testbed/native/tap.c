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

int tap_end(void)
{
	printf("1..%u\n", tap_points);
	return tap_failures != 0;
}
