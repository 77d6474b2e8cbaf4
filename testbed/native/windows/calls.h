/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the parts of `calls` share. Each part is one function, which calls.c runs. */
#ifndef PENDSHARE_NATIVE_CALLS_H
#define PENDSHARE_NATIVE_CALLS_H

#include "../../tap/tap.h"
#include "guest.h"

void test_arguments(void);
void test_attached(void);
void test_ends(void);
void test_frames(void);
void test_owners(void);
void test_peers(void);

static inline NTSTATUS ended(struct io *io, ULONG_PTR *bytes)
{
	NTSTATUS status;

	fake_settle();
	if (!fake_done(io))
		return STATUS_PENDING;
	status = fake_wait(io, bytes);
	fake_free(io);
	return status;
}

static inline void expect(NTSTATUS status, NTSTATUS wanted, const char *what)
{
	tap(status == wanted, "%s: %08x%s", what, (unsigned int)status,
	    status == wanted ? "" : " is not what was expected");
}

static inline void expect_end(struct io *io, ULONG reason, const char *what)
{
	NTSTATUS status = ended(io, NULL);

	tap(PENDSHARE_STATUS_IS_END(status) && PENDSHARE_STATUS_REASON(status) == reason,
	    "%s ends it: %08x", what, (unsigned int)status);
}

#endif
