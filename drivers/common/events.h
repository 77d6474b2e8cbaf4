/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the shares of an open file have to tell their owner, the same in every driver.
 *
 * A share is its own node in its file's queue, and what it has to tell is counted or flagged in
 * it: telling allocates nothing, rings coalesce into their count, and none is lost. A share tells
 * in the order ACCEPTED, DOORBELL, RECALL, END; shares come in the order in which they were first
 * queued. What was taken and could not be delivered is put back, and comes first again.
 *
 * Everything here is called under one lock of the driver's, interrupts included where peers ring
 * in them. Where the queue keeps shares alive, whoever is told that one was queued takes a
 * reference for it, and whoever takes it out has that reference.
 */
#ifndef PENDSHARE_EVENTS_H
#define PENDSHARE_EVENTS_H

#include "../include/pendshare/abi.h"

#define PENDSHARE_DUE_ACCEPTED 1u
#define PENDSHARE_DUE_RECALL 2u
#define PENDSHARE_DUE_END 4u

/* Of one share. */
struct pendshare_news {
	struct pendshare_news *next; /* NULL: not queued */
	struct pendshare_news *prev;
	__u64 rings; /* to be told */
	__u32 due;   /* PENDSHARE_DUE_*: to be told */
	__u32 recall_ms;
};

/* Of one file: a circle through head, which is no share's. */
struct pendshare_events {
	struct pendshare_news head;
};

static inline void pendshare_news_init(struct pendshare_news *news)
{
	news->next = (struct pendshare_news *)0;
	news->prev = (struct pendshare_news *)0;
	news->rings = 0;
	news->due = 0;
	news->recall_ms = 0;
}

static inline void pendshare_events_init(struct pendshare_events *events)
{
	events->head.next = &events->head;
	events->head.prev = &events->head;
}

static inline int pendshare_news_any(const struct pendshare_news *news)
{
	return news->rings || news->due;
}

static inline int pendshare_news_queued(const struct pendshare_news *news)
{
	return news->next != (struct pendshare_news *)0;
}

/* A recall that was not told yet gives way to one with less grace only. */
static inline void pendshare_news_recall(struct pendshare_news *news, __u32 grace_ms)
{
	if (!(news->due & PENDSHARE_DUE_RECALL) || grace_ms < news->recall_ms)
		news->recall_ms = grace_ms;
	news->due |= PENDSHARE_DUE_RECALL;
}

/* The share that tells next; NULL: none. */
static inline struct pendshare_news *pendshare_events_first(const struct pendshare_events *events)
{
	return events->head.next == &events->head ? (struct pendshare_news *)0 : events->head.next;
}

static inline void pendshare_news_insert(struct pendshare_news *news, struct pendshare_news *after)
{
	news->prev = after;
	news->next = after->next;
	after->next->prev = news;
	after->next = news;
}

/* Takes a queued share out of the queue; what it has to tell stays. */
static inline void pendshare_news_remove(struct pendshare_news *news)
{
	news->prev->next = news->next;
	news->next->prev = news->prev;
	news->next = (struct pendshare_news *)0;
	news->prev = (struct pendshare_news *)0;
}

/* Queues a share that may have something to tell, as the last. 1: it was queued now. */
static inline int pendshare_events_add(struct pendshare_events *events, struct pendshare_news *news)
{
	if (pendshare_news_queued(news) || !pendshare_news_any(news))
		return 0;
	pendshare_news_insert(news, events->head.prev);
	return 1;
}

/*
 * Takes the next event out of what a share has to tell, which is something. Sets its kind and
 * value, not those of END, which are the driver's to know.
 */
static inline void pendshare_news_take(struct pendshare_news *news, struct pendshare_event *event)
{
	event->value = 0;
	if (news->due & PENDSHARE_DUE_ACCEPTED) {
		event->kind = PENDSHARE_EVENT_ACCEPTED;
		news->due &= ~PENDSHARE_DUE_ACCEPTED;
	} else if (news->rings) {
		event->kind = PENDSHARE_EVENT_DOORBELL;
		event->value = news->rings;
		news->rings = 0;
	} else if (news->due & PENDSHARE_DUE_RECALL) {
		event->kind = PENDSHARE_EVENT_RECALL;
		event->value = news->recall_ms;
		news->due &= ~PENDSHARE_DUE_RECALL;
	} else {
		event->kind = PENDSHARE_EVENT_END;
		news->due &= ~PENDSHARE_DUE_END;
	}
}

/*
 * Puts back an event that was taken and not delivered, and queues its share as the first. Of
 * several events the last taken goes back first. 1: it was not queued before.
 */
static inline int pendshare_events_untake(struct pendshare_events *events,
					  struct pendshare_news *news,
					  const struct pendshare_event *event)
{
	int queued = pendshare_news_queued(news);

	if (event->kind == PENDSHARE_EVENT_ACCEPTED)
		news->due |= PENDSHARE_DUE_ACCEPTED;
	else if (event->kind == PENDSHARE_EVENT_DOORBELL)
		news->rings += event->value;
	else if (event->kind == PENDSHARE_EVENT_RECALL)
		pendshare_news_recall(news, (__u32)event->value);
	else
		news->due |= PENDSHARE_DUE_END;
	if (queued)
		pendshare_news_remove(news);
	pendshare_news_insert(news, &events->head);
	return !queued;
}

#endif
