/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the parts of pendshare.sys know of one another. An open file holds shares; a share
 * lives in the context of the SHARE request that it is. The files' functions stand bottom to
 * top: no file calls one that stands below its own.
 *
 * Locks: device->mutex (PASSIVE_LEVEL only) before file->lock; device->lock is a leaf. None is
 * held across a call into the framework that can call back, a peer, or a completion.
 * Everything that is not marked PASSIVE runs at <= DISPATCH_LEVEL.
 */
#ifndef PENDSHARE_DRIVER_H
#define PENDSHARE_DRIVER_H

#include <ntifs.h>
#include <wdf.h>

#include "../include/pendshare/abi.h"
#include "../common/due.h"
#include "../common/events.h"
#include "../common/lease.h"
#include "../common/names.h"
#include "../common/table.h"
#include "../common/quota.h"
#include "../common/request.h"
#include "pendshare-peer.h"

#define PENDSHARE_POOL_TAG 0x68736470ul /* "pdsh" in a debugger */
#define PENDSHARE_TABLE_BITS 8u
#define PENDSHARE_SID_SIZE (8 + 15 * sizeof(ULONG)) /* the longest that there is */

/* An MDL describes less than 4 GiB, and so does the length of an output buffer. */
#define PENDSHARE_MAX_BYTES (0x100000000ull - PAGE_SIZE)
#define PENDSHARE_SHARES_TOTAL (4 * PENDSHARE_SHARES_PER_USER)
/* What a high-resolution timer keeps on every machine. */
#define PENDSHARE_WINDOWS_PERIOD_NS 1000000ull

typedef struct pendshare_share_context SHARE;
typedef struct file FILE_CONTEXT;
typedef struct device DEVICE;

/* Who pays for shares: every file that one user (by SID) has open. */
struct user {
	LIST_ENTRY link; /* device->mutex */
	ULONG files;	 /* device->mutex */
	WDFMEMORY memory;
	struct pendshare_quota shares;
	struct pendshare_quota rate;
	UCHAR sid[PENDSHARE_SID_SIZE];
};

struct device {
	WDFDEVICE handle;
	WDFQUEUE parked;       /* SHARE requests that are leases */
	WDFQUEUE waiting;      /* PEND requests */
	WDFWORKITEM reaper;    /* completes ended shares, serves stale files */
	WDFTIMER recall;       /* wakes the reaper when the first grace time has passed */
	LONG volatile errands; /* of the reaper, see revoke.c */
	struct pendshare_quota shares;
	LONG64 volatile pages; /* theirs; for INFO */
	FAST_MUTEX mutex;
	LIST_ENTRY files; /* mutex */
	LIST_ENTRY users; /* mutex */
	KSPIN_LOCK lock;
	SHARE *ended;	    /* lock: the first of the ended shares, in their order */
	SHARE **ended_tail; /* lock */
};

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DEVICE, device_of)

struct file {
	WDFFILEOBJECT handle;
	DEVICE *device;
	PEPROCESS owner; /* referenced from create to close */
	struct user *user;
	LIST_ENTRY link;       /* device->mutex */
	BOOLEAN stale;	       /* device->mutex: the reaper shall drain its events */
	BOOLEAN administrator; /* the open was granted the right to revoke */

	KSPIN_LOCK lock;  /* everything below */
	BOOLEAN closing;  /* no new shares */
	BOOLEAN dead;	  /* revoked */
	BOOLEAN removed;  /* REMOVED is to be delivered */
	BOOLEAN closed;	  /* no request of it is left, and none will come */
	BOOLEAN draining; /* someone delivers events */
	BOOLEAN again;	  /* and shall look once more */
	HANDLE drainer;	  /* while draining */
	ULONG64 live;	  /* SHARE requests accepted and not completed */
	ULONG64 shares;	  /* in the table: for INFO, gone from it before their end is seen */
	ULONG64 pages;	  /* theirs */
	struct pendshare_events events; /* no references: see collect() */
	struct pendshare_table table;
	struct pendshare_node *chains[1u << PENDSHARE_TABLE_BITS];
	KEVENT drained; /* of a closed file */
};

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(FILE_CONTEXT, file_of)

/* A one-shot timer that holds a reference of its share from start to the end of fire(). */
struct alarm {
	WDFTIMER timer;
	ULONG64 due_ns; /* clock_ns(); of the last start */
	SHARE *share;
	void (*fire)(struct alarm *alarm);
};

/* What a peer replies in attach. */
struct answer {
	ULONG size;
	UCHAR bytes[PENDSHARE_REPLY_MAX];
};

/* A device of somebody's, or a peer of ours. */
struct pendshare_peer {
	const struct pendshare_peer_ops *ops;
	void *context;
	WDFMEMORY memory; /* this */
	char name[PENDSHARE_NAME_SIZE];

	/* the lock of peers.c */
	struct pendshare_name entry;
	ULONG attached; /* SHAREs that have found it, and have not lost it again */
	BOOLEAN removed;
	KEVENT unused; /* no longer attached, after it was removed */
};

/*
 * A share: the SHARE request, pended for as long as kernel code may touch the memory, and
 * completed exactly once when nobody does any more.
 *
 *   share_prepare      context, event; in the caller's context
 *   share_begin        checks, quota, peer, id ──► refused: completed with the error
 *        │ parked in device->parked
 *        ▼
 *      live ──────────► ending ────────────► last reference ───────► share_reap: completed
 *              share_end or              share_put(), whoever
 *              file_mark_all             drops it, at any IRQL
 */
struct pendshare_share_context {
	struct pendshare_lease lease;
	ULONG failure; /* of the winner, before it gives its reference back */
	WDFREQUEST request;
	FILE_CONTEXT *file;
	SHARE *next;	  /* of the one who ends many, then of device->ended */
	NTSTATUS refused; /* parking failed: complete with this */

	ULONG64 length;
	ULONG access;
	ULONG frame_count;
	ULONG frame_bytes;
	PMDL mdl;
	void *memory;	       /* mapped in attach, or NULL */
	LONG64 volatile bytes; /* written by the peer */
	PKEVENT event;
	struct alarm deadline;
	struct pendshare_peer *peer;
	void *attachment; /* the peer's */
	UCHAR *reply;	  /* the owner's buffer, locked until the request is completed, or NULL */
	ULONG reply_size;
	struct answer *answer; /* in attach alone, if there is one to be given */
	struct pendshare_frames *frames; /* NULL: the peer has asked for none */
	WDFMEMORY frames_memory;
	BOOLEAN playback;

	/* file->lock; the node's id can be read without */
	struct pendshare_node node;
	struct pendshare_news news;
	BOOLEAN started;  /* the peer may be notified */
	BOOLEAN notified; /* and was to be, perhaps before that */
	SHARE *batch;	   /* next of those that are being reported */
	struct pendshare_due recall; /* by clock_ns(); a deadline has an alarm, which holds a reference */
};

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(SHARE, share_of)

/* A request on its way through the dispatcher. */
struct call {
	WDFREQUEST request;
	FILE_CONTEXT *file;
	ULONG code;
	size_t output_length;
	ULONG_PTR information;
	union {
		struct pendshare_info info;
		struct pendshare_share share;
		struct pendshare_pend pend;
		struct pendshare_end end;
		struct pendshare_notify notify;
		struct pendshare_shutdown shutdown;
		struct pendshare_revoke revoke;
	} arguments;
};

/* ended.c */
void share_put(SHARE *share);
SHARE *ended_take(DEVICE *device);

/* table.c */
NTSTATUS file_add(FILE_CONTEXT *file, SHARE *share);
ULONG file_remove(FILE_CONTEXT *file, SHARE *share); /* returns rings not reported */
void file_completed(FILE_CONTEXT *file);
SHARE *file_find(FILE_CONTEXT *file, ULONG64 id); /* with file->lock held */
/* The one after it, or with NULL the first; with file->lock held. */
SHARE *file_next(FILE_CONTEXT *file, SHARE *share);

/* alarm.c */
NTSTATUS alarm_create(struct alarm *alarm, SHARE *share, void (*fire)(struct alarm *alarm),
		      ULONG64 finest_ns); /* PASSIVE */
void alarm_delete(struct alarm *alarm);	  /* PASSIVE */
LONGLONG alarm_due(ULONG64 in_ns);
void alarm_start(struct alarm *alarm, ULONG64 in_ns);
void alarm_stop(struct alarm *alarm);
ULONG64 clock_ns(void);

/* doorbell.c */
NTSTATUS doorbell_reference(ULONG64 handle, PKEVENT *event); /* PASSIVE, in the caller's context */
void doorbell_ring(SHARE *share);
void events_add(FILE_CONTEXT *file, SHARE *share); /* with file->lock held */
void events_drain(FILE_CONTEXT *file);
void events_close(FILE_CONTEXT *file); /* PASSIVE */
NTSTATUS events_pend(struct call *call);

/* end.c */
BOOLEAN share_end(SHARE *share, ULONG reason, ULONG failure);
void share_let_go(SHARE *share); /* what the winner of pendshare_lease_end() owes */
void share_let_go_all(SHARE *list);
void share_unpark(SHARE *share);
EVT_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE share_canceled;
/* With file->lock held: ends those of a peer, or all, and puts them before the list. */
SHARE *file_mark_all(FILE_CONTEXT *file, const struct pendshare_peer *peer, ULONG reason,
		     SHARE *list);

/* owner.c; PASSIVE */
NTSTATUS owner_watch(DEVICE *device);
void owner_unwatch(void);
NTSTATUS user_get(DEVICE *device, struct user **user);
void user_put(DEVICE *device, struct user *user);
NTSTATUS user_charge(FILE_CONTEXT *file, ULONG64 pages);
void user_refund(FILE_CONTEXT *file, ULONG64 pages);

/* peers.c; PASSIVE */
void peers_create(DEVICE *device);
void peers_destroy(void);
NTSTATUS peer_attach(SHARE *share, const struct pendshare_share *arguments, const void *options);
void peer_detach(SHARE *share);
BOOLEAN peer_is_removed(const struct pendshare_peer *peer);
void peer_names(char *list);

/* frames.c; PASSIVE */
void frames_format(SHARE *share); /* before the peer starts */
void frames_free(SHARE *share);	  /* after it has detached */

/* revoke.c */
NTSTATUS revoke(struct call *call); /* PASSIVE */
EVT_WDF_TIMER revoke_grace_passed;
void revoke_errands(DEVICE *device); /* PASSIVE */

/* builtin.c; PASSIVE */
NTSTATUS builtin_add(void); /* after peers_create; peers_destroy undoes it */

/* share.c; PASSIVE */
/* In the caller's context. */
NTSTATUS share_prepare(WDFREQUEST request, const struct pendshare_share *arguments);
NTSTATUS share_begin(struct call *call);

/* reap.c */
EVT_WDF_WORKITEM share_reap;

/* info.c; PASSIVE */
NTSTATUS device_info(struct call *call);

/* file.c */
EVT_WDF_DEVICE_FILE_CREATE file_create;
EVT_WDF_FILE_CLEANUP file_cleanup;
EVT_WDF_FILE_CLOSE file_close;
NTSTATUS file_end(struct call *call);
NTSTATUS file_notify(struct call *call);
NTSTATUS file_shutdown(struct call *call);

/* queue.c */
EVT_WDF_IO_IN_CALLER_CONTEXT queue_caller_context;
EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL queue_device_control;

/* device.c; PASSIVE */
NTSTATUS device_create(WDFDRIVER driver, DEVICE **device);

#endif
