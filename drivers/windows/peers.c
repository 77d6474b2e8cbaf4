// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The peers that SHARE can name, and what a peer may do with a share.
 */
#include "driver.h"

const struct pendshare_peer *peer_find(const char *name)
{
	const struct pendshare_peer *peer;
	ULONG i;

	for (i = 0; (peer = builtin_at(i)); i++)
		if (!strcmp(peer->name, name))
			return peer;
	return NULL;
}

/* Every name with its NUL, then an empty one; list has PENDSHARE_PEERS_SIZE zero bytes. */
void peer_names(char *list)
{
	const struct pendshare_peer *peer;
	ULONG i;

	for (i = 0; (peer = builtin_at(i)); i++) {
		size_t size = strlen(peer->name) + 1;

		RtlCopyMemory(list, peer->name, size);
		list += size;
	}
}

void *pendshare_share_map(SHARE *share)
{
	ULONG how = NormalPagePriority | MdlMappingNoExecute;

	if (!(share->access & PENDSHARE_ACCESS_WRITE))
		how |= MdlMappingNoWrite;
	return MmGetSystemAddressForMdlSafe(share->mdl, how);
}

ULONG64 pendshare_share_length(const SHARE *share)
{
	return share->length;
}

BOOLEAN pendshare_share_get(SHARE *share)
{
	return (BOOLEAN)pendshare_lease_get(&share->lease);
}

void pendshare_share_put(SHARE *share)
{
	share_put(share);
}

BOOLEAN pendshare_share_ending(const SHARE *share)
{
	return pendshare_lease_reason(&share->lease) != PENDSHARE_LIVE;
}

void pendshare_share_ring(SHARE *share)
{
	doorbell_ring(share);
}

void pendshare_share_written(SHARE *share, ULONG64 bytes)
{
	bytes = min(bytes, share->length);
	share->bytes = max(bytes, share->bytes);
}

void pendshare_share_end(SHARE *share)
{
	share_end(share, PENDSHARE_PEER_ENDED, PENDSHARE_FAILURE_NONE);
}

void pendshare_share_fail(SHARE *share, enum pendshare_failure failure)
{
	share_end(share, PENDSHARE_FAILED, failure);
}
