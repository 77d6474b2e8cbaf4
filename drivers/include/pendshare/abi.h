/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The only truth between the pendshare drivers and user space: request codes,
 * structures, reasons and the meaning of every error. It compiles in kernel and
 * user mode, as C11 and C++17, on Linux and Windows.
 *
 * Rules of this interface:
 * - Every request starts with its own size in bytes. The driver takes a shorter
 *   structure of an older caller (missing fields read as 0, but never shorter
 *   than the first version) and a longer one of a newer caller (only while
 *   everything it does not know is 0).
 * - All integers are little-endian and naturally aligned; handles and addresses
 *   are 64 bits wide, so that 32-bit callers have the same layout.
 * - Unknown flags, non-zero reserved fields and dirty tails are refused.
 * - The driver reads each field of user memory once.
 * - INFO is for programs of every ABI: size, flags, abi_version and driver_version never move, and
 *   no driver asks for more than ABI 1's structure. Of a newer program a driver says ENOTTY to a
 *   request that it does not know, E2BIG to a field and EINVAL to a flag; of one that is older
 *   than the first version of a structure, EINVAL.
 *
 * A share is known by the id that its owner chose: any number but 0, never used
 * twice on one open file.
 *
 * Signals (Linux): open() and all requests but PEND run to their end; a signal is handled when
 * they return. PEND waits: see there. io_uring, which restarts no open, may report 513 for one
 * (ERESTARTNOINTR, of freezers and the like): nothing was opened, try again.
 */
#ifndef PENDSHARE_ABI_H
#define PENDSHARE_ABI_H

#if defined(__linux__) || defined(__KERNEL__)
#include <linux/types.h>
#include <linux/ioctl.h>
#define PENDSHARE_U64 __aligned_u64
#else
typedef unsigned char __u8;
typedef unsigned int __u32;
typedef unsigned long long __u64;
#define PENDSHARE_U64 __u64
#endif

#define PENDSHARE_ABI_VERSION 1u
#define PENDSHARE_DRIVER_VERSION 0x000100u /* 0xMMmmpp */

#define PENDSHARE_NAME_SIZE 32u	   /* peer names and labels, NUL included */
#define PENDSHARE_OPTIONS_SIZE 64u /* options of a peer that travel inside SHARE */
#define PENDSHARE_OPTIONS_MAX 4096u /* those that do not */
#define PENDSHARE_REPLY_MAX 256u   /* what a peer answers to SHARE */
#define PENDSHARE_PEERS_SIZE 256u  /* list of peer names */
#define PENDSHARE_SHARES_PER_USER 16384u
#define PENDSHARE_MIN_PERIOD_NS 50000u

/* What the kernel may do with the memory. */
#define PENDSHARE_ACCESS_READ 1u
#define PENDSHARE_ACCESS_WRITE 2u

/* Why a share ended. A share has exactly one reason. */
enum pendshare_reason {
	PENDSHARE_LIVE = 0,
	PENDSHARE_RELEASED = 1,	      /* RELEASE by the owner */
	PENDSHARE_CANCELLED = 2,      /* CANCEL by the owner */
	PENDSHARE_CLOSED = 3,	      /* SHUTDOWN, or the last handle was closed */
	PENDSHARE_OWNER_EXITED = 4,   /* the owner's address space went away */
	PENDSHARE_DEVICE_REMOVED = 5, /* REVOKE by an administrator */
	PENDSHARE_PEER_ENDED = 6,     /* kernel code was done */
	PENDSHARE_DEADLINE = 7,	      /* deadline_ns passed */
	PENDSHARE_RECALLED = 8,	      /* the grace time of a recall passed */
	PENDSHARE_FAILED = 9,	      /* see enum pendshare_failure */
};

/* What went wrong in a share that ended as PENDSHARE_FAILED. */
enum pendshare_failure {
	PENDSHARE_FAILURE_NONE = 0,
	PENDSHARE_FAILURE_RING = 1, /* the owner wrote nonsense into a ring header or record */
	PENDSHARE_FAILURE_PEER = 2, /* the peer reported a fault of its device */
	PENDSHARE_FAILURE_FRAMES = 3, /* the owner gave a frame that it did not have, or nonsense */
};

enum pendshare_event_kind {
	PENDSHARE_EVENT_DOORBELL = 1, /* value: rings since the last report, at least 1 */
	PENDSHARE_EVENT_END = 2,      /* value: bytes; reason; failure. Last event of its share */
	PENDSHARE_EVENT_RECALL = 3,   /* value: milliseconds until the share ends as RECALLED */
	PENDSHARE_EVENT_REMOVED = 4,  /* id 0: the open file is dead; last event of a file */
	PENDSHARE_EVENT_ACCEPTED = 5, /* Windows: SHARE was parked */
};

/*
 * value of END: how many bytes, from the start of the share, the peer has
 * written; never more than the length of the share.
 */
struct pendshare_event {
	PENDSHARE_U64 id;
	__u32 kind;
	__u32 reason;
	PENDSHARE_U64 value;
	__u32 failure;
	__u32 reserved;
};

/*
 * INFO: what the driver offers, and what is live. Answered to any process that
 * has the file, also on a dead file.
 */
struct pendshare_info {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u32 abi_version;
	__u32 driver_version;
	__u32 page_size;
	__u32 max_shares;	      /* live shares a user may have */
	PENDSHARE_U64 max_bytes;      /* longest share */
	PENDSHARE_U64 min_period_ns;  /* shortest period of a timed peer */
	PENDSHARE_U64 shares;	      /* live or ending on this file */
	PENDSHARE_U64 pinned_pages;   /* by this file */
	PENDSHARE_U64 total_shares;   /* in the whole driver */
	PENDSHARE_U64 total_pinned_pages;
	char peers[PENDSHARE_PEERS_SIZE]; /* names, each with its NUL; an empty name ends the list */
};

/*
 * SHARE: lend [address, address + length) to the kernel. Both page-aligned, not
 * empty. Linux: the call returns once the pages are pinned; the lease then lasts
 * until an END event was queued or returned. Windows: the request itself is the
 * lease; the memory is the output buffer (address and length are 0), and its
 * completion is the end.
 *
 * Errors (Linux errno / NTSTATUS):
 *   EINVAL	INVALID_PARAMETER	size, flags, access, alignment, id 0, options or deadline out of range;
 *					frames that do not fit, or for a peer that takes none, or none
 *					for one that does;
 *					Windows: also a handle that was opened without FILE_FLAG_OVERLAPPED
 *   E2BIG	INVALID_PARAMETER	a longer structure has a non-zero tail
 *   EFAULT	ACCESS_VIOLATION	memory that is not mapped, not writable or not user memory
 *   EOPNOTSUPP	NOT_SUPPORTED		memory that is file-backed, shared, hugetlb or a device's
 *   EOVERFLOW	INTEGER_OVERFLOW	address + length overflows, or length is over max_bytes
 *   ENOENT	NOT_FOUND		no peer of that name
 *   EEXIST	OBJECT_NAME_COLLISION	the id is in use on this file
 *   EBADF	INVALID_HANDLE		event is not an eventfd / event handle
 *   ENOMEM	WORKING_SET_QUOTA	RLIMIT_MEMLOCK would be exceeded
 *   ENOBUFS	INSUFFICIENT_RESOURCES	out of kernel memory
 *   EDQUOT	QUOTA_EXCEEDED		max_shares of this user, or summed timer rate
 *   EINTR	CANCELLED		the process is being killed; nothing was shared
 */
struct pendshare_share {
	__u32 size;
	__u32 flags; /* PENDSHARE_SHARE_* */
	PENDSHARE_U64 id;
	PENDSHARE_U64 address;
	PENDSHARE_U64 length;
	__u32 access;	    /* PENDSHARE_ACCESS_*, at least one */
	__u32 options_size; /* used bytes of options; the rest is 0. Over 64: see more */
	PENDSHARE_U64 event; /* with PENDSHARE_SHARE_EVENT: eventfd or event handle, signalled at each ring */
	PENDSHARE_U64 deadline_ns; /* 0: none; from now, monotonic */
	char peer[PENDSHARE_NAME_SIZE];	 /* empty: the memory is only pinned */
	char label[PENDSHARE_NAME_SIZE]; /* shown to administrators */
	__u8 options[PENDSHARE_OPTIONS_SIZE];
	__u32 frame_count; /* slots of frames.h, whose peer lays them out; 0: none */
	__u32 frame_bytes; /* of a slot: whole pages */
	/*
	 * Options of more than 64 bytes, up to 4096, where options is 0: on Linux their address; on
	 * Windows they follow this structure in the input buffer, and this is its size. Else 0.
	 */
	PENDSHARE_U64 more;
	/*
	 * Where the peer's answer goes once the share is accepted, at most reply_size (256) bytes of it. What it
	 * does not fill stays as it was. Where it cannot be written, all does on Linux; Windows says
	 * ACCESS_VIOLATION. 0: nowhere.
	 */
	PENDSHARE_U64 reply;
	__u32 reply_size;
	__u32 bell; /* with PENDSHARE_SHARE_BELL: its place, below PENDSHARE_BELLS */
};

#define PENDSHARE_SHARE_SIZE 184u /* of the first version, up to options */
#define PENDSHARE_SHARE_EVENT 1u
/*
 * Linux, on a file whose bells are mapped, else EINVAL: the share's rings are counted in the page of
 * bells, and PEND tells none of them. Where two shares have one place, both ring it.
 */
#define PENDSHARE_SHARE_BELL 2u

/*
 * Linux: mmap() of one page of an open file at offset 0, MAP_SHARED, maps its bells, by which a ring
 * reaches the owner without a request: see bells.h. A child of fork() does not get them. Like any
 * mapping it keeps the file open: after close() alone no share ends before munmap() or the end of the
 * process. poll() says EPOLLPRI while a bell has rung that was not taken.
 *
 *   EINVAL	another offset or length, MAP_PRIVATE, or PROT_EXEC
 *   EIO	another process than the owner
 *   ENODEV	a dead file
 *   ENOMEM	out of memory
 */
#define PENDSHARE_BELLS 256u /* places */

/*
 * PEND: wait for events. id 0: events of any share of the file, in their order,
 * up to capacity of them; an open file has one stream of events, and each event
 * is delivered once. Another id: blocks until that share has ended and returns
 * its END alone; its other events stay in the stream.
 * Linux: events is the address of the array. A signal ends the wait with no effect on
 * the shares: with SA_RESTART the kernel makes the call again, else it says EINTR. O_NONBLOCK:
 * EAGAIN when there is none; poll() says EPOLLIN when there is one. What a share with a bell rings
 * is no event: see PENDSHARE_SHARE_BELL. Windows: the array is the output buffer, events is 0, and so
 * is id, because the completion of SHARE is its END.
 *
 * Errors:
 *   EINVAL	INVALID_PARAMETER	size, flags, capacity 0
 *   EFAULT	ACCESS_VIOLATION	events is not writable; no event is lost
 *   ENOENT	NOT_FOUND		no such share, or its END was delivered already
 *   EINTR	-			a signal without SA_RESTART came before an event
 *   EAGAIN	-			O_NONBLOCK and nothing to report
 *   ESHUTDOWN	PIPE_CLOSING		after SHUTDOWN, every event was delivered
 */
struct pendshare_pend {
	__u32 size;
	__u32 flags; /* 0 */
	PENDSHARE_U64 id;
	PENDSHARE_U64 events;
	__u32 capacity;
	__u32 count; /* out */
};

/*
 * RELEASE and CANCEL: end a share. If this call is what ended it, the END is
 * returned in event and not queued; the call waits until kernel code has let
 * go of the memory and it is unpinned. With PENDSHARE_END_NOWAIT it only
 * begins the end, and the END is queued. On Windows the END is always
 * the completion of SHARE, and event stays zero.
 *
 * Errors:
 *   EINVAL	INVALID_PARAMETER	size or flags
 *   ENOENT	NOT_FOUND		no such share on this file
 *   EALREADY	REQUEST_NOT_ACCEPTED	something else has ended it; its END is, or will be, queued
 */
struct pendshare_end {
	__u32 size;
	__u32 flags;
	PENDSHARE_U64 id;
	struct pendshare_event event; /* out */
};

#define PENDSHARE_END_NOWAIT 1u

/*
 * NOTIFY: ring the peer.
 *   EINVAL	INVALID_PARAMETER	size or flags
 *   ENOENT	NOT_FOUND		no such share on this file
 *   EALREADY	REQUEST_NOT_ACCEPTED	the share is ending
 *   EOPNOTSUPP	NOT_SUPPORTED		the peer takes no notifications
 */
struct pendshare_notify {
	__u32 size;
	__u32 flags; /* 0 */
	PENDSHARE_U64 id;
};

/*
 * SHUTDOWN: refuse new shares and end all as CLOSED. PEND delivers what is left
 * and then says ESHUTDOWN. It never waits, and may be called again.
 */
struct pendshare_shutdown {
	__u32 size;
	__u32 flags; /* 0 */
};

/*
 * REVOKE, for administrators: take the memory of every share in the driver
 * back. grace_ms 0: end all as DEVICE_REMOVED, and every file that is open now is dead
 * but for PEND, INFO and SHUTDOWN. Otherwise: send RECALL to all, and end what is left
 * after grace_ms as RECALLED; files stay usable.
 *   EPERM	ACCESS_DENIED		not an administrator (CAP_SYS_ADMIN; on Windows, the open
 *					was not granted WRITE_DAC, as only administrators' are)
 */
struct pendshare_revoke {
	__u32 size;
	__u32 flags; /* 0 */
	PENDSHARE_U64 grace_ms; /* at most 3600000 */
};

/*
 * Errors of every request:
 *   ENOTTY	INVALID_DEVICE_REQUEST	unknown request
 *   EIO	INVALID_OWNER		not the process that opened the file (all but INFO)
 *   ENODEV	DEVICE_REMOVED		the file was revoked
 *   ESHUTDOWN	PIPE_CLOSING		SHARE or NOTIFY after SHUTDOWN
 */
#define PENDSHARE_NR_INFO 0x40
#define PENDSHARE_NR_SHARE 0x41
#define PENDSHARE_NR_PEND 0x42
#define PENDSHARE_NR_RELEASE 0x43
#define PENDSHARE_NR_CANCEL 0x44
#define PENDSHARE_NR_NOTIFY 0x45
#define PENDSHARE_NR_SHUTDOWN 0x46
#define PENDSHARE_NR_REVOKE 0x47

#if defined(__linux__) || defined(__KERNEL__)

#define PENDSHARE_DEVICE_PATH "/dev/pendshare"
#define PENDSHARE_IOC_MAGIC 0xdb
#define PENDSHARE_IOC(nr) _IO(PENDSHARE_IOC_MAGIC, nr)
#define PENDSHARE_IOC_INFO PENDSHARE_IOC(PENDSHARE_NR_INFO)
#define PENDSHARE_IOC_SHARE PENDSHARE_IOC(PENDSHARE_NR_SHARE)
#define PENDSHARE_IOC_PEND PENDSHARE_IOC(PENDSHARE_NR_PEND)
#define PENDSHARE_IOC_RELEASE PENDSHARE_IOC(PENDSHARE_NR_RELEASE)
#define PENDSHARE_IOC_CANCEL PENDSHARE_IOC(PENDSHARE_NR_CANCEL)
#define PENDSHARE_IOC_NOTIFY PENDSHARE_IOC(PENDSHARE_NR_NOTIFY)
#define PENDSHARE_IOC_SHUTDOWN PENDSHARE_IOC(PENDSHARE_NR_SHUTDOWN)
#define PENDSHARE_IOC_REVOKE PENDSHARE_IOC(PENDSHARE_NR_REVOKE)

#else

/*
 * CTL_CODE(0x8db5, 0x800 + nr, method, FILE_READ_ACCESS | FILE_WRITE_ACCESS), spelled
 * out so that this header needs no other. Methods: 0 buffered, 1 in direct, 2 out direct.
 */
#define PENDSHARE_DEVICE_PATH L"\\\\.\\pendshare"
#define PENDSHARE_IOC(nr, method) \
	((0x8db5u << 16) | (3u << 14) | ((0x800u + (nr)) << 2) | (method))
#define PENDSHARE_IOC_INFO PENDSHARE_IOC(PENDSHARE_NR_INFO, 0u)
#define PENDSHARE_IOC_SHARE PENDSHARE_IOC(PENDSHARE_NR_SHARE, 2u)
#define PENDSHARE_IOC_SHARE_READONLY PENDSHARE_IOC(PENDSHARE_NR_SHARE, 1u)
#define PENDSHARE_IOC_PEND PENDSHARE_IOC(PENDSHARE_NR_PEND, 0u)
#define PENDSHARE_IOC_RELEASE PENDSHARE_IOC(PENDSHARE_NR_RELEASE, 0u)
#define PENDSHARE_IOC_CANCEL PENDSHARE_IOC(PENDSHARE_NR_CANCEL, 0u)
#define PENDSHARE_IOC_NOTIFY PENDSHARE_IOC(PENDSHARE_NR_NOTIFY, 0u)
#define PENDSHARE_IOC_SHUTDOWN PENDSHARE_IOC(PENDSHARE_NR_SHUTDOWN, 0u)
#define PENDSHARE_IOC_REVOKE PENDSHARE_IOC(PENDSHARE_NR_REVOKE, 0u)

/*
 * Final NTSTATUS of an accepted SHARE: success severity, customer bit, and from bit 0 up the
 * reason (4 bits), the failure (4 bits) and how often the peer rang since the last DOORBELL event
 * (8 bits; 255: or more), so that no ring is lost to an END that needs no PEND. Information is the
 * END's value.
 */
#define PENDSHARE_STATUS(reason, failure, rings)                                \
	(0x25b50000u | ((rings) < 255u ? (__u32)(rings) : 255u) << 8 |           \
	 (__u32)(failure) << 4 | (__u32)(reason))
#define PENDSHARE_STATUS_IS_END(status) (((__u32)(status) & 0xffff0000u) == 0x25b50000u)
#define PENDSHARE_STATUS_REASON(status) ((__u32)(status) & 0xfu)
#define PENDSHARE_STATUS_FAILURE(status) (((__u32)(status) >> 4) & 0xfu)
#define PENDSHARE_STATUS_RINGS(status) (((__u32)(status) >> 8) & 0xffu)

#endif

/*
 * Options of the built-in peers. All fields are 64 bits wide. SHARE says how long they are: what is
 * missing at the end reads as 0, and what a driver does not know it refuses.
 */

/* fill: memset of the whole share to (first + n) & 0xff, n = 0, 1, 2 ..., then a ring. */
struct pendshare_fill_options {
	PENDSHARE_U64 period_ns; /* 0: one fill a NOTIFY, and the first at once */
	PENDSHARE_U64 rounds;	 /* 0: no end; else the share ends as PEER_ENDED after so many */
	PENDSHARE_U64 first;	 /* 0..255 */
};

/*
 * clock: a ring record {u64 tick, u64 monotonic ns, padding} a period, or a sample of a run. Ticks
 * count from 1, also those that left no record, which are gaps in the number: late, when the timer
 * came too late for them, counted as missed in the ring's header; lost, when there was no room,
 * counted as dropped.
 */
struct pendshare_clock_options {
	PENDSHARE_U64 period_ns; /* min_period_ns .. 1 hour */
	PENDSHARE_U64 payload;	 /* bytes, 16 .. 4096; 0: 16 */
	PENDSHARE_U64 ticks;	 /* 0: no end; else PEER_ENDED after so many, gaps included */
	PENDSHARE_U64 runs;	 /* 0: records; 1: samples of runs, published lazily */
};

/* blast: ring records or samples {u64 index, bytes of (u8)index} as fast as the ring takes them. */
struct pendshare_blast_options {
	PENDSHARE_U64 payload; /* bytes, 8 .. 1 MiB; 0: 64 */
	PENDSHARE_U64 count;   /* 0: no end; else PEER_ENDED after so many */
	PENDSHARE_U64 runs;    /* 0: records; 1: samples of runs */
};

/* echo takes no options: what comes in on the second ring goes out on the first. */

/*
 * capture: frames of 32-bit words {sequence low, high, sum, bytes, then word i = (sequence + i) *
 * 0x9e3779b1}, modulo 2^32; sum is that of all other words. With a period, a frame that finds no slot is
 * an overrun, and one that came too late was missed; without, it waits for slots. Either way the
 * sequence counts it.
 */
struct pendshare_capture_options {
	PENDSHARE_U64 period_ns; /* 0: as fast as slots come; else min_period_ns .. 1 hour */
	PENDSHARE_U64 bytes;	 /* of a frame, a multiple of 4 from 16 to the slot's; 0: the slot's */
	PENDSHARE_U64 count;	 /* 0: no end; else PEER_ENDED after so many, overruns included */
	PENDSHARE_U64 written;	 /* only so many bytes of each, from 16 on; 0: all. For measurements */
};

/*
 * loopback takes no options: a frame that is submitted comes back with each of its bytes inverted, an
 * EMPTY one as it is.
 */

#endif
