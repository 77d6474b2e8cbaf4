/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Objects, as in the framework: a handle is a reference counted object with typed contexts; a
 * deleted one is cleaned up at once, destroyed with its last reference, and takes its children
 * along.
 */
#include "framework.h"

/* Of ntoskrnl; mingw's <stdio.h> would bring its own. */
int sprintf(char *text, const char *format, ...);

#define ALIVE 0x4a424f57
#define DEAD 0x44414544
#define TAG 0x62756f64

static const char *const names[KINDS] = {"drivers", "devices", "queues",     "requests",
					 "files",   "timers",  "work items", "memories"};
static LONG volatile counts[KINDS];
static KSPIN_LOCK lock;
static LIST_ENTRY all = {&all, &all};

static void leave_behind(const char *path, const char *text, ULONG length)
{
	HANDLE file = CreateFileA(path, FILE_WRITE_DATA, 0, NULL, CREATE_ALWAYS, 0, NULL);

	WriteFile(file, text, length, &length, NULL);
	CloseHandle(file);
}

void stop(const char *why)
{
	leave_behind("C:\\wdf-stop.txt", why, (ULONG)strlen(why));
	for (;;)
		__builtin_trap();
}

void stop_unless(int fine, const char *why)
{
	if (!fine)
		stop(why);
}

void objects_report(const char *path)
{
	char text[256];
	ULONG length = 0;
	int kind;

	for (kind = 0; kind < KINDS; kind++)
		length += sprintf(text + length, "%s: %ld\n", names[kind], counts[kind]);
	leave_behind(path, text, length);
}

static struct context *context_add(struct object *object, WDF_OBJECT_ATTRIBUTES *attributes)
{
	PCWDF_OBJECT_CONTEXT_TYPE_INFO type = attributes->ContextTypeInfo;
	size_t size = type ? type->ContextSize : 0;
	struct context *context = ExAllocatePoolWithTag(NonPagedPool, sizeof(*context) + size, TAG);
	struct context *other;

	stop_unless(attributes->Size == sizeof(*attributes),
		    "WDF_OBJECT_ATTRIBUTES not initialized");
	RtlZeroMemory(context, sizeof(*context) + size);
	/*
	 * Rule: a second one of a type is none, and its callbacks are never called.
	 * [FxObjectAllocateContext]
	 */
	for (other = object->contexts; other; other = other->next)
		stop_unless(!type || other->type != type, "a second context of one type");
	context->type = type;
	context->cleanup = attributes->EvtCleanupCallback;
	context->destroy = attributes->EvtDestroyCallback;
	context->next = object->contexts;
	object->contexts = context;
	return context;
}

void *object_create(enum kind kind, size_t size, WDF_OBJECT_ATTRIBUTES *attributes,
		    struct object *parent)
{
	struct object *object = ExAllocatePoolWithTag(NonPagedPool, size, TAG);
	KIRQL irql;

	RtlZeroMemory(object, size);
	object->magic = ALIVE;
	object->kind = kind;
	object->references = 1;
	object->parent = attributes && attributes->ParentObject ? attributes->ParentObject : parent;
	if (attributes)
		context_add(object, attributes);
	InterlockedIncrement(&counts[kind]);
	KeAcquireSpinLock(&lock, &irql);
	InsertTailList(&all, &object->link);
	KeReleaseSpinLock(&lock, irql);
	return object;
}

void *object_of(HANDLE handle, enum kind kind)
{
	struct object *object = handle;

	stop_unless(object && object->magic == ALIVE,
		    "a handle of no object, or of one that is gone");
	stop_unless(object->kind == kind, "a handle of another kind of object");
	return object;
}

void object_get(struct object *object)
{
	stop_unless(object->magic == ALIVE && InterlockedIncrement(&object->references) > 1,
		    "a reference to an object that is gone");
}

void object_put(struct object *object)
{
	struct context *context;
	KIRQL irql;

	stop_unless(object->magic == ALIVE, "a reference given back twice");
	if (InterlockedDecrement(&object->references))
		return;
	stop_unless(object->deleted, "the last reference to an object that was not deleted");
	KeAcquireSpinLock(&lock, &irql);
	RemoveEntryList(&object->link);
	KeReleaseSpinLock(&lock, irql);
	while ((context = object->contexts)) {
		object->contexts = context->next;
		if (context->destroy)
			context->destroy(object);
		ExFreePoolWithTag(context, TAG);
	}
	InterlockedDecrement(&counts[object->kind]);
	object->magic = DEAD;
	ExFreePoolWithTag(object, TAG);
}

/* The first child that is not deleted yet, referenced. */
static struct object *child_of(struct object *parent)
{
	struct object *found = NULL;
	LIST_ENTRY *link;
	KIRQL irql;

	KeAcquireSpinLock(&lock, &irql);
	for (link = all.Flink; link != &all && !found; link = link->Flink) {
		struct object *object = CONTAINING_RECORD(link, struct object, link);

		if (object->parent == parent && !object->deleted) {
			object_get(object);
			found = object;
		}
	}
	KeReleaseSpinLock(&lock, irql);
	return found;
}

void objects_visit(enum kind kind, void (*visit)(struct object *object, void *context),
		   void *context)
{
	LIST_ENTRY *link = &all;
	struct object *object;
	KIRQL irql;

	do {
		KeAcquireSpinLock(&lock, &irql);
		link = link->Flink;
		object = CONTAINING_RECORD(link, struct object, link);
		while (link != &all && object->kind != kind) {
			link = link->Flink;
			object = CONTAINING_RECORD(link, struct object, link);
		}
		KeReleaseSpinLock(&lock, irql);
		if (link != &all)
			visit(object, context);
	} while (link != &all);
}

void object_clean_up(struct object *object)
{
	struct context *context;
	struct object *child;

	stop_unless(!InterlockedExchange(&object->deleted, TRUE), "an object deleted twice");
	/* Only devices and drivers have children here, and those that they have are few. */
	while (object->kind <= DEVICE && (child = child_of(object))) {
		object_delete(child);
		object_put(child);
	}
	if (object->dispose)
		object->dispose(object);
	for (context = object->contexts; context; context = context->next)
		if (context->cleanup)
			context->cleanup(object);
}

void object_delete(struct object *object)
{
	object_clean_up(object);
	object_put(object);
}

static struct object *any_object(HANDLE handle)
{
	struct object *object = handle;

	return object_of(handle, object ? object->kind : KINDS);
}

PVOID double_WdfObjectGetTypedContextWorker(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle,
					    PCWDF_OBJECT_CONTEXT_TYPE_INFO type)
{
	struct context *context = any_object(handle)->contexts;

	UNREFERENCED_PARAMETER(globals);
	while (context && context->type != type)
		context = context->next;
	return context ? context->data : NULL;
}

NTSTATUS double_WdfObjectAllocateContext(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle,
					 PWDF_OBJECT_ATTRIBUTES attributes, PVOID *data)
{
	UNREFERENCED_PARAMETER(globals);
	*data = context_add(any_object(handle), attributes)->data;
	return STATUS_SUCCESS;
}

VOID double_WdfObjectReferenceActual(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle, PVOID tag,
				     LONG line, PCHAR file)
{
	UNREFERENCED_PARAMETER(globals);
	UNREFERENCED_PARAMETER(tag);
	UNREFERENCED_PARAMETER(line);
	UNREFERENCED_PARAMETER(file);
	object_get(any_object(handle));
}

VOID double_WdfObjectDereferenceActual(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle, PVOID tag,
				       LONG line, PCHAR file)
{
	UNREFERENCED_PARAMETER(globals);
	UNREFERENCED_PARAMETER(tag);
	UNREFERENCED_PARAMETER(line);
	UNREFERENCED_PARAMETER(file);
	object_put(any_object(handle));
}

/*
 * Rule: requests, files and the driver are the framework's to delete. [FxObject::MarkNoDeleteDDI]
 */
VOID double_WdfObjectDelete(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle)
{
	struct object *object = any_object(handle);

	UNREFERENCED_PARAMETER(globals);
	stop_unless(object->kind != REQUEST && object->kind != FILE_OBJ && object->kind != DRIVER,
		    "an object deleted that is the framework's");
	object_delete(object);
}

struct memory {
	struct object object;
	__attribute__((aligned(16))) UCHAR bytes[];
};

NTSTATUS double_WdfMemoryCreate(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes,
				POOL_TYPE pool, ULONG tag, size_t size, WDFMEMORY *handle,
				PVOID *buffer)
{
	struct memory *memory = object_create(MEMORY, sizeof(*memory) + size, attributes, NULL);

	UNREFERENCED_PARAMETER(globals);
	UNREFERENCED_PARAMETER(pool);
	UNREFERENCED_PARAMETER(tag);
	/* Rule: nobody promises that it is zeroed. [WdfMemoryCreate] */
	memset(memory->bytes, 0xc3, size);
	*handle = (WDFMEMORY)memory;
	*buffer = memory->bytes;
	return STATUS_SUCCESS;
}
