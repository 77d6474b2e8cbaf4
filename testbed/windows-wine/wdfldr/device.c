/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The driver and its control device.
 */
#include "framework.h"

static struct driver *the_driver;
struct device *the_device; /* of the one driver that this double serves */

struct WDFDEVICE_INIT {
	struct text name;
	PSECURITY_DESCRIPTOR descriptor;
	PFN_WDF_IO_IN_CALLER_CONTEXT caller_context;
	WDF_FILEOBJECT_CONFIG files;
	WDF_OBJECT_ATTRIBUTES file_attributes;
};

/* Rule: strings are the driver's, and gone when the call returns. [FxDeviceInit, FxDevice] */
static void text_copy(struct text *to, const UNICODE_STRING *from)
{
	stop_unless(from->Length <= sizeof(to->buffer), "a longer name than expected");
	memcpy(to->buffer, from->Buffer, from->Length);
	to->string = (UNICODE_STRING){from->Length, from->Length, to->buffer};
}

void device_put(struct device *device)
{
	if (InterlockedDecrement(&device->users) == 0)
		KeSetEvent(&device->unused, IO_NO_INCREMENT, FALSE);
}

/*
 * Rule: a driver is unloaded when its devices have no open handle any more, and asked to stop
 * before, it waits for that. The framework deletes a control device after EvtDriverUnload.
 * [NtUnloadDriver: IoDeleteDevice, DRIVER_UNLOAD; FxDriver::Unload] Wine does not wait.
 */
static VOID unload(DRIVER_OBJECT *object)
{
	UNREFERENCED_PARAMETER(object);
	the_device->leaving = TRUE;
	device_put(the_device);
	KeWaitForSingleObject(&the_device->unused, Executive, KernelMode, FALSE, NULL);
	if (the_driver->config.EvtDriverUnload)
		the_driver->config.EvtDriverUnload((WDFDRIVER)the_driver);
	ntoskrnl_forget();
	access_unwatch();
	object_delete(&the_driver->object);
	objects_report("C:\\wdf-left.txt");
}

NTSTATUS double_WdfDriverCreate(PWDF_DRIVER_GLOBALS globals, PDRIVER_OBJECT object,
				PCUNICODE_STRING path, PWDF_OBJECT_ATTRIBUTES attributes,
				PWDF_DRIVER_CONFIG config, WDFDRIVER *handle)
{
	UNREFERENCED_PARAMETER(path);
	stop_unless(config->DriverInitFlags & WdfDriverInitNonPnpDriver,
		    "only drivers without PnP");
	the_driver = object_create(DRIVER, sizeof(*the_driver), attributes, NULL);
	the_driver->wdm = object;
	the_driver->config = *config;
	object->DriverUnload = unload;
	*handle = globals->Driver = (WDFDRIVER)the_driver;
	return STATUS_SUCCESS;
}

NTSTATUS double_WdfDriverOpenParametersRegistryKey(PWDF_DRIVER_GLOBALS globals, WDFDRIVER driver,
						   ACCESS_MASK access,
						   PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *key)
{
	UNREFERENCED_PARAMETER(globals);
	UNREFERENCED_PARAMETER(access);
	UNREFERENCED_PARAMETER(attributes);
	object_of(driver, DRIVER);
	*key = NULL;
	return STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS double_WdfRegistryQueryValue(PWDF_DRIVER_GLOBALS globals, WDFKEY key,
				      PCUNICODE_STRING name, ULONG length, PVOID value,
				      PULONG queried, PULONG type)
{
	UNREFERENCED_PARAMETER(globals);
	UNREFERENCED_PARAMETER(key);
	UNREFERENCED_PARAMETER(name);
	UNREFERENCED_PARAMETER(length);
	UNREFERENCED_PARAMETER(value);
	UNREFERENCED_PARAMETER(queried);
	UNREFERENCED_PARAMETER(type);
	stop("a registry key that was never opened");
}

VOID double_WdfRegistryClose(PWDF_DRIVER_GLOBALS globals, WDFKEY key)
{
	UNREFERENCED_PARAMETER(globals);
	UNREFERENCED_PARAMETER(key);
	stop("a registry key that was never opened");
}

PWDFDEVICE_INIT double_WdfControlDeviceInitAllocate(PWDF_DRIVER_GLOBALS globals, WDFDRIVER driver,
						    CONST UNICODE_STRING *sddl)
{
	PWDFDEVICE_INIT init = ExAllocatePoolWithTag(NonPagedPool, sizeof(*init), 0);

	UNREFERENCED_PARAMETER(globals);
	object_of(driver, DRIVER);
	RtlZeroMemory(init, sizeof(*init));
	init->descriptor = access_descriptor(sddl);
	return init;
}

VOID double_WdfDeviceInitFree(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init)
{
	UNREFERENCED_PARAMETER(globals);
	ExFreePoolWithTag(init, 0);
}

NTSTATUS double_WdfDeviceInitAssignName(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init,
					PCUNICODE_STRING name)
{
	UNREFERENCED_PARAMETER(globals);
	text_copy(&init->name, name);
	return STATUS_SUCCESS;
}

VOID double_WdfDeviceInitSetFileObjectConfig(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init,
					     PWDF_FILEOBJECT_CONFIG config,
					     PWDF_OBJECT_ATTRIBUTES attributes)
{
	UNREFERENCED_PARAMETER(globals);
	init->files = *config;
	init->file_attributes = *attributes;
}

VOID double_WdfDeviceInitSetIoInCallerContextCallback(PWDF_DRIVER_GLOBALS globals,
						      PWDFDEVICE_INIT init,
						      PFN_WDF_IO_IN_CALLER_CONTEXT callback)
{
	UNREFERENCED_PARAMETER(globals);
	init->caller_context = callback;
}

static void device_dispose(struct object *object)
{
	struct device *device = (struct device *)object;

	if (device->link.string.Length)
		IoDeleteSymbolicLink(&device->link.string);
	IoDeleteDevice(device->wdm);
}

NTSTATUS double_WdfDeviceCreate(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT *init,
				PWDF_OBJECT_ATTRIBUTES attributes, WDFDEVICE *handle)
{
	struct device *device =
	    object_create(DEVICE, sizeof(*device), attributes, &the_driver->object);
	ULONG major;
	NTSTATUS status;

	status = IoCreateDevice(the_driver->wdm, 0, &(*init)->name.string, FILE_DEVICE_UNKNOWN, 0,
				FALSE, &device->wdm);
	if (!NT_SUCCESS(status)) {
		object_delete(&device->object);
		return status;
	}
	device->object.dispose = device_dispose;
	device->users = 1;
	KeInitializeEvent(&device->unused, NotificationEvent, FALSE);
	text_copy(&device->name, &(*init)->name.string);
	device->descriptor = (*init)->descriptor;
	access_watch(device->wdm);
	device->caller_context = (*init)->caller_context;
	device->files = (*init)->files;
	device->file_attributes = (*init)->file_attributes;
	double_WdfDeviceInitFree(globals, *init);
	*init = NULL;
	for (major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++)
		the_driver->wdm->MajorFunction[major] = device_irp;
	the_device = device;
	*handle = (WDFDEVICE)device;
	return STATUS_SUCCESS;
}

NTSTATUS double_WdfDeviceCreateSymbolicLink(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
					    PCUNICODE_STRING link)
{
	struct device *device = object_of(handle, DEVICE);

	UNREFERENCED_PARAMETER(globals);
	text_copy(&device->link, link);
	return IoCreateSymbolicLink(&device->link.string, &device->name.string);
}

VOID double_WdfControlFinishInitializing(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	struct device *device = object_of(handle, DEVICE);

	UNREFERENCED_PARAMETER(globals);
	device->wdm->Flags &= ~DO_DEVICE_INITIALIZING;
}

PDEVICE_OBJECT double_WdfDeviceWdmGetDeviceObject(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	struct device *device = object_of(handle, DEVICE);

	UNREFERENCED_PARAMETER(globals);
	return device->wdm;
}

NTSTATUS double_WdfDeviceEnqueueRequest(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
					WDFREQUEST request)
{
	struct device *device = object_of(handle, DEVICE);

	UNREFERENCED_PARAMETER(globals);
	irql_at_most(APC_LEVEL);
	queue_submit(device->queue, object_of(request, REQUEST));
	return STATUS_SUCCESS;
}
