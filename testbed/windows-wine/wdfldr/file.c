/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Files, from create to close, and how the IRPs of a file become callbacks.
 */
#include "framework.h"

WDFDEVICE double_WdfFileObjectGetDevice(PWDF_DRIVER_GLOBALS globals, WDFFILEOBJECT handle)
{
	struct file *file = object_of(handle, FILE_OBJ);

	UNREFERENCED_PARAMETER(globals);
	return (WDFDEVICE)file->device;
}

/* Rule: FO_SYNCHRONOUS_IO when it was opened for synchronous I/O, of either kind. [FILE_OBJECT] */
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

/*
 * Rule: no open before WdfControlFinishInitializing, and none of a driver that is to be unloaded.
 * EvtDeviceFileCreate comes in the opener's process, at PASSIVE_LEVEL, with the file's context
 * zeroed; a create that fails has neither cleanup nor close. [WdfControlFinishInitializing,
 * IoCreateDevice; FxPkgGeneral::OnCreate, FxPkgGeneral::CreateCompleted] It may be pended there,
 * and may not here.
 */
static NTSTATUS create(struct device *device, IRP *irp)
{
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	struct request *request;
	struct file *file;
	ACCESS_STATE access;
	NTSTATUS status;
	KIRQL irql;

	if ((device->wdm->Flags & DO_DEVICE_INITIALIZING) || device->leaving)
		return refuse(irp, STATUS_NO_SUCH_DEVICE);
	status = access_check(device->descriptor, stack, &access);
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
	irql = irql_raise(PASSIVE_LEVEL);
	device->files.EvtDeviceFileCreate((WDFDEVICE)device, (WDFREQUEST)request,
					  (WDFFILEOBJECT)file);
	irql_lower(irql);
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
	KIRQL irql;

	UNREFERENCED_PARAMETER(instance);
	irql = irql_raise(PASSIVE_LEVEL);
	device->files.EvtFileClose((WDFFILEOBJECT)file);
	irql_lower(irql);
	file->closed = TRUE;
	object_delete(&file->object);
	irp->IoStatus.Status = STATUS_SUCCESS;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	device_put(device);
}

/*
 * Rule: IRP_MJ_CLOSE comes at PASSIVE_LEVEL with the last reference, perhaps inside of the
 * completion of the last request. [IRP_MJ_CLOSE, ObDereferenceObjectDeferDelete]
 */
void file_put(struct file *file)
{
	if (InterlockedDecrement(&file->users))
		return;
	if (irql_now() == PASSIVE_LEVEL)
		closed(NULL, file);
	else
		stop_unless(TrySubmitThreadpoolCallback(closed, file, NULL),
			    "no thread for a close");
}

/*
 * Rule: EvtFileCleanup when the last handle goes, then the file's queued requests are cancelled; a
 * request that was on its way may come afterwards. EvtFileClose follows the last request, at
 * PASSIVE_LEVEL, on any thread. [FxPkgGeneral::OnCleanup, FxPkgGeneral::OnClose] Wine has one IRP
 * for both, so that nothing comes after cleanup.
 */
static NTSTATUS close(struct file *file, IRP *irp)
{
	KIRQL irql;

	IoMarkIrpPending(irp);
	file->close = irp;
	irql = irql_raise(PASSIVE_LEVEL);
	file->device->files.EvtFileCleanup((WDFFILEOBJECT)file);
	irql_lower(irql);
	queue_cancel_file(file);
	file_put(file);
	return STATUS_PENDING;
}

/*
 * Rule: reads, writes and controls all go by EvtIoInCallerContext, in the caller's process, and
 * what no queue is for is completed as INVALID_DEVICE_REQUEST. [FxPkgIo::Dispatch,
 * FxPkgIo::DispatchStep1, FxPkgIo::DispatchStep2; FxDefaultIrpHandler for other functions]
 */
NTSTATUS device_irp(DEVICE_OBJECT *wdm, IRP *irp)
{
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	struct file *file = stack->FileObject->FsContext;
	KIRQL irql;

	UNREFERENCED_PARAMETER(wdm);
	if (stack->MajorFunction == IRP_MJ_CREATE)
		return create(the_device, irp);
	if (!file)
		return refuse(irp, STATUS_INVALID_HANDLE);
	switch (stack->MajorFunction) {
	case IRP_MJ_CLOSE:
		return close(file, irp);
	case IRP_MJ_READ:
	case IRP_MJ_WRITE:
	case IRP_MJ_DEVICE_CONTROL:
		irql = irql_raise(PASSIVE_LEVEL);
		the_device->caller_context((WDFDEVICE)the_device,
					   (WDFREQUEST)request_create(irp, file));
		irql_lower(irql);
		return STATUS_PENDING;
	default:
		return refuse(irp, STATUS_INVALID_DEVICE_REQUEST);
	}
}
