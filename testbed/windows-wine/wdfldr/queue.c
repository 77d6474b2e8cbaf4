/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Queues: a parallel one hands each request on as soon as it can; a manual one keeps them, and
 * gives each to one taker only, be it the driver or a cancellation.
 *
 * Whoever gets the cancel routine out of the IRP owns the request: IoSetCancelRoutine returns it
 * once. A request whose cancel routine is on its way cannot be taken any more.
 */
#include "framework.h"

static KSPIN_LOCK lock; /* the lists of all queues */

NTSTATUS double_WdfIoQueueCreate(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
				 PWDF_IO_QUEUE_CONFIG config, PWDF_OBJECT_ATTRIBUTES attributes,
				 WDFQUEUE *created)
{
	struct device *device = object_of(handle, DEVICE);
	struct queue *queue = object_create(QUEUE, sizeof(*queue), attributes, &device->object);

	UNREFERENCED_PARAMETER(globals);
	stop_unless(config->Size == sizeof(*config), "WDF_IO_QUEUE_CONFIG not initialized");
	stop_unless(config->PowerManaged == WdfFalse, "a control device has no power");
	stop_unless(config->DispatchType != WdfIoQueueDispatchSequential,
		    "no sequential queues here");
	irql_at_most(PASSIVE_LEVEL);
	queue->device = device;
	queue->config = *config;
	InitializeListHead(&queue->requests);
	if (config->DefaultQueue)
		device->queue = queue;
	if (created)
		*created = (WDFQUEUE)queue;
	return STATUS_SUCCESS;
}

/* Under the lock; FALSE: a cancellation has it. */
static BOOLEAN take(struct request *request)
{
	if (!IoSetCancelRoutine(request->irp, NULL))
		return FALSE;
	RemoveEntryList(&request->entry);
	request->origin = request->queue;
	request->queue = NULL;
	return TRUE;
}

/*
 * Rule: only a request that the driver has been given before, from this queue or another, comes
 * back by EvtIoCanceledOnQueue, at up to DISPATCH_LEVEL; others are completed without a word.
 * [FxIoQueue::CancelForQueue: m_Presented, FxIoQueue::ProcessCancelledRequestsOnQueue]
 */
static void canceled(struct queue *queue, struct request *request)
{
	if (queue->config.EvtIoCanceledOnQueue && request->presented) {
		KIRQL irql = irql_raise(DISPATCH_LEVEL);

		queue->config.EvtIoCanceledOnQueue((WDFQUEUE)queue, (WDFREQUEST)request);
		irql_lower(irql);
	} else {
		request_complete(request, STATUS_CANCELLED, 0);
	}
}

static VOID cancel(DEVICE_OBJECT *device, IRP *irp)
{
	struct request *request = irp->Tail.Overlay.DriverContext[0];
	struct queue *queue;
	KIRQL irql;

	UNREFERENCED_PARAMETER(device);
	IoReleaseCancelSpinLock(irp->CancelIrql);
	KeAcquireSpinLock(&lock, &irql);
	queue = request->queue;
	RemoveEntryList(&request->entry);
	request->queue = NULL;
	KeReleaseSpinLock(&lock, irql);
	canceled(queue, request);
}

/* A request that was cancelled before is handed to its cancellation inside of this call. */
static void put(struct queue *queue, struct request *request, BOOLEAN first)
{
	IRP *irp = request->irp;
	BOOLEAN late;
	KIRQL irql;

	stop_unless(!request->queue && !request->completed, "a request queued twice, or completed");
	irp->Tail.Overlay.DriverContext[0] = request;
	KeAcquireSpinLock(&lock, &irql);
	request->queue = queue;
	if (first)
		InsertHeadList(&queue->requests, &request->entry);
	else
		InsertTailList(&queue->requests, &request->entry);
	IoSetCancelRoutine(irp, cancel);
	late = irp->Cancel && take(request);
	KeReleaseSpinLock(&lock, irql);
	if (late)
		canceled(queue, request);
}

/* Hands the driver the first request of its default queue, if there is one left. */
static void present(void *instance, void *context)
{
	struct queue *queue = context;
	struct request *request = NULL;
	IO_STACK_LOCATION *stack;
	LIST_ENTRY *link;
	KIRQL irql;

	UNREFERENCED_PARAMETER(instance);
	KeAcquireSpinLock(&lock, &irql);
	for (link = queue->requests.Flink; link != &queue->requests && !request; link = link->Flink)
		if (take(CONTAINING_RECORD(link, struct request, entry)))
			request = CONTAINING_RECORD(link, struct request, entry);
	KeReleaseSpinLock(&lock, irql);
	if (!request)
		return;
	request->presented = TRUE;
	stack = IoGetCurrentIrpStackLocation(request->irp);
	irql = irql_raise(PASSIVE_LEVEL);
	queue->config.EvtIoDeviceControl((WDFQUEUE)queue, (WDFREQUEST)request,
					 stack->Parameters.DeviceIoControl.OutputBufferLength,
					 stack->Parameters.DeviceIoControl.InputBufferLength,
					 stack->Parameters.DeviceIoControl.IoControlCode);
	irql_lower(irql);
}

/*
 * Rule: requests are presented on whatever thread comes by, so that the process is arbitrary, and
 * requests of one thread may be in the driver at the same time. [FxPkgIo::DispatchStep2,
 * FxIoQueue::DispatchEvents] Here it is another thread and the caller's by turns.
 *
 * Wine passes on what is completed inside of its dispatch only when that returns. Now and then that
 * takes long, so that the completion of another request, though later, comes first.
 */
void queue_submit(struct queue *queue, struct request *request)
{
	static LONG volatile submitted;
	LONG turn = InterlockedIncrement(&submitted);
	LARGE_INTEGER pause = { .QuadPart = -20000 }; /* 2 ms */

	put(queue, request, FALSE);
	if (turn % 2) {
		stop_unless(TrySubmitThreadpoolCallback(present, queue, NULL),
			    "no thread for a request");
		return;
	}
	present(NULL, queue);
	if (turn % 16 == 0)
		KeDelayExecutionThread(KernelMode, FALSE, &pause);
}

/*
 * Rule: for a request that a queue has presented, to another queue of the device. Success also
 * when it was cancelled, which is then handled inside. [FxIoQueue::VerifyForwardRequest,
 * FxIoQueue::ForwardRequestWorker] STATUS_WDF_BUSY needs a queue that was stopped; none is here.
 */
NTSTATUS double_WdfRequestForwardToIoQueue(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					   WDFQUEUE to)
{
	struct request *request = object_of(handle, REQUEST);
	struct queue *queue = object_of(to, QUEUE);

	UNREFERENCED_PARAMETER(globals);
	irql_at_most(DISPATCH_LEVEL);
	stop_unless(request->presented && request->origin != queue,
		    "a request forwarded that no queue has presented, or to where it came from");
	locked_write(request->locked);
	put(queue, request, FALSE);
	return STATUS_SUCCESS;
}

/*
 * Rule: for a request that was retrieved from a manual queue; it goes to the head. Success also
 * when it was cancelled. [FxIoQueue::Requeue]
 */
NTSTATUS double_WdfRequestRequeue(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct request *request = object_of(handle, REQUEST);

	UNREFERENCED_PARAMETER(globals);
	irql_at_most(DISPATCH_LEVEL);
	stop_unless(request->origin &&
			request->origin->config.DispatchType == WdfIoQueueDispatchManual,
		    "a request requeued that came from no manual queue");
	put(request->origin, request, TRUE);
	return STATUS_SUCCESS;
}

/*
 * Rule: of a manual queue; the request need not have been found before, from 1.11 on, but lies in
 * this queue or in none. NOT_FOUND when in none, or being cancelled. [FxIoQueue::GetRequest,
 * FxIoQueue::VerifyGetRequestUpdateFlags, FxIrpQueue::RemoveIrpFromQueueByContext]
 */
NTSTATUS double_WdfIoQueueRetrieveFoundRequest(PWDF_DRIVER_GLOBALS globals, WDFQUEUE from,
					       WDFREQUEST handle, WDFREQUEST *out)
{
	struct request *request = object_of(handle, REQUEST);
	struct queue *queue = object_of(from, QUEUE);
	BOOLEAN taken;
	KIRQL irql;

	UNREFERENCED_PARAMETER(globals);
	irql_at_most(DISPATCH_LEVEL);
	stop_unless(queue->config.DispatchType == WdfIoQueueDispatchManual,
		    "a request is looked for in a queue that is not manual");
	KeAcquireSpinLock(&lock, &irql);
	stop_unless(!request->queue || request->queue == queue,
		    "a request is looked for in another queue than it lies in");
	taken = request->queue && take(request);
	KeReleaseSpinLock(&lock, irql);
	if (!taken)
		return STATUS_NOT_FOUND;
	*out = handle;
	return STATUS_SUCCESS;
}

/* Under the lock: takes the first request of the file, or returns NULL. */
static struct request *take_by_file(struct queue *queue, struct file *file)
{
	LIST_ENTRY *link;

	for (link = queue->requests.Flink; link != &queue->requests; link = link->Flink) {
		struct request *request = CONTAINING_RECORD(link, struct request, entry);

		if (request->file == file && take(request))
			return request;
	}
	return NULL;
}

/*
 * Rule: requests are compared by their FILE_OBJECT, and the one of a closed file may be that of
 * another open by now. [FxIoQueue::GetRequest, FxIrpQueue::PeekNextIrpFromQueue]
 */
NTSTATUS double_WdfIoQueueRetrieveRequestByFileObject(PWDF_DRIVER_GLOBALS globals, WDFQUEUE queue,
						      WDFFILEOBJECT handle, WDFREQUEST *out)
{
	struct file *file = object_of(handle, FILE_OBJ);
	struct request *request;
	KIRQL irql;

	UNREFERENCED_PARAMETER(globals);
	irql_at_most(DISPATCH_LEVEL);
	stop_unless(!file->closed, "a queue is asked for requests of a file that is closed");
	KeAcquireSpinLock(&lock, &irql);
	request = take_by_file(object_of(queue, QUEUE), file);
	KeReleaseSpinLock(&lock, irql);
	if (!request)
		return STATUS_NO_MORE_ENTRIES;
	*out = (WDFREQUEST)request;
	return STATUS_SUCCESS;
}

static void cancel_all(struct object *object, void *context)
{
	struct queue *queue = (struct queue *)object;
	struct request *request;
	KIRQL irql;

	for (;;) {
		KeAcquireSpinLock(&lock, &irql);
		request = take_by_file(queue, context);
		KeReleaseSpinLock(&lock, irql);
		if (!request)
			return;
		request->irp->Cancel = TRUE;
		canceled(queue, request);
	}
}

/* Rule: after EvtFileCleanup, and at PASSIVE_LEVEL. [FxPkgGeneral::OnCleanup, FlushByFileObject] */
void queue_cancel_file(struct file *file)
{
	objects_visit(QUEUE, cancel_all, file);
}
