/* SPDX-License-Identifier: MIT */
#include "device.h"

#include <stdarg.h>
#include <stdio.h>

static int tests;
static int failed;

static void point(int fine, const char *format, va_list arguments)
{
	if (!format && fine)
		return; /* a step that is only worth telling of when it fails */
	printf("%sok %d - ", fine ? "" : "not ", ++tests);
	vprintf(format ? format : "a step", arguments);
	putchar('\n');
	fflush(stdout);
	failed += !fine;
}

void check(int fine, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	point(fine, format, arguments);
	va_end(arguments);
}

void check_status(NTSTATUS status, NTSTATUS expected, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	point(status == expected, format, arguments);
	va_end(arguments);
	if (status != expected)
		printf("# status %08lx, not %08lx\n", (unsigned long)status,
		       (unsigned long)expected);
}

void cannot_show(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP not under Wine: %s\n", ++tests, name, why);
}

int finish(void)
{
	printf("1..%d\n", tests);
	return failed > 0;
}
