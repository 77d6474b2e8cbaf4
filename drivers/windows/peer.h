/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The interface between pendshare.sys and kernel code that uses shares.
 *
 * The rule of it: whoever touches a share's memory holds a reference, and gives it back soon
 * after stop. The last reference, whoever drops it, completes the share.
 */
#ifndef PENDSHARE_PEER_H_WINDOWS
#define PENDSHARE_PEER_H_WINDOWS

struct pendshare_share_context;

struct pendshare_peer {
	const char *name;
	ULONG access; /* PENDSHARE_ACCESS_* that it needs */

	/*
	 * PASSIVE_LEVEL, before anyone else knows the share: check the options, map, allocate. The
	 * memory must not be touched before start. On failure nothing may be left behind.
	 */
	NTSTATUS (*attach)(const struct pendshare_peer *peer, struct pendshare_share_context *share,
			   const void *options, ULONG size, void **context);
	/* PASSIVE_LEVEL, once, after the share was accepted; it may be ending already. */
	void (*start)(void *context);
	/* <= DISPATCH_LEVEL, under a reference, many at a time; NULL: takes no notifications. */
	void (*notify)(void *context);
	/*
	 * <= DISPATCH_LEVEL, once, when the share has begun to end: start to let go, never wait.
	 * It may run at the same time as start and notify.
	 */
	void (*stop)(void *context);
	/* PASSIVE_LEVEL, once, after the last reference: free what attach made. */
	void (*detach)(void *context);
};

/* Maps the whole share, not executable, and only READ in the access: not writable. In attach. */
void *pendshare_share_map(struct pendshare_share_context *share);
ULONG64 pendshare_share_length(const struct pendshare_share_context *share); /* bytes */

/* The rest at <= DISPATCH_LEVEL, by whoever holds a reference. */

/* FALSE, and no reference: the share is ending. From start and notify on. */
BOOLEAN pendshare_share_get(struct pendshare_share_context *share);
void pendshare_share_put(struct pendshare_share_context *share);
BOOLEAN pendshare_share_ending(const struct pendshare_share_context *share);
/* Rings coalesce into a count until the owner looks. */
void pendshare_share_ring(struct pendshare_share_context *share);
/* The first so many bytes were written: the value of the END. Never goes down. One at a time. */
void pendshare_share_written(struct pendshare_share_context *share, ULONG64 bytes);
/* The peer is done. Of no effect when the share is ending already. */
void pendshare_share_end(struct pendshare_share_context *share);
void pendshare_share_fail(struct pendshare_share_context *share, enum pendshare_failure failure);

#endif
