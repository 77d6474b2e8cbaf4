/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a Windows driver needs to use memory that user space shares: register a peer, and each SHARE
 * that names it is attached to it until that share ends. pendshare.sys exports the calls; a
 * driver that imports them has its service depend on pendshare's.
 *
 * Life of one share, as its peer sees it:
 *
 *	attach ──► start ──► notify, ring ... ──► stop ──► last reference ──► detach
 *
 * The one rule: whoever touches the memory holds a reference of the share, and gives it back
 * soon after stop. Whoever drops the last one, at any IRQL up to DISPATCH_LEVEL, has the share
 * completed.
 */
#ifndef PENDSHARE_PEER_API_H
#define PENDSHARE_PEER_API_H

#include "../common/names.h"

#if defined(PENDSHARE_IMPORT)
#define PENDSHARE_API __declspec(dllimport)
#elif defined(_WIN32)
#define PENDSHARE_API __declspec(dllexport)
#else
#define PENDSHARE_API
#endif

struct pendshare_share_context;

struct pendshare_peer {
	const char *name; /* 1 to 31 bytes, unique */
	ULONG access;	  /* PENDSHARE_ACCESS_* without which SHARE says INVALID_PARAMETER */

	/*
	 * PASSIVE_LEVEL, in the owner's request: check the options (size bytes, 0 to
	 * PENDSHARE_OPTIONS_SIZE, in kernel memory, not checked), map, allocate. The memory must
	 * not be touched before start. On failure SHARE gets the status, and nothing of the peer
	 * may be left.
	 */
	NTSTATUS (*attach)(struct pendshare_peer *peer, struct pendshare_share_context *share,
			   const void *options, ULONG size, void **context);
	/* PASSIVE_LEVEL, once, under a reference; the share may be ending already. */
	void (*start)(void *context);
	/* NOTIFY by the owner. PASSIVE_LEVEL, under a reference, several at once. May be NULL. */
	void (*notify)(void *context);
	/*
	 * <= DISPATCH_LEVEL, once, when the share has begun to end: start to let go, never wait. It
	 * may run at the same time as start and notify.
	 */
	void (*stop)(void *context);
	/* PASSIVE_LEVEL, once, after the last reference: free what attach made. */
	void (*detach)(void *context);

	/* The driver's. */
	struct pendshare_name entry;
	ULONG attached;
	BOOLEAN leaving;
	KEVENT left;
};

/*
 * PASSIVE_LEVEL. DEVICE_NOT_READY: pendshare is not started; INVALID_PARAMETER: a bad name or
 * a call is missing; OBJECT_NAME_COLLISION; INSUFFICIENT_RESOURCES: INFO could not list it.
 */
PENDSHARE_API NTSTATUS pendshare_peer_register(struct pendshare_peer *peer);
/* PASSIVE_LEVEL: ends the peer's shares as PEER_ENDED, and returns after the last detach. */
PENDSHARE_API void pendshare_peer_unregister(struct pendshare_peer *peer);

/* In attach: maps the whole share, not executable, and writable only with WRITE in the access. */
PENDSHARE_API void *pendshare_share_map(struct pendshare_share_context *share);
/* The locked pages, for DMA; the owner is the request, so nothing of it may be changed or freed. */
PENDSHARE_API PMDL pendshare_share_mdl(const struct pendshare_share_context *share);
/* In bytes. */
PENDSHARE_API ULONG64 pendshare_share_length(const struct pendshare_share_context *share);
PENDSHARE_API ULONG pendshare_share_access(const struct pendshare_share_context *share);

/* The rest from start on, at <= DISPATCH_LEVEL, by whoever holds a reference. */

/* Takes another reference. FALSE, and none: the share is ending. */
PENDSHARE_API BOOLEAN pendshare_share_get(struct pendshare_share_context *share);
PENDSHARE_API void pendshare_share_put(struct pendshare_share_context *share);
PENDSHARE_API BOOLEAN pendshare_share_ending(const struct pendshare_share_context *share);
/* Rings the owner's doorbell. Rings coalesce into a count until the owner looks. */
PENDSHARE_API void pendshare_share_ring(struct pendshare_share_context *share);
/* So many bytes from the start were written: the value of the END. Never goes down. */
PENDSHARE_API void pendshare_share_written(struct pendshare_share_context *share, ULONG64 bytes);
/* The peer is done: the share ends as PEER_ENDED, or as FAILED, unless it is ending already. */
PENDSHARE_API void pendshare_share_end(struct pendshare_share_context *share);
PENDSHARE_API void pendshare_share_fail(struct pendshare_share_context *share,
					enum pendshare_failure failure);

#endif
