/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A fake of the Windows I/O manager and of KMDF, for the driver's own sources built natively:
 * what a test, in the place of user space, can do to the driver.
 *
 * It keeps the framework's rules and aborts when the driver breaks one: a request completed
 * twice, while queued, or with more bytes than its buffer has; a lock held across a call that can
 * call back; a call at too high an IRQL; an object that outlives the driver.
 *
 * Known differences from Windows: threads are fibers that are switched at points only (sched.c); an
 * IRQL is a number that a fiber carries, and preempts nothing; time is a number that fake_advance()
 * moves, and timers fire inside of it. The rules it keeps, and where they are from, are the Wine
 * bed's (windows-wine/README.md).
 */
#ifndef PENDSHARE_FAKE_H
#define PENDSHARE_FAKE_H

#include <ntifs.h>
#include <stdbool.h>

#include "../../../drivers/include/pendshare/abi.h"

struct handle;
struct io;
struct fake_process;

/* Loads the driver. workers: fibers for work items; 0: whoever waits runs them. */
void fake_load(unsigned int workers);
/* The same, where it may fail, and then has left nothing behind. */
NTSTATUS fake_try_load(unsigned int workers);
/* The GroupSid value of the Parameters key; length 0: none. At most 68 bytes. */
void fake_set_group(const void *sid, unsigned int length);
/* Unloads it; every object that the driver has made must be gone afterwards. */
void fake_unload(void);
/* Returns when no work item is queued or running and no close is under way. */
void fake_settle(void);
#define FAKE_TICK_NS 15625000ull /* between two clock interrupts */
/* Moves the clock and runs the timers that are due, on this fiber. */
void fake_advance(ULONG64 ns);
ULONG64 fake_clock(void); /* ns */

/* A process as the driver sees it. Fibers are of process 1 of user 1 until told otherwise. */
struct fake_process *fake_process_new(ULONG id, ULONG user);
void fake_process_free(struct fake_process *process);  /* no reference may be left */
void fake_process_enter(struct fake_process *process); /* NULL: back to process 1 */
void fake_process_exit(ULONG id);		       /* the notification */

#define FAKE_SYNCHRONOUS 1u /* without FILE_FLAG_OVERLAPPED */
#define FAKE_ADMINISTRATOR 2u
#define FAKE_UNCHECKED 4u /* an open that the I/O manager checks no access of */
/* To read and write, and as an administrator with WRITE_DAC. */
struct handle *fake_open(unsigned int flags, NTSTATUS *status);
struct handle *fake_open_for(ACCESS_MASK desired, unsigned int flags, NTSTATUS *status);
/* Of the same open; not more access than the handle has. */
struct handle *fake_duplicate(struct handle *handle, ACCESS_MASK access);
/* Closes the handle: with the last one cleanup now, close after the last request. */
void fake_close(struct handle *handle);
/* A thread that may start requests while another closes the handle holds one of these. */
void fake_handle_get(struct handle *handle);
void fake_handle_put(struct handle *handle);

/* Starts a request; for direct codes out is the memory that is lent. */
struct io *fake_start(struct handle *handle, ULONG code, const void *in, size_t in_length,
		      void *out, size_t out_length);
/* The same in two steps: a request can be cancelled before the driver has seen it. */
struct io *fake_prepare(struct handle *handle, ULONG code, const void *in, size_t in_length,
			void *out, size_t out_length);
void fake_submit(struct io *io);
bool fake_done(struct io *io);
unsigned int fake_order(struct io *io);			   /* of completions; of one that is done */
NTSTATUS fake_wait(struct io *io, ULONG_PTR *information); /* may be called again */
void fake_cancel(struct io *io);			   /* CancelIoEx */
void fake_free(struct io *io);				   /* waits */
/* Starts, waits, frees. */
NTSTATUS fake_control(struct handle *handle, ULONG code, const void *in, size_t in_length,
		      void *out, size_t out_length, ULONG_PTR *information);

PKEVENT fake_event_new(void);	     /* as a handle: its address */
LONG fake_event_free(PKEVENT event); /* number of signals; no reference of the driver may be left */

/* Live objects of the driver, and memory that it has allocated. */
unsigned int fake_objects(void);

/* How often the narrow windows were entered. */
enum fake_window {
	FAKE_CANCELED_IN_FORWARD, /* called back inside of the call that parks */
	FAKE_CANCELED_IN_QUEUE,	  /* called back from the cancelling fiber */
	FAKE_CANCELED_LATER,	  /* called back from another fiber, after cancel had returned */
	FAKE_CANCELED_UNSEEN,	  /* completed by the framework, before the driver was given it */
	FAKE_NOT_FOUND,		  /* retrieved by the driver, but not in the queue (any more) */
	FAKE_REQUEUED,
	FAKE_STOPPED,	       /* a set timer was stopped */
	FAKE_STOP_TOO_LATE,    /* its callback was running */
	FAKE_ENQUEUED_RUNNING, /* a work item was enqueued while it ran */
	FAKE_WINDOWS,
};
extern const char *const fake_window_names[FAKE_WINDOWS];
unsigned long fake_window_count(enum fake_window window); /* and sets it to 0 */

/* Starts a fiber; it runs when others wait, or at a point. To be called by the program itself. */
void fake_spawn(void (*run)(void *), void *argument);
/* Lets another fiber run; to be called by one that waits for something. */
void fake_yield(void);
/* Everything that happens by chance follows from the seed. */
void fake_seed(unsigned int seed);
unsigned int fake_random(void);
/* Probability of a switch at each point, in 1/256; 0 at start. */
extern unsigned int fake_switch_chance;

/* The nth allocation or creation from now on fails once; 0: none. Returns what was left. */
unsigned int fake_fail_nth(unsigned int nth);

#endif
