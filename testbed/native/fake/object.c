// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The fake's framework objects: contexts, references, deletion; the driver and its device; and
 * the table of functions that the driver calls.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

static unsigned int live;

unsigned int fake_objects(void)
{
	return __atomic_load_n(&live, __ATOMIC_RELAXED);
}

static struct lock tree_lock;

void object_init(struct object *object, enum kind kind, struct object *parent)
{
	object->kind = kind;
	object->references = 1;
	object->parent = parent;
	InitializeListHead(&object->children);
	InitializeListHead(&object->sibling);
	__atomic_fetch_add(&live, 1, __ATOMIC_RELAXED);
	if (!parent)
		return;
	lock_take(&tree_lock);
	InsertTailList(&parent->children, &object->sibling);
	lock_drop(&tree_lock);
}

static void object_orphan(struct object *object)
{
	lock_take(&tree_lock);
	RemoveEntryList(&object->sibling);
	InitializeListHead(&object->sibling);
	lock_drop(&tree_lock);
}

NTSTATUS object_add_context(struct object *object, PWDF_OBJECT_ATTRIBUTES attributes, void **out)
{
	struct context *context;

	if (!attributes || !attributes->ContextTypeInfo)
		return STATUS_SUCCESS;
	FAKE_REQUIRE(attributes->Size == sizeof(*attributes));
	/*
	 * Rule: a second of one type is none, and its callbacks are never called.
	 * [FxObjectAllocateContext]
	 */
	for (context = object->contexts; context; context = context->next)
		FAKE_REQUIRE(context->type != attributes->ContextTypeInfo->UniqueType);
	context = calloc(1, sizeof(*context) + attributes->ContextTypeInfo->ContextSize);
	context->type = attributes->ContextTypeInfo->UniqueType;
	context->cleanup = attributes->EvtCleanupCallback;
	context->next = object->contexts;
	object->contexts = context;
	if (out)
		*out = context->bytes;
	return STATUS_SUCCESS;
}

void object_get(struct object *object)
{
	FAKE_REQUIRE(__atomic_fetch_add(&object->references, 1, __ATOMIC_RELAXED) > 0);
}

void object_put(struct object *object)
{
	struct context *context;

	if (__atomic_sub_fetch(&object->references, 1, __ATOMIC_ACQ_REL))
		return;
	while ((context = object->contexts)) {
		object->contexts = context->next;
		free(context);
	}
	free(object);
	__atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
}

void object_clean(struct object *object)
{
	struct context *context;

	for (context = object->contexts; context; context = context->next)
		if (context->cleanup)
			context->cleanup((WDFOBJECT)object);
}

void object_delete(struct object *object)
{
	object_orphan(object);
	if (object->dispose)
		object->dispose(object);
	object_clean(object);
	object_put(object);
}

FN_WdfObjectGetTypedContextWorker fake_WdfObjectGetTypedContextWorker;
PVOID fake_WdfObjectGetTypedContextWorker(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle,
					  PCWDF_OBJECT_CONTEXT_TYPE_INFO type)
{
	struct context *context = ((struct object *)handle)->contexts;

	(void)globals;
	while (context && context->type != type)
		context = context->next;
	FAKE_REQUIRE(context);
	return context->bytes;
}

FN_WdfObjectAllocateContext fake_WdfObjectAllocateContext;
NTSTATUS fake_WdfObjectAllocateContext(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle,
				       PWDF_OBJECT_ATTRIBUTES attributes, PVOID *context)
{
	(void)globals;
	if (fake_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	return object_add_context(handle, attributes, context);
}

FN_WdfObjectReferenceActual fake_WdfObjectReferenceActual;
VOID fake_WdfObjectReferenceActual(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle, PVOID tag,
				   LONG line, PCHAR file)
{
	(void)globals, (void)tag, (void)line, (void)file;
	object_get(handle);
}

FN_WdfObjectDereferenceActual fake_WdfObjectDereferenceActual;
VOID fake_WdfObjectDereferenceActual(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle, PVOID tag,
				     LONG line, PCHAR file)
{
	(void)globals, (void)tag, (void)line, (void)file;
	object_put(handle);
}

/*
 * What is left of the device's children goes with it. A share's timer or work item, which has a
 * context, and memory must be gone by then.
 */
static void device_dispose(struct object *device)
{
	fake_device = NULL;
	while (!IsListEmpty(&device->children)) {
		struct object *child = CONTAINING_RECORD(device->children.Flink, struct object,
							 sibling);

		FAKE_REQUIRE(child->kind != KIND_MEMORY && !child->contexts);
		object_delete(child);
	}
}

FN_WdfObjectDelete fake_WdfObjectDelete;
VOID fake_WdfObjectDelete(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle)
{
	struct object *object = handle;

	(void)globals;
	/* Others are the framework's to delete. */
	FAKE_REQUIRE(object->kind == KIND_MEMORY || object->kind == KIND_TIMER ||
		     object->kind == KIND_WORK || object->kind == KIND_DEVICE);
	fake_require_callable(PASSIVE_LEVEL);
	object_delete(object);
}

/* The buffer is in front of nothing and behind nothing: an overrun is seen. */
struct memory {
	struct object object;
	void *buffer;
};

static void memory_dispose(struct object *object)
{
	free(((struct memory *)object)->buffer);
}

FN_WdfMemoryCreate fake_WdfMemoryCreate;
NTSTATUS fake_WdfMemoryCreate(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes,
			      POOL_TYPE pool, ULONG tag, size_t size, WDFMEMORY *out, PVOID *buffer)
{
	struct memory *memory;

	(void)globals, (void)tag;
	FAKE_REQUIRE(pool == NonPagedPoolNx && size);
	if (fake_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	memory = calloc(1, sizeof(*memory));
	object_init(&memory->object, KIND_MEMORY, attributes->ParentObject);
	memory->object.dispose = memory_dispose;
	memory->buffer = malloc(size);
	memset(memory->buffer, 0xa5, size);
	*buffer = memory->buffer;
	*out = (WDFMEMORY)memory;
	return STATUS_SUCCESS;
}

/* Driver, device, registry */

struct device *fake_device;
static struct object *driver;
static WDF_DRIVER_CONFIG driver_config;
static WDF_DRIVER_GLOBALS driver_globals;
const WDFFUNC *WdfFunctions;
PWDF_DRIVER_GLOBALS WdfDriverGlobals = &driver_globals;

FN_WdfDriverCreate fake_WdfDriverCreate;
NTSTATUS fake_WdfDriverCreate(PWDF_DRIVER_GLOBALS globals, PDRIVER_OBJECT object,
			      PCUNICODE_STRING path, PWDF_OBJECT_ATTRIBUTES attributes,
			      PWDF_DRIVER_CONFIG config, WDFDRIVER *out)
{
	(void)globals, (void)object, (void)path, (void)attributes;
	FAKE_REQUIRE(config->Size == sizeof(*config));
	FAKE_REQUIRE(config->DriverInitFlags == WdfDriverInitNonPnpDriver &&
		     config->EvtDriverUnload);
	if (fake_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	driver_config = *config;
	driver = calloc(1, sizeof(*driver));
	object_init(driver, KIND_DRIVER, NULL);
	if (out)
		*out = (WDFDRIVER)driver;
	return STATUS_SUCCESS;
}

FN_WdfControlDeviceInitAllocate fake_WdfControlDeviceInitAllocate;
PWDFDEVICE_INIT fake_WdfControlDeviceInitAllocate(PWDF_DRIVER_GLOBALS globals, WDFDRIVER handle,
						  CONST UNICODE_STRING *sddl)
{
	(void)globals, (void)handle;
	FAKE_REQUIRE(sddl->Length);
	return fake_fails() ? NULL : calloc(1, sizeof(struct device));
}

FN_WdfDeviceInitFree fake_WdfDeviceInitFree;
VOID fake_WdfDeviceInitFree(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init)
{
	(void)globals;
	free(init);
}

FN_WdfDeviceInitAssignName fake_WdfDeviceInitAssignName;
NTSTATUS fake_WdfDeviceInitAssignName(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init,
				      PCUNICODE_STRING name)
{
	(void)globals, (void)init, (void)name;
	return fake_fails() ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

FN_WdfDeviceInitSetFileObjectConfig fake_WdfDeviceInitSetFileObjectConfig;
VOID fake_WdfDeviceInitSetFileObjectConfig(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init,
					   PWDF_FILEOBJECT_CONFIG config,
					   PWDF_OBJECT_ATTRIBUTES attributes)
{
	struct device *device = (struct device *)init;

	(void)globals;
	FAKE_REQUIRE(config->Size == sizeof(*config));
	device->files = *config;
	device->file_context = attributes->ContextTypeInfo;
}

FN_WdfDeviceInitSetIoInCallerContextCallback fake_WdfDeviceInitSetIoInCallerContextCallback;
VOID fake_WdfDeviceInitSetIoInCallerContextCallback(PWDF_DRIVER_GLOBALS globals,
						    PWDFDEVICE_INIT init,
						    PFN_WDF_IO_IN_CALLER_CONTEXT function)
{
	(void)globals;
	((struct device *)init)->caller_context = function;
}

FN_WdfDeviceCreate fake_WdfDeviceCreate;
NTSTATUS fake_WdfDeviceCreate(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT *init,
			      PWDF_OBJECT_ATTRIBUTES attributes, WDFDEVICE *out)
{
	struct device *device = (struct device *)*init;

	(void)globals;
	if (fake_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	*init = NULL;
	object_init(&device->object, KIND_DEVICE, driver);
	device->object.dispose = device_dispose;
	object_add_context(&device->object, attributes, NULL);
	fake_device = device;
	*out = (WDFDEVICE)device;
	return STATUS_SUCCESS;
}

FN_WdfDeviceCreateSymbolicLink fake_WdfDeviceCreateSymbolicLink;
NTSTATUS fake_WdfDeviceCreateSymbolicLink(PWDF_DRIVER_GLOBALS globals, WDFDEVICE device,
					  PCUNICODE_STRING name)
{
	(void)globals, (void)device, (void)name;
	return fake_fails() ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
}

FN_WdfControlFinishInitializing fake_WdfControlFinishInitializing;
VOID fake_WdfControlFinishInitializing(PWDF_DRIVER_GLOBALS globals, WDFDEVICE device)
{
	(void)globals, (void)device;
}

FN_WdfDeviceWdmGetDeviceObject fake_WdfDeviceWdmGetDeviceObject;
PDEVICE_OBJECT fake_WdfDeviceWdmGetDeviceObject(PWDF_DRIVER_GLOBALS globals, WDFDEVICE device)
{
	(void)globals;
	return (PDEVICE_OBJECT)device;
}

static unsigned char group_sid[68];
static ULONG group_sid_length;

void fake_set_group(const void *sid, unsigned int length)
{
	memcpy(group_sid, sid, length);
	group_sid_length = length;
}

FN_WdfDriverOpenParametersRegistryKey fake_WdfDriverOpenParametersRegistryKey;
NTSTATUS fake_WdfDriverOpenParametersRegistryKey(PWDF_DRIVER_GLOBALS globals, WDFDRIVER handle,
						 ACCESS_MASK access,
						 PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *key)
{
	(void)globals, (void)handle, (void)access, (void)attributes;
	*key = (WDFKEY)group_sid;
	return group_sid_length ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

FN_WdfRegistryQueryValue fake_WdfRegistryQueryValue;
NTSTATUS fake_WdfRegistryQueryValue(PWDF_DRIVER_GLOBALS globals, WDFKEY key, PCUNICODE_STRING name,
				    ULONG size, PVOID value, PULONG length, PULONG type)
{
	(void)globals, (void)key, (void)name;
	if (size < group_sid_length)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(value, group_sid, group_sid_length);
	*length = group_sid_length;
	*type = REG_BINARY;
	return STATUS_SUCCESS;
}

FN_WdfRegistryClose fake_WdfRegistryClose;
VOID fake_WdfRegistryClose(PWDF_DRIVER_GLOBALS globals, WDFKEY key)
{
	(void)globals, (void)key;
}

/* The table */

#define DECLARE(index, name, result, parameters, arguments) FN_##name fake_##name;
PENDSHARE_WDF_FUNCTIONS(DECLARE)

#define ENTRY(index, name, result, parameters, arguments) [index] = (WDFFUNC)fake_##name,
static const WDFFUNC table[WdfFunctionTableNumEntries] = { PENDSHARE_WDF_FUNCTIONS(ENTRY) };

NTSTATUS fake_try_load(unsigned int workers)
{
	NTSTATUS status;

	WdfFunctions = table;
	status = DriverEntry(NULL, NULL);
	if (NT_SUCCESS(status)) {
		work_start(workers);
		return status;
	}
	if (driver)
		object_delete(driver);
	driver = NULL;
	FAKE_REQUIRE(fake_objects() == 0);
	return status;
}

void fake_load(unsigned int workers)
{
	FAKE_REQUIRE(NT_SUCCESS(fake_try_load(workers)));
}

void fake_unload(void)
{
	fake_settle();
	driver_config.EvtDriverUnload((WDFDRIVER)driver);
	work_stop();
	object_delete(&fake_device->object);
	object_delete(driver);
	driver = NULL;
	FAKE_REQUIRE(fake_objects() == 0);
}
