/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The driver, its control device, and its files: how IRPs become callbacks.
 */
#include "framework.h"

static struct driver *the_driver;
static struct device *the_device; /* of the one driver that this double serves */
static WDF_DRIVER_GLOBALS driver_globals = {.DriverName = "pendshare",
					    .DisplaceDriverUnload = TRUE};

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

static void device_put(struct device *device)
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
	device_put(the_device);
	KeWaitForSingleObject(&the_device->unused, Executive, KernelMode, FALSE, NULL);
	if (the_driver->config.EvtDriverUnload)
		the_driver->config.EvtDriverUnload((WDFDRIVER)the_driver);
	ntoskrnl_forget();
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

	status = IoCreateDevice(the_driver->wdm, 0, &(*init)->name.string, FILE_DEVICE_UNKNOWN, 0, FALSE,
				&device->wdm);
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
	return queue_submit(device->queue, object_of(request, REQUEST));
}

WDFDEVICE double_WdfFileObjectGetDevice(PWDF_DRIVER_GLOBALS globals, WDFFILEOBJECT handle)
{
	struct file *file = object_of(handle, FILE_OBJ);

	UNREFERENCED_PARAMETER(globals);
	return (WDFDEVICE)file->device;
}

ULONG double_WdfFileObjectGetFlags(PWDF_DRIVER_GLOBALS globals, WDFFILEOBJECT handle)
{
	struct file *file = object_of(handle, FILE_OBJ);

	UNREFERENCED_PARAMETER(globals);
	return file->flags;
}

static NTSTATUS refuse(IRP *irp, NTSTATUS status)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = 0;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS create(struct device *device, IRP *irp)
{
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	struct request *request;
	struct file *file;
	ACCESS_STATE access;
	NTSTATUS status = access_check(device->descriptor, stack, &access);

	if (!NT_SUCCESS(status))
		return refuse(irp, status);
	file = object_create(FILE_OBJ, sizeof(*file), &device->file_attributes, NULL);
	file->device = device;
	file->wdm = stack->FileObject;
	file->users = 1;
	if (stack->Parameters.Create.Options &
	    (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT))
		file->flags = FO_SYNCHRONOUS_IO;
	request = request_create(irp, file);
	request->access = access;
	request->security.AccessState = &request->access;
	request->security.DesiredAccess = access.RemainingDesiredAccess;
	object_get(&request->object);
	ntoskrnl_watch_process();
	device->files.EvtDeviceFileCreate((WDFDEVICE)device, (WDFREQUEST)request,
					  (WDFFILEOBJECT)file);
	stop_unless(request->completed, "a create that is pended");
	if (NT_SUCCESS(request->status)) {
		stack->FileObject->FsContext = file;
		InterlockedIncrement(&device->users);
	} else {
		object_delete(&file->object);
	}
	object_put(&request->object);
	return STATUS_PENDING;
}

static void closed(void *instance, void *context)
{
	struct file *file = context;
	struct device *device = file->device;
	IRP *irp = file->close;

	UNREFERENCED_PARAMETER(instance);
	file->device->files.EvtFileClose((WDFFILEOBJECT)file);
	object_delete(&file->object);
	irp->IoStatus.Status = STATUS_SUCCESS;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	device_put(device);
}

/* Whoever completes the last request of a closed file must not wait for the driver's callback. */
void file_put(struct file *file)
{
	if (InterlockedDecrement(&file->users) == 0)
		stop_unless(TrySubmitThreadpoolCallback(closed, file, NULL),
			    "no thread for a close");
}

static NTSTATUS close(struct file *file, IRP *irp)
{
	IoMarkIrpPending(irp);
	file->close = irp;
	file->device->files.EvtFileCleanup((WDFFILEOBJECT)file);
	queue_cancel_file(file);
	file_put(file);
	return STATUS_PENDING;
}

NTSTATUS device_irp(DEVICE_OBJECT *wdm, IRP *irp)
{
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	struct file *file = stack->FileObject->FsContext;

	UNREFERENCED_PARAMETER(wdm);
	if (stack->MajorFunction == IRP_MJ_CREATE)
		return create(the_device, irp);
	if (!file)
		return refuse(irp, STATUS_INVALID_HANDLE);
	if (stack->MajorFunction == IRP_MJ_CLOSE)
		return close(file, irp);
	if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL)
		return refuse(irp, STATUS_INVALID_DEVICE_REQUEST);
	the_device->caller_context((WDFDEVICE)the_device, (WDFREQUEST)request_create(irp, file));
	return STATUS_PENDING;
}

/* Binding */

struct bind_info {
	ULONG size;
	PCWSTR component;
	ULONG version[3];
	ULONG function_count;
	const WDFFUNC **function_table;
	PVOID module;
};

static void missing(void)
{
	stop("a function of the framework that the double does not have");
}

#define ENTRY(index, name, result, parameters, arguments) [index] = (WDFFUNC)double_##name,
static WDFFUNC functions[WdfFunctionTableNumEntries] = {PENDSHARE_WDF_FUNCTIONS(ENTRY)};

__declspec(dllexport) NTSTATUS WdfVersionBind(DRIVER_OBJECT *object, UNICODE_STRING *path,
					      struct bind_info *info, PWDF_DRIVER_GLOBALS *globals)
{
	int i;

	UNREFERENCED_PARAMETER(path);
	stop_unless(info->size == sizeof(*info) && info->version[0] == 1 &&
			info->version[1] >= 15 &&
			info->function_count >= WdfFunctionTableNumEntries,
		    "a driver for a framework before 1.15");
	for (i = 0; i < WdfFunctionTableNumEntries; i++)
		if (!functions[i])
			functions[i] = missing;
	ntoskrnl_redirect(object->DriverStart);
	*info->function_table = functions;
	*globals = &driver_globals;
	return STATUS_SUCCESS;
}

__declspec(dllexport) VOID
    WdfVersionUnbind(UNICODE_STRING *path, struct bind_info *info, PWDF_DRIVER_GLOBALS globals)
{
	UNREFERENCED_PARAMETER(path);
	UNREFERENCED_PARAMETER(globals);
	*info->function_table = NULL;
}

/* Wine takes a driver that imports kernel32 for a library, and calls this instead of DriverEntry.
 */
BOOL32 DllMain(HANDLE module, ULONG reason, PVOID reserved)
{
	UNREFERENCED_PARAMETER(module);
	UNREFERENCED_PARAMETER(reason);
	UNREFERENCED_PARAMETER(reserved);
	return TRUE;
}
