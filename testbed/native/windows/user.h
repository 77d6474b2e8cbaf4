/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The requests of pendshare.sys as a program in user space would make them. */
#ifndef PENDSHARE_NATIVE_USER_H
#define PENDSHARE_NATIVE_USER_H

#include <stdlib.h>

#include "../fake/fake.h"
#include "../../../drivers/include/pendshare/frames.h"

#define BOTH (PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE)

static inline struct pendshare_share user_share(ULONG64 id, const char *peer, ULONG access)
{
	struct pendshare_share share = { .size = sizeof(share), .id = id, .access = access };
	unsigned int i;

	for (i = 0; peer && peer[i]; i++)
		share.peer[i] = peer[i];
	return share;
}

static inline void user_options(struct pendshare_share *share, const void *options, ULONG size)
{
	memcpy(share->options, options, size);
	share->options_size = size;
}

static inline void *user_pages(size_t pages)
{
	return aligned_alloc(PAGE_SIZE, pages * PAGE_SIZE);
}

static inline struct io *user_start(struct handle *handle, const struct pendshare_share *share,
				    void *memory, size_t pages)
{
	return fake_start(handle, PENDSHARE_IOC_SHARE, share, sizeof(*share), memory,
			  pages * PAGE_SIZE);
}

static inline NTSTATUS user_end(struct handle *handle, ULONG code, ULONG64 id)
{
	struct pendshare_end end = { .size = sizeof(end), .id = id };

	return fake_control(handle, code, &end, sizeof(end), NULL, 0, NULL);
}

static inline NTSTATUS user_notify(struct handle *handle, ULONG64 id)
{
	struct pendshare_notify notify = { .size = sizeof(notify), .id = id };

	return fake_control(handle, PENDSHARE_IOC_NOTIFY, &notify, sizeof(notify), NULL, 0, NULL);
}

static inline NTSTATUS user_shutdown(struct handle *handle)
{
	struct pendshare_shutdown shutdown = { .size = sizeof(shutdown) };

	return fake_control(handle, PENDSHARE_IOC_SHUTDOWN, &shutdown, sizeof(shutdown), NULL, 0,
			    NULL);
}

static inline NTSTATUS user_revoke(struct handle *handle, ULONG64 grace_ms)
{
	struct pendshare_revoke revoke = { .size = sizeof(revoke), .grace_ms = grace_ms };

	return fake_control(handle, PENDSHARE_IOC_REVOKE, &revoke, sizeof(revoke), NULL, 0, NULL);
}

static inline struct io *user_pend(struct handle *handle, struct pendshare_event *events,
				   ULONG capacity)
{
	struct pendshare_pend pend = { .size = sizeof(pend), .capacity = capacity };

	return fake_start(handle, PENDSHARE_IOC_PEND, &pend, sizeof(pend), events,
			  capacity * sizeof(*events));
}

static inline NTSTATUS user_info(struct handle *handle, struct pendshare_info *info)
{
	*info = (struct pendshare_info){ .size = sizeof(*info) };
	return fake_control(handle, PENDSHARE_IOC_INFO, info, sizeof(*info), info, sizeof(*info),
			    NULL);
}

#endif
