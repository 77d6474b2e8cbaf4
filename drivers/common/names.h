/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The names under which SHARE finds peers, the same in every driver: each is unique, and all
 * of them fit the list that INFO shows, in the order in which they came.
 *
 * The driver embeds an entry in what it registers, and holds its lock around every call.
 */
#ifndef PENDSHARE_NAMES_H
#define PENDSHARE_NAMES_H

#if defined(__KERNEL__)
#include <linux/string.h>
#else
#include <string.h>
#endif

#include "../include/pendshare/abi.h"

/* The driver points to the first; NULL: there is none. */
struct pendshare_name {
	const char *name; /* stays as it is while it is registered */
	struct pendshare_name *next;
};

enum pendshare_names_result {
	PENDSHARE_NAMES_ADDED,
	PENDSHARE_NAMES_INVALID, /* empty, or too long */
	PENDSHARE_NAMES_TAKEN,
	PENDSHARE_NAMES_FULL, /* INFO could not list it */
};

/*
 * Bytes before the NUL; PENDSHARE_NAME_SIZE: there is none in so many. Looks at nothing behind
 * the NUL. A loop because most names in a SHARE are empty, and a call would cost more.
 */
static inline __u32 pendshare_name_length(const char *name)
{
	__u32 length = 0;

	while (length < PENDSHARE_NAME_SIZE && name[length])
		length++;
	return length;
}

static inline struct pendshare_name *pendshare_names_find(struct pendshare_name *first,
							  const char *name)
{
	while (first && strcmp(first->name, name))
		first = first->next;
	return first;
}

/* The entry is touched only when it is added. */
static inline enum pendshare_names_result pendshare_names_add(struct pendshare_name **end,
							      struct pendshare_name *entry,
							      const char *name)
{
	__u32 size = pendshare_name_length(name) + 1u;
	__u32 used = 1; /* the empty name that ends the list */

	if (size == 1u || size > PENDSHARE_NAME_SIZE)
		return PENDSHARE_NAMES_INVALID;
	if (pendshare_names_find(*end, name))
		return PENDSHARE_NAMES_TAKEN;
	for (; *end; end = &(*end)->next)
		used += pendshare_name_length((*end)->name) + 1u;
	if (used + size > PENDSHARE_PEERS_SIZE)
		return PENDSHARE_NAMES_FULL;
	entry->name = name;
	entry->next = NULL;
	*end = entry;
	return PENDSHARE_NAMES_ADDED;
}

/* Of no effect when it is not there. */
static inline void pendshare_names_remove(struct pendshare_name **at,
					  const struct pendshare_name *entry)
{
	while (*at && *at != entry)
		at = &(*at)->next;
	if (*at)
		*at = entry->next;
}

/* As INFO shows it: each name with its NUL, then nothing but zeros. */
static inline void pendshare_names_list(const struct pendshare_name *first,
					char list[PENDSHARE_PEERS_SIZE])
{
	__u32 used = 0;

	for (; first; first = first->next) {
		__u32 size = pendshare_name_length(first->name) + 1u;

		memcpy(list + used, first->name, size);
		used += size;
	}
	memset(list + used, 0, PENDSHARE_PEERS_SIZE - used);
}

#endif
