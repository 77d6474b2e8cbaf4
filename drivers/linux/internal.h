/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's own structures, and which lock or reference keeps each field.
 *
 * Two counts keep a share. Its lease counts those who may touch the memory; the last one
 * tears it down. Its refs count those who may touch the structure: the table of its file
 * until END was delivered, the queue of events, and calls that look at it.
 */
#ifndef PENDSHARE_INTERNAL_H
#define PENDSHARE_INTERNAL_H

#if !defined(CONFIG_X86_64) && !defined(CONFIG_ARM64) && \
	!(defined(CONFIG_RISCV) && defined(CONFIG_64BIT)) || defined(__BIG_ENDIAN)
#error "pendshare needs coherent aliases of user memory on x86-64, arm64 or riscv64 (little-endian)"
#endif

#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/mmu_notifier.h>
#include <linux/poll.h>
#include <linux/refcount.h>
#include <linux/sched/user.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "../common/due.h"
#include "../common/events.h"
#include "../common/lease.h"
#include "../common/names.h"
#include "../common/quota.h"
#include "../common/request.h"
#include "../common/table.h"
#include "../include/pendshare/bells.h"
#include "pendshare-peer.h"

#define PS_MAX_BYTES BIT_ULL(40)
#define PS_TABLE_BITS 10

/*
 * Physically contiguous pages, in the 8 bytes that one entry of an array of pages takes: a
 * single page as it was pinned, which sets bit 63 as any kernel pointer does, or the first
 * of several by its frame.
 */
union ps_run {
	struct page *page;
	struct {
		u64 count : 20;
		u64 pfn : 43;
		u64 single : 1;
	};
};

static_assert(sizeof(union ps_run) == sizeof(struct page *));

static inline struct page *ps_run_page(const union ps_run *run)
{
	return run->single ? run->page : pfn_to_page(run->pfn);
}

static inline unsigned int ps_run_count(const union ps_run *run)
{
	return run->single ? 1 : run->count;
}

#define PS_RUN_MAX min((1UL << 20) - 1, UINT_MAX >> PAGE_SHIFT) /* its bytes fit a scatterlist's */

#define PS_FEW_RUNS 16 /* as many as a small share needs, however its pages lie */

struct ps_pages {
	union ps_run *runs;	/* few, while they are enough */
	unsigned int nr_runs;
	unsigned int capacity;
	unsigned long count;	/* pinned pages */
	unsigned long charged;	/* pages, in whole folios */
	union ps_run few[PS_FEW_RUNS];
};

struct ps_dma;

/* What a peer answers in attach. */
struct ps_reply {
	u32 size;
	u8 bytes[PENDSHARE_REPLY_MAX];
};

/* What one user may have, over all of their open files. */
struct ps_user {
	struct list_head node;		/* ps_users_lock */
	/* the first opener's, keeps uid: free_uid() is not exported everywhere */
	const struct cred *cred;
	struct user_struct *uid;
	unsigned int files;		/* ps_users_lock */
	struct pendshare_quota shares;
	struct pendshare_quota rate;
};

/* An open file. Bound to the address space that opened it. */
struct ps_file {
	struct mmu_notifier owner;	/* owner.mm: the opener's */
	struct ps_user *user;
	struct list_head node;		/* ps_files_lock */
	bool unlimited;			/* opened with CAP_IPC_LOCK: RLIMIT_MEMLOCK is not for it */
	struct ps_share *spare;		/* memory for the next share; xchg() */
	wait_queue_head_t wait;		/* events, and the last share's end */

	spinlock_t lock;		/* never taken in interrupts */
	struct pendshare_table table;	/* its chains are freed by ->release */
	struct list_head live;		/* accepted, not yet ended, and not yet told to end */
	unsigned int nr_shares;		/* accepted and not ended */
	unsigned long pinned;		/* their pages */
	bool closing;			/* SHUTDOWN, or the owner is gone */
	bool revoked;

	spinlock_t event_lock;		/* within lock; taken in interrupts */
	struct pendshare_events events;	/* shares that have something to tell; a reference each */
	unsigned int in_flight;		/* batches that are being copied, and may come back */
	bool removed_told;		/* REMOVED was delivered */

	/* event_lock, but for the pointer: set once, under the owner's mmap lock */
	struct pendshare_bells_driver *bells;
};

/* A device of somebody's, or a peer of ours. */
struct pendshare_peer {
	const struct pendshare_peer_ops *ops;
	void *context;
	struct pendshare_name entry;	/* ps_peers_lock */
	bool removed;			/* written under ps_peers_lock */
	/*
	 * One until it is removed, and one for each share from when SHARE has found the peer until
	 * the share has ended: the last one lets the removal return.
	 */
	refcount_t users;
	struct completion unused;
	char name[PENDSHARE_NAME_SIZE];
};

struct ps_share {
	struct pendshare_lease lease;
	refcount_t refs;
	struct ps_file *file;		/* outlives its shares */
	u64 address;
	u64 length;
	u32 access;

	/* file->lock; its id can be read without */
	bool ended;			/* torn down */
	bool end_taken;			/* END goes to the call that ended it, not into the queue */

	/* file->event_lock */
	bool silent;			/* has a peer but is not accepted yet: tells nothing */
	bool told;			/* END was delivered: nothing may follow */
	bool belled;			/* rings by the file's bells; never changes */
	u8 bell;			/* its place there */

	/* file->lock */
	struct pendshare_node node;	/* in the table until END was delivered */
	union {
		struct list_head live;
		struct ps_reply *reply;	/* while it is silent, if its caller wants one */
	};

	/* file->event_lock */
	struct pendshare_news news;
	u64 all_rings;
	struct pendshare_due due;	/* no time: the timer was never started */

	/* set before acceptance, or the peer's; gone after teardown */
	struct pendshare_peer *peer;
	void *private;
	struct eventfd_ctx *event;
	void *mapping;
	struct ps_dma *dma;
	struct pendshare_frames *frames; /* freed when ended was set: fdinfo looks at it */
	bool dirty;			/* kernel code may have written */
	bool timed;			/* the peer counts what it missed */
	u32 failure;
	u64 written;
	u64 missed;			/* ticks; one writer, and read whole: 64 bits */
	struct ps_pages pages;

	/* from pages.few on not zeroed at first, but set when it is needed */
	struct hrtimer timer;		/* the deadline, or the end of a recall's grace */
	struct work_struct teardown;
	char label[PENDSHARE_NAME_SIZE];
};

/*
 * The files, from the ground up: each calls those above it, and none below. What lies lower
 * and has to reach higher, does so by a peer's operations, a work item or a notifier.
 */

/* slab.c */
int ps_slab_init(void);
void ps_slab_exit(void);
struct ps_share *ps_share_alloc(struct ps_file *file);
void ps_share_put(struct ps_share *share);
void ps_share_free(struct ps_share *share);

/* pages.c */
int ps_pages_pin(struct ps_file *file, struct ps_pages *pages, u64 address, unsigned long count);
void ps_pages_unpin(struct ps_file *file, struct ps_pages *pages, bool dirty);

/* map.c */
void *ps_pages_map(const struct ps_pages *pages, bool writable);
void ps_pages_unmap(const struct ps_pages *pages, void *mapping);
int ps_pages_sgtable(const struct ps_pages *pages, struct sg_table *table, unsigned int longest);

/* dma.c */
void ps_dma_unmap(struct ps_dma *dma);

/* frames.c */
int ps_frames_alloc(struct ps_share *share, const struct pendshare_share *args);
void ps_frames_show(const struct pendshare_frames *frames, struct seq_file *m);

/* bells.c */
int ps_mmap(struct file *file, struct vm_area_struct *vma);
int ps_bells_choose(struct ps_share *share, u32 bell);
void ps_bells_ring(struct ps_share *share, u32 count);
bool ps_bells_any(const struct ps_file *file);
void ps_bells_free(struct ps_file *file);

/* doorbell.c */
void ps_event_ring(struct ps_share *share);
void ps_event_begin(struct ps_share *share);
void ps_event_queue(struct ps_share *share);
void ps_event_drop(struct ps_share *share);
void ps_event_finish(struct ps_share *share);
void ps_event_return(struct ps_share *share);

/* pend.c */
int ps_event_put_end(const struct ps_share *share, struct pendshare_event __user *to);
int ps_pend(struct ps_file *file, bool nonblock, const struct pendshare_pend *args,
	    u32 __user *count);
int ps_pend_share(struct ps_file *file, bool nonblock, const struct pendshare_pend *args,
		  u32 __user *count);
__poll_t ps_poll(struct file *file, poll_table *wait);

/* end.c */
int ps_end_init(void);
void ps_end_exit(void);
bool ps_end(struct ps_share *share, enum pendshare_reason reason);
int ps_end_wait(struct ps_share *share);
void ps_lease_put(struct ps_share *share);
void ps_arm(struct ps_share *share, u64 delay_ns, enum pendshare_reason reason);
void ps_disarm(struct ps_share *share);
void ps_recall(struct ps_share *share, u32 grace_ms);
void ps_file_end_all(struct ps_file *file, enum pendshare_reason reason, bool wait);
void ps_file_recall_all(struct ps_file *file, u32 grace_ms);
void ps_file_end_peer(struct ps_file *file, const struct pendshare_peer *peer);

/* peers.c */
struct pendshare_peer *ps_peer_get(const char *name);
void ps_peer_names(char names[PENDSHARE_PEERS_SIZE]);
void ps_peer_hide(struct pendshare_peer *peer);

/* owner.c */
int ps_owner_bind(struct ps_file *file);
void ps_owner_unbind(struct ps_file *file);

/* share.c */
int ps_share_begin(struct ps_file *file, const struct pendshare_share *args);

/* file.c */
int ps_file_open(struct inode *inode, struct file *file);
int ps_file_release(struct inode *inode, struct file *file);
void ps_files_count(struct pendshare_info *info);
void ps_files_revoke(u32 grace_ms);

/* peers_builtin.c */
int ps_builtin_init(void);
void ps_builtin_exit(void);

/* fdinfo.c */
void ps_show_fdinfo(struct seq_file *m, struct file *file);

/* ioctl.c */
long ps_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* What every share goes through, for which a call would be much. */

/* A share whose END was not delivered. Under file->lock; takes no reference. */
static inline struct ps_share *ps_share_find(struct ps_file *file, u64 id)
{
	struct pendshare_node *node;

	lockdep_assert_held(&file->lock);
	node = pendshare_find(&file->table, id);
	return node ? container_of(node, struct ps_share, node) : NULL;
}

/* The id is free again. Under file->lock; the table's reference goes to the caller. */
static inline void ps_share_unhash(struct ps_share *share)
{
	lockdep_assert_held(&share->file->lock);
	pendshare_remove(&share->node);
}

static inline void ps_peer_put(struct pendshare_peer *peer)
{
	if (refcount_dec_and_test(&peer->users))
		complete(&peer->unused);
}

/* Why the file takes no new shares and notifications; 0 when it does. Under file->lock. */
static inline int ps_file_refusal(const struct ps_file *file)
{
	if (file->revoked)
		return -ENODEV;
	return file->closing ? -ESHUTDOWN : 0;
}

static inline int ps_user_charge_share(struct ps_user *user)
{
	return pendshare_quota_charge(&user->shares, 1, PENDSHARE_SHARES_PER_USER) ? 0 : -EDQUOT;
}

static inline void ps_user_uncharge_share(struct ps_user *user)
{
	pendshare_quota_refund(&user->shares, 1);
}

#endif
