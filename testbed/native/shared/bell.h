/* SPDX-License-Identifier: MIT */
/* How a thread wakes the other, which waits without a time limit: a wake-up that is lost hangs the
 * test. */
#ifndef PENDSHARE_NATIVE_BELL_H
#define PENDSHARE_NATIVE_BELL_H

#include <pthread.h>

struct bell {
	pthread_mutex_t lock;
	pthread_cond_t rung;
	unsigned long rings;
	int over; /* no ring will come any more */
};

static inline void bell_init(struct bell *bell)
{
	pthread_mutex_init(&bell->lock, NULL);
	pthread_cond_init(&bell->rung, NULL);
	bell->rings = 0;
	bell->over = 0;
}

static inline void bell_ring(struct bell *bell, int over)
{
	pthread_mutex_lock(&bell->lock);
	bell->rings++;
	bell->over |= over;
	pthread_cond_signal(&bell->rung);
	pthread_mutex_unlock(&bell->lock);
}

/* Waits for a ring since the last wait, however long. Returns whether it is over. */
static inline int bell_wait(struct bell *bell, unsigned long *heard)
{
	int over;

	pthread_mutex_lock(&bell->lock);
	while (bell->rings == *heard && !bell->over)
		pthread_cond_wait(&bell->rung, &bell->lock);
	*heard = bell->rings;
	over = bell->over;
	pthread_mutex_unlock(&bell->lock);
	return over;
}

#endif
