// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The fake's I/O manager: requests from their start to their completion, and what the driver may
 * ask of a request.
 */
#include <stdlib.h>

#include "internal.h"
#include "queue.h"

struct io {
	struct lock lock;
	struct request *request; /* until it is completed */
	NTSTATUS status;
	ULONG_PTR information;
	void *out;
	unsigned int order;
	BOOLEAN done;
	BOOLEAN buffered;
};

static unsigned int completions;

/* Requests */

struct request *request_new(struct file_object *file, struct io *io, WDF_REQUEST_TYPE type)
{
	struct request *request = calloc(1, sizeof(*request));

	object_init(&request->object, KIND_REQUEST, NULL);
	InitializeListHead(&request->link);
	request->file = file;
	request->io = io;
	request->type = type;
	io->request = request;
	file_use(file);
	return request;
}

struct io *io_new(void *out)
{
	struct io *io = calloc(1, sizeof(*io));

	io->out = out;
	return io;
}

void request_complete(struct request *request, NTSTATUS status, ULONG_PTR information)
{
	struct file_object *file = request->file;
	struct io *io = request->io;

	FAKE_REQUIRE(status != STATUS_PENDING);
	FAKE_REQUIRE(information <= request->out_length + request->mdl.length);
	FAKE_REQUIRE(__atomic_exchange_n(&request->state, REQUEST_COMPLETED, __ATOMIC_ACQ_REL) ==
		     REQUEST_OWNED);
	object_clean(&request->object);
	lock_take(&io->lock);
	if (io->buffered && information)
		memcpy(io->out, request->buffer, information);
	io->status = status;
	io->information = information;
	io->request = NULL;
	io->order = __atomic_add_fetch(&completions, 1, __ATOMIC_RELAXED);
	io->done = TRUE;
	lock_drop(&io->lock);
	free(request->buffer);
	request->buffer = NULL;
	object_put(&request->object);
	file_unuse(file);
}

static struct request *owned(WDFREQUEST handle)
{
	struct request *request = (struct request *)handle;

	FAKE_REQUIRE(request->object.kind == KIND_REQUEST);
	FAKE_REQUIRE(__atomic_load_n(&request->state, __ATOMIC_ACQUIRE) == REQUEST_OWNED);
	return request;
}

FN_WdfRequestComplete fake_WdfRequestComplete;
VOID fake_WdfRequestComplete(PWDF_DRIVER_GLOBALS globals, WDFREQUEST request, NTSTATUS status)
{
	(void)globals;
	fake_require_callable(DISPATCH_LEVEL);
	request_complete(owned(request), status, 0);
}

FN_WdfRequestCompleteWithInformation fake_WdfRequestCompleteWithInformation;
VOID fake_WdfRequestCompleteWithInformation(PWDF_DRIVER_GLOBALS globals, WDFREQUEST request,
					    NTSTATUS status, ULONG_PTR information)
{
	(void)globals;
	fake_require_callable(DISPATCH_LEVEL);
	request_complete(owned(request), status, information);
}

FN_WdfRequestGetParameters fake_WdfRequestGetParameters;
VOID fake_WdfRequestGetParameters(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
				  PWDF_REQUEST_PARAMETERS parameters)
{
	struct request *request = owned(handle);

	(void)globals;
	FAKE_REQUIRE(parameters->Size == sizeof(*parameters));
	parameters->Type = request->type;
	if (request->type == WdfRequestTypeCreate) {
		parameters->Parameters.Create.SecurityContext = &request->security;
		return;
	}
	parameters->Parameters.DeviceIoControl.IoControlCode = request->code;
	parameters->Parameters.DeviceIoControl.InputBufferLength = request->in_length;
	parameters->Parameters.DeviceIoControl.OutputBufferLength = request->out_length +
								    request->mdl.length;
}

static NTSTATUS retrieve(struct request *request, size_t length, size_t least, PVOID *buffer,
			 size_t *told)
{
	if (!length || length < least)
		return STATUS_BUFFER_TOO_SMALL;
	*buffer = request->buffer;
	if (told)
		*told = length;
	return STATUS_SUCCESS;
}

FN_WdfRequestRetrieveInputBuffer fake_WdfRequestRetrieveInputBuffer;
NTSTATUS fake_WdfRequestRetrieveInputBuffer(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					    size_t least, PVOID *buffer, size_t *length)
{
	struct request *request = owned(handle);

	(void)globals;
	return retrieve(request, request->in_length, least, buffer, length);
}

FN_WdfRequestRetrieveOutputBuffer fake_WdfRequestRetrieveOutputBuffer;
NTSTATUS fake_WdfRequestRetrieveOutputBuffer(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					     size_t least, PVOID *buffer, size_t *length)
{
	struct request *request = owned(handle);

	(void)globals;
	FAKE_REQUIRE((request->code & 3) == 0);
	return retrieve(request, request->out_length, least, buffer, length);
}

FN_WdfRequestRetrieveOutputWdmMdl fake_WdfRequestRetrieveOutputWdmMdl;
NTSTATUS fake_WdfRequestRetrieveOutputWdmMdl(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					     PMDL *mdl)
{
	struct request *request = owned(handle);

	(void)globals;
	FAKE_REQUIRE((request->code & 3) == 1 || (request->code & 3) == 2);
	if (!request->mdl.length)
		return STATUS_BUFFER_TOO_SMALL;
	*mdl = &request->mdl;
	return STATUS_SUCCESS;
}

/*
 * Rule: in the caller's context, for the caller's memory, with any address that its structure names;
 * locked and mapped until the request is completed. The first page stands for all that is not there.
 * [WdfRequestProbeAndLockUserBufferForWrite; FxRequest::ProbeAndLockForWrite]
 */
FN_WdfRequestProbeAndLockUserBufferForWrite fake_WdfRequestProbeAndLockUserBufferForWrite;
NTSTATUS fake_WdfRequestProbeAndLockUserBufferForWrite(PWDF_DRIVER_GLOBALS globals,
						       WDFREQUEST handle, PVOID buffer,
						       size_t length, WDFMEMORY *memory)
{
	struct request *request = owned(handle);

	(void)globals;
	fake_require_callable(PASSIVE_LEVEL);
	FAKE_REQUIRE(sched_process() != &fake_arbitrary_process && !request->locked.address);
	if (!length)
		return STATUS_INVALID_USER_BUFFER;
	if ((ULONG_PTR)buffer < PAGE_SIZE)
		return STATUS_ACCESS_VIOLATION;
	if (fake_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	request->locked.address = buffer;
	request->locked.length = length;
	*memory = (WDFMEMORY)&request->locked;
	return STATUS_SUCCESS;
}

FN_WdfMemoryGetBuffer fake_WdfMemoryGetBuffer;
PVOID fake_WdfMemoryGetBuffer(PWDF_DRIVER_GLOBALS globals, WDFMEMORY memory, size_t *length)
{
	const struct locked *locked = (const struct locked *)memory;

	(void)globals;
	if (length)
		*length = locked->length;
	return locked->address;
}

FN_WdfRequestGetFileObject fake_WdfRequestGetFileObject;
WDFFILEOBJECT fake_WdfRequestGetFileObject(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	(void)globals;
	return (WDFFILEOBJECT)owned(handle)->file;
}

/* User space: requests */

static void io_copy_in(struct request *request, const void *in, size_t in_length, size_t out_length)
{
	size_t size = request->io->buffered ? (in_length > out_length ? in_length : out_length)
					    : in_length;

	/* Exactly as long as it is, so that an access beyond it is seen. */
	request->buffer = malloc(size ? size : 1);
	memset(request->buffer, 0xa5, size);
	if (in_length)
		memcpy(request->buffer, in, in_length);
	request->in_length = in_length;
}

struct io *fake_prepare(struct handle *handle, ULONG code, const void *in, size_t in_length,
			void *out, size_t out_length)
{
	struct io *io = io_new(out);
	struct request *request = request_new(handle->file, io, WdfRequestTypeDeviceControl);

	io->buffered = (code & 3) == 0;
	request->code = code;
	request->granted = handle->granted;
	io_copy_in(request, in, in_length, out_length);
	if (io->buffered) {
		request->out_length = out_length;
	} else {
		request->mdl.memory = out;
		request->mdl.length = out_length;
		request->mdl.readonly = (code & 3) == 1;
		request->mdl.offset = (ULONG)((uintptr_t)out & (PAGE_SIZE - 1));
	}
	request->state = REQUEST_OWNED;
	return io;
}

/*
 * Rule: bits 14 and 15 of the code are FILE_READ_DATA and FILE_WRITE_DATA, which the handle must
 * have; no other right of it is looked at. [Defining I/O Control Codes]
 */
void fake_submit(struct io *io)
{
	if ((io->request->code >> 14 & 3u) & ~io->request->granted)
		request_complete(io->request, STATUS_ACCESS_DENIED, 0);
	else
		fake_device->caller_context((WDFDEVICE)fake_device, (WDFREQUEST)io->request);
}

struct io *fake_start(struct handle *handle, ULONG code, const void *in, size_t in_length,
		      void *out, size_t out_length)
{
	struct io *io = fake_prepare(handle, code, in, in_length, out, out_length);

	fake_submit(io);
	return io;
}

bool fake_done(struct io *io)
{
	bool done;

	lock_take(&io->lock);
	done = io->done;
	lock_drop(&io->lock);
	return done;
}

unsigned int fake_order(struct io *io)
{
	return io->order;
}

NTSTATUS fake_wait(struct io *io, ULONG_PTR *information)
{
	while (!fake_done(io))
		work_wait();
	if (information)
		*information = io->information;
	return io->status;
}

void fake_cancel(struct io *io)
{
	struct request *request;

	lock_take(&io->lock);
	request = io->request;
	if (request)
		object_get(&request->object);
	lock_drop(&io->lock);
	if (!request)
		return;
	queue_cancel(request);
	object_put(&request->object);
}

void fake_free(struct io *io)
{
	fake_wait(io, NULL);
	free(io);
}

NTSTATUS fake_control(struct handle *handle, ULONG code, const void *in, size_t in_length,
		      void *out, size_t out_length, ULONG_PTR *information)
{
	struct io *io = fake_start(handle, code, in, in_length, out, out_length);
	NTSTATUS status = fake_wait(io, information);

	fake_free(io);
	return status;
}
