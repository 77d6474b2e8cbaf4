// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Takes every request: once in its caller's context, where the process and its handles are
 * known, and once from the queue, where one table says what each code wants and who serves it.
 */
#include "driver.h"

#define ANY_PROCESS 1u /* also from another process than the opener's */
#define DEAD_FILE 2u   /* also after the file was revoked */
#define MAY_PEND 4u    /* needs a handle that does not serialize its requests */

struct command {
	ULONG code;
	ULONG least; /* of its structure's first version */
	ULONG size;  /* of the one that we know */
	ULONG flags;
	NTSTATUS (*run)(struct call *call); /* STATUS_PENDING: it has kept the request */
};

#define SHARE_SIZES PENDSHARE_SHARE_SIZE, sizeof(struct pendshare_share)
/* There has been one version so far. */
#define ONE_SIZE(type) sizeof(struct type), sizeof(struct type)

static const struct command commands[] = {
	{ PENDSHARE_IOC_INFO, ONE_SIZE(pendshare_info), ANY_PROCESS | DEAD_FILE, device_info },
	{ PENDSHARE_IOC_SHARE, SHARE_SIZES, MAY_PEND, share_begin },
	{ PENDSHARE_IOC_SHARE_READONLY, SHARE_SIZES, MAY_PEND, share_begin },
	{ PENDSHARE_IOC_PEND, ONE_SIZE(pendshare_pend), DEAD_FILE | MAY_PEND, events_pend },
	{ PENDSHARE_IOC_RELEASE, ONE_SIZE(pendshare_end), 0, file_end },
	{ PENDSHARE_IOC_CANCEL, ONE_SIZE(pendshare_end), 0, file_end },
	{ PENDSHARE_IOC_NOTIFY, ONE_SIZE(pendshare_notify), 0, file_notify },
	{ PENDSHARE_IOC_SHUTDOWN, ONE_SIZE(pendshare_shutdown), DEAD_FILE, file_shutdown },
	{ PENDSHARE_IOC_REVOKE, ONE_SIZE(pendshare_revoke), 0, revoke },
};

static const struct command *find(ULONG code)
{
	ULONG i;

	for (i = 0; i < RTL_NUMBER_OF(commands); i++)
		if (commands[i].code == code)
			return &commands[i];
	return NULL;
}

/*
 * Copies a request's structure, what an older one has not as zeros. The I/O manager has put the
 * input into kernel memory, so that it cannot change between the checks and the use.
 */
static NTSTATUS fetch(WDFREQUEST request, void *arguments, const struct command *command)
{
	const UCHAR *bytes;
	size_t length;
	void *input;
	ULONG told;

	if (!NT_SUCCESS(WdfRequestRetrieveInputBuffer(request, command->least, &input, &length)))
		return STATUS_INVALID_PARAMETER;
	bytes = input;
	RtlCopyMemory(&told, bytes, sizeof(told));
	if (told < command->least || told > length)
		return STATUS_INVALID_PARAMETER;
	for (length = command->size; length < told; length++)
		if (bytes[length])
			return STATUS_INVALID_PARAMETER;
	RtlZeroMemory(arguments, command->size);
	RtlCopyMemory(arguments, bytes, told < command->size ? told : command->size);
	return STATUS_SUCCESS;
}

/* SHARE names an event by its handle. */
static NTSTATUS prepare_share(WDFREQUEST request, const struct command *command)
{
	struct pendshare_share arguments;
	NTSTATUS status = fetch(request, &arguments, command);

	return NT_SUCCESS(status) ? share_prepare(request, &arguments) : status;
}

static NTSTATUS admit(WDFREQUEST request)
{
	FILE_CONTEXT *file = file_of(WdfRequestGetFileObject(request));
	const struct command *command = NULL;
	WDF_REQUEST_PARAMETERS parameters;

	WDF_REQUEST_PARAMETERS_INIT(&parameters);
	WdfRequestGetParameters(request, &parameters);
	if (parameters.Type == WdfRequestTypeDeviceControl)
		command = find(parameters.Parameters.DeviceIoControl.IoControlCode);
	if (!command)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(command->flags & ANY_PROCESS) && file->owner != PsGetCurrentProcess())
		return STATUS_INVALID_OWNER;
	/* On a synchronous handle a pended request would keep its own end from being asked for. */
	if ((command->flags & MAY_PEND) &&
	    (WdfFileObjectGetFlags(file->handle) & FO_SYNCHRONOUS_IO))
		return STATUS_INVALID_PARAMETER;
	return command->run == share_begin ? prepare_share(request, command) : STATUS_SUCCESS;
}

void queue_caller_context(WDFDEVICE device, WDFREQUEST request)
{
	NTSTATUS status = admit(request);

	if (NT_SUCCESS(status))
		status = WdfDeviceEnqueueRequest(device, request);
	if (!NT_SUCCESS(status))
		WdfRequestComplete(request, status);
}

static NTSTATUS dispatch(struct call *call)
{
	const struct command *command = find(call->code);
	NTSTATUS status;
	BOOLEAN dead;
	KIRQL irql;

	if (!command)
		return STATUS_INVALID_DEVICE_REQUEST;
	KeAcquireSpinLock(&call->file->lock, &irql);
	dead = call->file->dead;
	KeReleaseSpinLock(&call->file->lock, irql);
	if (dead && !(command->flags & DEAD_FILE))
		return STATUS_DEVICE_REMOVED;
	status = fetch(call->request, &call->arguments, command);
	return NT_SUCCESS(status) ? command->run(call) : status;
}

void queue_device_control(WDFQUEUE queue, WDFREQUEST request, size_t output_length,
			  size_t input_length, ULONG code)
{
	struct call call;
	NTSTATUS status;

	UNREFERENCED_PARAMETER(queue);
	UNREFERENCED_PARAMETER(input_length);
	RtlZeroMemory(&call, sizeof(call));
	call.request = request;
	call.file = file_of(WdfRequestGetFileObject(request));
	call.code = code;
	call.output_length = output_length;
	status = dispatch(&call);
	if (status != STATUS_PENDING)
		WdfRequestCompleteWithInformation(request, status, call.information);
}
