/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Included before the driver's sources: their atomic operations become points of the scheduler. */
#ifndef PENDSHARE_FAKE_POINTS_H
#define PENDSHARE_FAKE_POINTS_H

void fake_point(void);

/* A macro does not expand inside of itself: the inner one is the compiler's. */
#define __atomic_load_n(...) (fake_point(), __atomic_load_n(__VA_ARGS__))
#define __atomic_store_n(...) (fake_point(), __atomic_store_n(__VA_ARGS__))
#define __atomic_exchange_n(...) (fake_point(), __atomic_exchange_n(__VA_ARGS__))
#define __atomic_fetch_add(...) (fake_point(), __atomic_fetch_add(__VA_ARGS__))
#define __atomic_fetch_or(...) (fake_point(), __atomic_fetch_or(__VA_ARGS__))
#define __atomic_compare_exchange_n(...) (fake_point(), __atomic_compare_exchange_n(__VA_ARGS__))

#endif
