/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Between the fake's requests (io.c) and its queues (queue.c). */
#ifndef PENDSHARE_FAKE_QUEUE_H
#define PENDSHARE_FAKE_QUEUE_H

#include "internal.h"

void request_complete(struct request *request, NTSTATUS status, ULONG_PTR information);
void queue_cancel(struct request *request);
void queue_flush(struct file_object *file);

#endif
