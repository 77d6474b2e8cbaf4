/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The life of a lease, the same in every driver: it ends once, for one reason,
 * and its last user, whoever that is, learns that it is the last.
 *
 *            lease_end(reason), the first one wins
 *   live ───────────────────────────────────────────► ending
 *   references ≥ 1                                     references ≥ 0
 *   (one is the lease's own)                           none can be added
 *                                                          │ lease_put() of the last one
 *                                                          ▼
 *                                                      last user: unpin, complete
 *
 * One 32-bit word holds both: the reason in bits 24-31 (0 while live), the
 * references in bits 0-23. Because they change together, nobody can take a reference to a
 * lease that is ending, and exactly one lease_put() sees "ending, no references".
 * Everything here can be called in any context, interrupts included.
 */
#ifndef PENDSHARE_LEASE_H
#define PENDSHARE_LEASE_H

#include "../include/pendshare/atomic.h"

#define PENDSHARE_LEASE_REFS 0x00ffffffu
#define PENDSHARE_LEASE_REASON_SHIFT 24

struct pendshare_lease {
	__u32 word;
};

/* Live, with one reference: the lease's own, which lease_end() takes from its winner. */
static inline void pendshare_lease_init(struct pendshare_lease *lease)
{
	pendshare_store_relaxed(&lease->word, 1u);
}

/* 0 while live, else the enum pendshare_reason that won. */
static inline __u32 pendshare_lease_reason(const struct pendshare_lease *lease)
{
	return pendshare_load_acquire(&lease->word) >> PENDSHARE_LEASE_REASON_SHIFT;
}

/*
 * Takes a reference for an access to the memory. Returns 0, and takes none, once the
 * lease is ending or when 2^24 - 1 are out.
 */
static inline int pendshare_lease_get(struct pendshare_lease *lease)
{
	__u32 word = pendshare_load_relaxed(&lease->word);

	for (;;) {
		__u32 seen;

		if (word >= PENDSHARE_LEASE_REFS)
			return 0;
		seen = pendshare_cas(&lease->word, word, word + 1u);
		if (seen == word)
			return 1;
		word = seen;
	}
}

/*
 * Gives a reference back. Returns 1 to exactly one caller in the life of a lease: the one
 * after which no reference is left and none can come. It has to see to the teardown.
 */
static inline int pendshare_lease_put(struct pendshare_lease *lease)
{
	__u32 word = pendshare_load_relaxed(&lease->word);

	for (;;) {
		__u32 seen = pendshare_cas(&lease->word, word, word - 1u);

		if (seen == word)
			return ((word - 1u) & PENDSHARE_LEASE_REFS) == 0u;
		word = seen;
	}
}

/*
 * Ends the lease for a reason (1-255). Returns 1 to the first caller, whose reason stands;
 * that caller now owns the lease's own reference and gives it back by lease_put() when it has
 * told the peer to stop. Returns 0 to all others, who own nothing.
 */
static inline int pendshare_lease_end(struct pendshare_lease *lease, __u32 reason)
{
	__u32 word = pendshare_load_relaxed(&lease->word);

	for (;;) {
		__u32 seen;

		if (word >> PENDSHARE_LEASE_REASON_SHIFT)
			return 0;
		seen = pendshare_cas(&lease->word, word,
				     word | (reason << PENDSHARE_LEASE_REASON_SHIFT));
		if (seen == word)
			return 1;
		word = seen;
	}
}

#endif
