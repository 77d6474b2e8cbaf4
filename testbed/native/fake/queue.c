// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The fake's queues, with the framework's rules for cancelled requests: one that the driver has
 * not seen is completed; one that it has queued is handed back by EvtIoCanceledOnQueue where
 * there is one, inside of the call that queues it, from the cancelling thread, or later from
 * another.
 */
#include <stdlib.h>

#include "queue.h"

static void queue_dispose(struct object *object)
{
	FAKE_REQUIRE(IsListEmpty(&((struct queue *)object)->requests));
}

FN_WdfIoQueueCreate fake_WdfIoQueueCreate;
NTSTATUS fake_WdfIoQueueCreate(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
			       PWDF_IO_QUEUE_CONFIG config, PWDF_OBJECT_ATTRIBUTES attributes,
			       WDFQUEUE *out)
{
	struct device *device = (struct device *)handle;
	struct queue *queue;

	(void)globals, (void)attributes;
	FAKE_REQUIRE(config->Size == sizeof(*config) && config->PowerManaged == WdfFalse);
	if (fake_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	queue = calloc(1, sizeof(*queue));
	object_init(&queue->object, KIND_QUEUE, &device->object);
	queue->object.dispose = queue_dispose;
	queue->config = *config;
	InitializeListHead(&queue->requests);
	queue->next = device->queues;
	device->queues = queue;
	if (config->DefaultQueue)
		device->default_queue = queue;
	if (out)
		*out = (WDFQUEUE)queue;
	return STATUS_SUCCESS;
}

/* Its owner is from now on whoever calls this: the driver's turn, or the framework's. */
static void own(struct request *request)
{
	__atomic_store_n(&request->state, REQUEST_OWNED, __ATOMIC_RELEASE);
}

static void call_back(void *argument)
{
	struct request *request = argument;
	struct queue *queue = request->home;
	/* At whatever IRQL: the driver may not rely on either. */
	KIRQL irql = fake_raise(fake_random() & 1 ? DISPATCH_LEVEL : fake_irql());

	queue->config.EvtIoCanceledOnQueue((WDFQUEUE)queue, (WDFREQUEST)request);
	fake_lower(irql);
}

/* For a cancelled request that was just taken out of its queue; no lock is held. */
static void canceled(struct request *request, enum fake_window window)
{
	own(request);
	if (!request->home->config.EvtIoCanceledOnQueue) {
		if (request->home == request->file->device->default_queue)
			fake_count_window(FAKE_CANCELED_UNSEEN);
		request_complete(request, STATUS_CANCELLED, 0);
	} else if ((fake_random() & 3) == 0) {
		fake_count_window(FAKE_CANCELED_LATER);
		work_defer(call_back, request);
	} else {
		fake_count_window(window);
		call_back(request);
	}
}

/* Takes it out; the queue's lock is held. */
static void unlink_request(struct request *request)
{
	RemoveEntryList(&request->link);
	InitializeListHead(&request->link);
	__atomic_store_n(&request->queue, NULL, __ATOMIC_SEQ_CST);
}

/* With the queue's lock held; in another queue it may be put or taken meanwhile. */
static bool lies_in(const struct request *request, const struct queue *queue)
{
	return __atomic_load_n(&request->queue, __ATOMIC_SEQ_CST) == queue;
}

/* The flag first, then the queue; enqueue does it the other way round: one sees the other. */
void queue_cancel(struct request *request)
{
	struct queue *queue;
	bool found;

	__atomic_store_n(&request->cancelled, TRUE, __ATOMIC_SEQ_CST);
	fake_point();
	queue = __atomic_load_n(&request->queue, __ATOMIC_SEQ_CST);
	if (!queue)
		return;
	lock_take(&queue->lock);
	found = lies_in(request, queue);
	if (found)
		unlink_request(request);
	lock_drop(&queue->lock);
	if (found)
		canceled(request, FAKE_CANCELED_IN_QUEUE);
}

static void enqueue(struct request *request, struct queue *queue, bool at_head)
{
	bool cancelled;

	lock_take(&queue->lock);
	request->home = queue;
	__atomic_store_n(&request->state, REQUEST_QUEUED, __ATOMIC_RELEASE);
	if (at_head)
		InsertHeadList(&queue->requests, &request->link);
	else
		InsertTailList(&queue->requests, &request->link);
	__atomic_store_n(&request->queue, queue, __ATOMIC_SEQ_CST);
	cancelled = __atomic_load_n(&request->cancelled, __ATOMIC_SEQ_CST);
	if (cancelled)
		unlink_request(request);
	lock_drop(&queue->lock);
	if (cancelled)
		canceled(request, FAKE_CANCELED_IN_FORWARD);
}

static struct request *take_owned(WDFREQUEST handle)
{
	struct request *request = (struct request *)handle;

	fake_require_callable(DISPATCH_LEVEL);
	FAKE_REQUIRE(__atomic_load_n(&request->state, __ATOMIC_ACQUIRE) == REQUEST_OWNED);
	return request;
}

FN_WdfRequestForwardToIoQueue fake_WdfRequestForwardToIoQueue;
NTSTATUS fake_WdfRequestForwardToIoQueue(PWDF_DRIVER_GLOBALS globals, WDFREQUEST request,
					 WDFQUEUE queue)
{
	(void)globals;
	take_owned(request);
	if (fake_fails())
		return STATUS_WDF_BUSY;
	enqueue((struct request *)request, (struct queue *)queue, false);
	fake_point();
	return STATUS_SUCCESS;
}

FN_WdfRequestRequeue fake_WdfRequestRequeue;
NTSTATUS fake_WdfRequestRequeue(PWDF_DRIVER_GLOBALS globals, WDFREQUEST request)
{
	(void)globals;
	take_owned(request);
	fake_count_window(FAKE_REQUEUED);
	enqueue((struct request *)request, ((struct request *)request)->home, true);
	return STATUS_SUCCESS;
}

FN_WdfIoQueueRetrieveFoundRequest fake_WdfIoQueueRetrieveFoundRequest;
NTSTATUS fake_WdfIoQueueRetrieveFoundRequest(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle,
					     WDFREQUEST tag, WDFREQUEST *out)
{
	struct queue *queue = (struct queue *)handle;
	struct request *request = (struct request *)tag;
	struct queue *lies;
	bool found;

	(void)globals;
	fake_require_callable(DISPATCH_LEVEL);
	FAKE_REQUIRE(queue->config.DispatchType == WdfIoQueueDispatchManual);
	lock_take(&queue->lock);
	/* Rule: in this queue, or in none. [FxIrpQueue::RemoveIrpFromQueueByContext] */
	lies = __atomic_load_n(&request->queue, __ATOMIC_SEQ_CST);
	FAKE_REQUIRE(!lies || lies == queue);
	found = lies_in(request, queue);
	if (found) {
		unlink_request(request);
		own(request);
	}
	lock_drop(&queue->lock);
	if (!found)
		fake_count_window(FAKE_NOT_FOUND);
	*out = found ? tag : NULL;
	fake_point();
	return found ? STATUS_SUCCESS : STATUS_NOT_FOUND;
}

static struct request *first_of(struct queue *queue, struct file_object *file)
{
	LIST_ENTRY *link;

	for (link = queue->requests.Flink; link != &queue->requests; link = link->Flink) {
		struct request *request = CONTAINING_RECORD(link, struct request, link);

		if (request->file == file)
			return request;
	}
	return NULL;
}

static struct request *take_first_of(struct queue *queue, struct file_object *file)
{
	struct request *request;

	lock_take(&queue->lock);
	request = first_of(queue, file);
	if (request) {
		unlink_request(request);
		own(request);
	}
	lock_drop(&queue->lock);
	return request;
}

FN_WdfIoQueueRetrieveRequestByFileObject fake_WdfIoQueueRetrieveRequestByFileObject;
NTSTATUS fake_WdfIoQueueRetrieveRequestByFileObject(PWDF_DRIVER_GLOBALS globals, WDFQUEUE queue,
						    WDFFILEOBJECT file, WDFREQUEST *out)
{
	(void)globals;
	fake_require_callable(DISPATCH_LEVEL);
	/*
	 * Rule: requests are compared by their FILE_OBJECT, and the one of a closed file may be
	 * that of another open by now. [FxIrpQueue::PeekNextIrpFromQueue]
	 */
	FAKE_REQUIRE(!__atomic_load_n(&((struct file_object *)file)->closed, __ATOMIC_ACQUIRE));
	*out = (WDFREQUEST)take_first_of((struct queue *)queue, (struct file_object *)file);
	return *out ? STATUS_SUCCESS : STATUS_NO_MORE_ENTRIES;
}

/* Gives the driver the first request of its default queue, if there is one left. */
static void present(void *argument)
{
	struct queue *queue = argument;
	struct fake_process *process = sched_process();
	struct request *request;

	lock_take(&queue->lock);
	request = IsListEmpty(&queue->requests) ?
			  NULL :
			  CONTAINING_RECORD(queue->requests.Flink, struct request, link);
	if (request) {
		unlink_request(request);
		own(request);
	}
	lock_drop(&queue->lock);
	if (!request)
		return;
	fake_process_enter(&fake_arbitrary_process);
	queue->config.EvtIoDeviceControl((WDFQUEUE)queue, (WDFREQUEST)request,
					 request->out_length + request->mdl.length,
					 request->in_length, request->code);
	fake_process_enter(process);
}

/*
 * Rule: a queue presents requests on whatever thread comes by, so in the callback the process is
 * arbitrary, and requests of one thread may be in the driver at the same time. One that is
 * cancelled before it was presented is completed without a word to the driver.
 * [FxPkgIo::DispatchStep2, FxIoQueue::DispatchEvents, FxIoQueue::CancelForQueue: m_Presented]
 */
FN_WdfDeviceEnqueueRequest fake_WdfDeviceEnqueueRequest;
NTSTATUS fake_WdfDeviceEnqueueRequest(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, WDFREQUEST tag)
{
	struct queue *queue = ((struct device *)handle)->default_queue;
	struct request *request = take_owned(tag);

	(void)globals;
	if (fake_fails())
		return STATUS_WDF_BUSY;
	enqueue(request, queue, false);
	if (work_has_workers() && (fake_random() & 3) == 0)
		work_defer(present, queue);
	else
		present(queue);
	return STATUS_SUCCESS;
}

/* After EvtFileCleanup: cancels what the file still has in queues. */
void queue_flush(struct file_object *file)
{
	struct queue *queue;
	struct request *request;

	for (queue = file->device->queues; queue; queue = queue->next)
		while ((request = take_first_of(queue, file)))
			canceled(request, FAKE_CANCELED_IN_QUEUE);
}
