/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Tests as functions: TEST(name, "title") { CHECK(...); } ... MAIN. Each is one point. */
#ifndef PENDSHARE_SUITE_H
#define PENDSHARE_SUITE_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

typedef void (*test_function)(void);

static struct {
	const char *name;
	test_function run;
} tap_tests[64];
static int tap_count;
static int tap_failures; /* of the current test */
static const char *tap_reason; /* why the current test is skipped */

#define TEST(function, title)							\
	static void function(void);						\
	__attribute__((constructor)) static void function##_register(void)	\
	{									\
		tap_tests[tap_count].name = title;				\
		tap_tests[tap_count++].run = function;				\
	}									\
	static void function(void)

#define CHECK(condition)							\
	do {									\
		if (!(condition))						\
			tap_fail("%s:%d: %s", __FILE__, __LINE__, #condition);	\
	} while (0)

#define CHECK_IS(actual, expected)						\
	do {									\
		long long is_ = (long long)(actual), want_ = (long long)(expected); \
		if (is_ != want_)						\
			tap_fail("%s:%d: %s is %lld, not %lld", __FILE__, __LINE__, \
				 #actual, is_, want_);				\
	} while (0)

/* For what the test itself needs and cannot go on without. */
#define NEED(condition)								\
	do {									\
		if (!(condition)) {						\
			printf("Bail out! %s:%d: %s: %m\n", __FILE__, __LINE__,	\
			       #condition);					\
			exit(2);						\
		}								\
	} while (0)

#define SKIP(reason)								\
	do {									\
		tap_reason = reason;						\
		return;								\
	} while (0)

__attribute__((format(printf, 1, 2))) static inline void tap_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (tap_failures++ < 10) {
		printf("# ");
		vprintf(format, arguments);
		printf("\n");
	}
	va_end(arguments);
}

/* Runs what main was asked for: tests whose name contains the argument, or all. */
static inline int run_tests(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < tap_count; i++) {
		if (argc > 1 && !strstr(tap_tests[i].name, argv[1]))
			continue;
		tap_failures = 0;
		tap_reason = NULL;
		tap_tests[i].run();
		if (tap_reason && !tap_failures)
			tap_skip(tap_tests[i].name, tap_reason);
		else
			tap(!tap_failures, "%s", tap_tests[i].name);
	}
	return tap_end();
}

#define MAIN						\
	int main(int argc, char **argv)			\
	{						\
		return run_tests(argc, argv);		\
	}

#endif
