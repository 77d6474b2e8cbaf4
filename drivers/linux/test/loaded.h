/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Peers that are in modules of their own, and so may be missing. */
#ifndef LOADED_H
#define LOADED_H

#include "driver.h"

static inline bool is_loaded(const char *name)
{
	int fd = device();
	struct pendshare_info now = info(fd);
	const char *names = now.peers;

	close(fd);
	for (; *names; names += strlen(names) + 1)
		if (!strcmp(names, name))
			return true;
	return false;
}

#define NEED_PEER(name)							\
	do {								\
		if (!is_loaded(name))					\
			SKIP("the module of the peer " name " is not loaded"); \
	} while (0)

#endif
