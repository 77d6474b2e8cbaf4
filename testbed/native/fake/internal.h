/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the parts of the fake know of one another.
 *
 * Locks of the fake are leaves: none is held while the driver is called.
 */
#ifndef PENDSHARE_FAKE_INTERNAL_H
#define PENDSHARE_FAKE_INTERNAL_H

#include <ntifs.h>
#include <wdf.h>

#include "fake.h"

/* The driver broke a rule, or a test did. */
#define FAKE_REQUIRE(condition)                                                                    \
	((condition) ? (void)0 : fake_broken(#condition, __FILE__, __LINE__, __func__))
_Noreturn void fake_broken(const char *what, const char *file, int line, const char *function);

enum kind {
	KIND_DRIVER,
	KIND_DEVICE,
	KIND_QUEUE,
	KIND_REQUEST,
	KIND_FILE,
	KIND_TIMER,
	KIND_WORK,
	KIND_MEMORY,
};

struct context {
	struct context *next;
	PCWDF_OBJECT_CONTEXT_TYPE_INFO type;
	PFN_WDF_OBJECT_CONTEXT_CLEANUP cleanup;
	_Alignas(16) unsigned char bytes[];
};

/* First in every framework object; its address is the handle. */
struct object {
	enum kind kind;
	int references;
	struct context *contexts;
	struct object *parent;
	LIST_ENTRY children; /* object.c's lock */
	LIST_ENTRY sibling;
	void (*dispose)(struct object *object); /* before the contexts' cleanup; may wait */
};

void object_init(struct object *object, enum kind kind, struct object *parent);
NTSTATUS object_add_context(struct object *object, PWDF_OBJECT_ATTRIBUTES attributes,
			    void **context);
void object_get(struct object *object);
void object_put(struct object *object);
void object_delete(struct object *object); /* dispose, clean up, put */
void object_clean(struct object *object);

struct queue {
	struct object object;
	struct lock lock;
	WDF_IO_QUEUE_CONFIG config;
	LIST_ENTRY requests;
	struct queue *next; /* of the device */
};

struct device {
	struct object object;
	WDF_FILEOBJECT_CONFIG files;
	PCWDF_OBJECT_CONTEXT_TYPE_INFO file_context;
	PFN_WDF_IO_IN_CALLER_CONTEXT caller_context;
	struct queue *queues;
	struct queue *default_queue;
};

struct file_object {
	struct object object;
	struct device *device;
	struct handle *handles;
	unsigned int flags;
	int open;  /* handles that are not closed */
	int users; /* the open handles together, and every request */
	BOOLEAN closed; /* atomic */
};

enum request_state { REQUEST_OWNED, REQUEST_QUEUED, REQUEST_COMPLETED };

struct request {
	struct object object;
	enum request_state state; /* atomic */
	BOOLEAN cancelled;	  /* atomic */
	struct queue *queue;	  /* atomic, of queue->lock: where it is queued */
	struct queue *home;	  /* the last one that it was queued in */
	LIST_ENTRY link;	  /* queue->lock */
	struct file_object *file;
	struct io *io;
	ULONG code;
	unsigned char *buffer; /* the system buffer */
	size_t in_length;
	size_t out_length;
	MDL mdl;
	IO_SECURITY_CONTEXT security;
	ACCESS_STATE access; /* of a create */
	ACCESS_MASK granted; /* to the handle that it came by */
	WDF_REQUEST_TYPE type;
	struct locked {
		void *address;
		size_t length;
	} locked; /* by WdfRequestProbeAndLockUserBufferForWrite */
};

extern struct device *fake_device;

/* sched.c */
void sched_count_locks(int change);
void fake_point(void); /* a place where another fiber may go on */
void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);
struct fake_process *sched_process(void);
KIRQL fake_irql(void);
KIRQL fake_raise(KIRQL irql);
void fake_lower(KIRQL irql);
void fake_require_callable(KIRQL highest); /* no lock held, and not above */

/* kernel.c */
extern struct fake_process fake_arbitrary_process; /* where the driver may not rely on any */
bool fake_fails(void);
void fake_count_window(enum fake_window window);

/* work.c */
void work_start(unsigned int workers);
void work_stop(void);
bool work_has_workers(void);
void work_wait(void);				      /* until something has been done */
void work_defer(void (*run)(void *), void *argument); /* at PASSIVE_LEVEL, on a worker */

#endif
