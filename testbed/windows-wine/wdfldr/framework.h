/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A test double of the kernel-mode driver framework: the functions that pendshare.sys calls, over
 * what Wine's ntoskrnl offers, so that the unmodified driver binary runs under Wine.
 *
 * It is as strict as the framework's verifier: a wrong handle, a request completed twice or while
 * queued, or more Information than there is output stops the driver's process, and C:\wdf-stop.txt
 * says why. When the driver unloads, C:\wdf-left.txt counts the objects that it has left behind.
 *
 * Known differences from the real framework and the real kernel:
 * - Memory is what live.c makes of it, not locked pages; it has no page tables of its own, so that
 *   "no write" is enforced where a view can be mapped read-only, and "no execute" is not.
 * - The IRQL is a number of each thread (irql.c), and preempts nothing.
 * - Wine sends no IRP_MJ_CLEANUP: EvtFileCleanup is called when IRP_MJ_CLOSE comes. The requests
 *   that it leaves are waited for, and then EvtFileClose follows.
 * - ObReferenceObjectByHandle for user mode and process notifications are missing in Wine:
 *   ntoskrnl.c supplies them by redirecting two imports of the loaded driver.
 * - Registry keys cannot be opened: the driver's parameters are their defaults.
 */
#ifndef PENDSHARE_WDFLDR_FRAMEWORK_H
#define PENDSHARE_WDFLDR_FRAMEWORK_H

#include <ntifs.h>
#include <wdf.h>
#include "kernel32.h"

enum kind { DRIVER, DEVICE, QUEUE, REQUEST, FILE_OBJ, TIMER, WORK_ITEM, MEMORY, KINDS };

struct context {
	struct context *next;
	PCWDF_OBJECT_CONTEXT_TYPE_INFO type;
	PFN_WDF_OBJECT_CONTEXT_CLEANUP cleanup;
	PFN_WDF_OBJECT_CONTEXT_DESTROY destroy;
	__attribute__((aligned(16))) UCHAR data[];
};

struct object {
	ULONG magic;
	enum kind kind;
	LONG volatile references;
	LONG volatile deleted;
	struct object *parent;
	struct context *contexts;
	LIST_ENTRY link;			/* of all objects */
	void (*dispose)(struct object *object); /* at deletion; waits for callbacks under way */
};

struct driver {
	struct object object;
	DRIVER_OBJECT *wdm;
	WDF_DRIVER_CONFIG config;
};

struct text {
	UNICODE_STRING string;
	WCHAR buffer[64];
};

struct device {
	struct object object;
	DEVICE_OBJECT *wdm;
	struct text name;
	struct text link;
	PSECURITY_DESCRIPTOR descriptor; /* never freed: a driver makes one device */
	struct queue *queue;		 /* the default one */
	PFN_WDF_IO_IN_CALLER_CONTEXT caller_context;
	WDF_FILEOBJECT_CONFIG files;
	WDF_OBJECT_ATTRIBUTES file_attributes;
	LONG volatile users; /* open files, and the driver until it is to be unloaded */
	KEVENT unused;
	BOOLEAN volatile leaving; /* asked to unload: no more opens */
};

struct queue {
	struct object object;
	struct device *device;
	WDF_IO_QUEUE_CONFIG config;
	LIST_ENTRY requests;
};

struct file {
	struct object object;
	struct device *device;
	FILE_OBJECT *wdm;
	IRP *close;
	ULONG flags;
	BOOLEAN volatile closed;
	LONG volatile users; /* requests not completed, and the open handles */
};

struct request {
	struct object object;
	IRP *irp;
	struct file *file;
	struct queue *queue;  /* that it lies in; queue.c's lock */
	struct queue *origin; /* that it was taken from last */
	LIST_ENTRY entry;
	BOOLEAN presented; /* to the driver, by a queue */
	LONG volatile completed;
	NTSTATUS status;
	struct live *live; /* the memory behind its MDL */
	struct locked *locked;
	ACCESS_STATE access; /* of a create */
	IO_SECURITY_CONTEXT security;
};

/* Stops the driver's process and leaves the reason behind. */
void stop(const char *why) __attribute__((noreturn));
void stop_unless(int fine, const char *why);

/* object.c */
void *object_create(enum kind kind, size_t size, WDF_OBJECT_ATTRIBUTES *attributes,
		    struct object *parent);
void *object_of(HANDLE handle, enum kind kind);
void object_get(struct object *object);
void object_put(struct object *object);
void object_clean_up(struct object *object); /* cleanup callbacks and dispose, once */
void object_delete(struct object *object);
void objects_visit(enum kind kind, void (*visit)(struct object *object, void *context),
		   void *context); /* the objects must not go meanwhile */
void objects_report(const char *path);

/* device.c */
extern struct device *the_device;
void device_put(struct device *device);

/* file.c */
NTSTATUS device_irp(DEVICE_OBJECT *device, IRP *irp);
void file_put(struct file *file);

/* locked.c */
void locked_write(struct locked *locked); /* to the caller; NULL: nothing */
void locked_free(struct locked *locked);

/* queue.c */
void queue_cancel_file(struct file *file);
void queue_submit(struct queue *queue, struct request *request);

/* request.c */
struct request *request_create(IRP *irp, struct file *file);
void request_complete(struct request *request, NTSTATUS status, ULONG_PTR information);

/* irql.c */
KIRQL irql_now(void);
KIRQL irql_raise(KIRQL irql); /* before a callback, which has to come back with the same */
void irql_lower(KIRQL irql);
void irql_at_most(KIRQL highest); /* for a call of the driver */
void irql_redirect(void *image);

/* access.c */
PSECURITY_DESCRIPTOR access_descriptor(const UNICODE_STRING *sddl);
void access_watch(DEVICE_OBJECT *device);
void access_unwatch(void);
void access_redirect(void *image);
NTSTATUS access_check(PSECURITY_DESCRIPTOR descriptor, IO_STACK_LOCATION *create,
		      ACCESS_STATE *state);

/* live.c */
NTSTATUS live_open(IRP *irp, struct live **live);
MDL *live_mdl(struct live *live);
void *live_map(MDL *mdl, KPROCESSOR_MODE mode, MEMORY_CACHING_TYPE cache, void *address,
	       ULONG bug_check, ULONG priority);
void live_close(struct live *live, IRP *irp);

/* ntoskrnl.c */
/* Makes the image's calls of an imported function go to the target; returns the function. */
void *redirect_import(void *image, const char *name, void *target);
void ntoskrnl_redirect(void *image);
void ntoskrnl_watch_process(void);
void ntoskrnl_forget(void);

#define DOUBLE_DECLARE(index, name, result, parameters, arguments) FN_##name double_##name;
PENDSHARE_WDF_FUNCTIONS(DOUBLE_DECLARE)

#endif
