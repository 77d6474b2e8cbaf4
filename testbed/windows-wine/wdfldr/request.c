/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Requests: an IRP on its way through the driver, completed exactly once. As in the framework,
 * its contexts are cleaned up before the IRP is completed.
 */
#include "framework.h"

struct request *request_create(IRP *irp, struct file *file)
{
	struct request *request = object_create(REQUEST, sizeof(*request), NULL, NULL);

	request->irp = irp;
	request->file = file;
	InterlockedIncrement(&file->users);
	IoMarkIrpPending(irp);
	return request;
}

static ULONG output_length(IRP *irp)
{
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);

	if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL)
		return 0;
	return stack->Parameters.DeviceIoControl.OutputBufferLength;
}

/*
 * Rule: once, by who owns it, at <= DISPATCH_LEVEL; Information is at most the output's length
 * unless it failed. Contexts are cleaned up before the caller hears of it, and the file may be
 * closed when this returns. [FxRequest::CompleteInternal, FxRequest::VerifyRequestIsDriverOwned,
 * FxRequest::VerifyCompleteInternal]
 */
void request_complete(struct request *request, NTSTATUS status, ULONG_PTR information)
{
	struct file *file = request->file;
	IRP *irp = request->irp;

	irql_at_most(DISPATCH_LEVEL);
	stop_unless(status != STATUS_PENDING, "a request completed as pending");
	stop_unless(!InterlockedExchange(&request->completed, TRUE), "a request completed twice");
	stop_unless(!request->queue, "a request completed that lies in a queue");
	stop_unless(!NT_SUCCESS(status) || information <= output_length(irp),
		    "more Information than the output is long");
	request->status = status;
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = information;
	object_clean_up(&request->object);
	if (request->live)
		live_close(request->live, irp);
	locked_free(request->locked);
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	object_put(&request->object);
	file_put(file);
}

VOID double_WdfRequestComplete(PWDF_DRIVER_GLOBALS globals, WDFREQUEST request, NTSTATUS status)
{
	UNREFERENCED_PARAMETER(globals);
	request_complete(object_of(request, REQUEST), status, 0);
}

VOID double_WdfRequestCompleteWithInformation(PWDF_DRIVER_GLOBALS globals, WDFREQUEST request,
					      NTSTATUS status, ULONG_PTR information)
{
	UNREFERENCED_PARAMETER(globals);
	request_complete(object_of(request, REQUEST), status, information);
}

/* Rule: what is in the IRP's stack location, and lasts as long as it. [WdfRequestGetParameters] */
VOID double_WdfRequestGetParameters(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
				    PWDF_REQUEST_PARAMETERS parameters)
{
	struct request *request = object_of(handle, REQUEST);
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(request->irp);

	UNREFERENCED_PARAMETER(globals);
	stop_unless(parameters->Size == sizeof(*parameters),
		    "WDF_REQUEST_PARAMETERS not initialized");
	parameters->Type = (WDF_REQUEST_TYPE)stack->MajorFunction;
	if (stack->MajorFunction == IRP_MJ_CREATE) {
		parameters->Parameters.Create.SecurityContext = &request->security;
		parameters->Parameters.Create.Options = stack->Parameters.Create.Options;
	} else if (stack->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
		parameters->Parameters.DeviceIoControl.OutputBufferLength =
		    stack->Parameters.DeviceIoControl.OutputBufferLength;
		parameters->Parameters.DeviceIoControl.InputBufferLength =
		    stack->Parameters.DeviceIoControl.InputBufferLength;
		parameters->Parameters.DeviceIoControl.IoControlCode =
		    stack->Parameters.DeviceIoControl.IoControlCode;
	}
}

/*
 * Rule: buffered, input and output are one system buffer; BUFFER_TOO_SMALL for an empty one, or one
 * shorter than wanted. [WdfRequestRetrieveInputBuffer, WdfRequestRetrieveOutputBuffer]
 */
static NTSTATUS buffer(struct request *request, ULONG length, size_t minimum, PVOID *out,
		       size_t *out_length)
{
	if (!length || length < minimum)
		return STATUS_BUFFER_TOO_SMALL;
	*out = request->irp->AssociatedIrp.SystemBuffer;
	if (out_length)
		*out_length = length;
	return STATUS_SUCCESS;
}

NTSTATUS double_WdfRequestRetrieveInputBuffer(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					      size_t minimum, PVOID *out, size_t *length)
{
	struct request *request = object_of(handle, REQUEST);
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(request->irp);

	UNREFERENCED_PARAMETER(globals);
	return buffer(request, stack->Parameters.DeviceIoControl.InputBufferLength, minimum, out,
		      length);
}

NTSTATUS double_WdfRequestRetrieveOutputBuffer(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					       size_t minimum, PVOID *out, size_t *length)
{
	struct request *request = object_of(handle, REQUEST);
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(request->irp);

	UNREFERENCED_PARAMETER(globals);
	stop_unless((stack->Parameters.DeviceIoControl.IoControlCode & 3) == METHOD_BUFFERED,
		    "the output of a direct request is taken by its MDL");
	return buffer(request, output_length(request->irp), minimum, out, length);
}

/* Rule: the IRP's MDL, as it is locked; live.c. [FxRequest::GetDeviceControlOutputMdl] */
NTSTATUS double_WdfRequestRetrieveOutputWdmMdl(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					       PMDL *mdl)
{
	struct request *request = object_of(handle, REQUEST);
	NTSTATUS status = STATUS_SUCCESS;

	UNREFERENCED_PARAMETER(globals);
	if (!output_length(request->irp))
		return STATUS_BUFFER_TOO_SMALL;
	if (!request->live)
		status = live_open(request->irp, &request->live);
	if (NT_SUCCESS(status))
		*mdl = live_mdl(request->live);
	return status;
}

WDFFILEOBJECT double_WdfRequestGetFileObject(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct request *request = object_of(handle, REQUEST);

	UNREFERENCED_PARAMETER(globals);
	return (WDFFILEOBJECT)request->file;
}
