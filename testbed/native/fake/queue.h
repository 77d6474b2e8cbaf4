/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Between the fake's files (file.c), its requests (io.c) and its queues (queue.c). */
#ifndef PENDSHARE_FAKE_QUEUE_H
#define PENDSHARE_FAKE_QUEUE_H

#include "internal.h"

/* Its memory lasts as long as the file, so that a late user of a closed handle meets the driver. */
struct handle {
	struct file_object *file;
	struct handle *next; /* of the file */
	ACCESS_MASK granted;
};

void file_use(struct file_object *file);
void file_unuse(struct file_object *file);

struct io *io_new(void *out);
struct request *request_new(struct file_object *file, struct io *io, WDF_REQUEST_TYPE type);
void request_complete(struct request *request, NTSTATUS status, ULONG_PTR information);
void queue_cancel(struct request *request);
void queue_flush(struct file_object *file);

#endif
