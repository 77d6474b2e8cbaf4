// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "guest.h"

struct guest {
	struct pendshare_share_context *share;
	unsigned char *memory;
	unsigned int stops; /* atomic */
	bool hasty;
};

int guests;
int guest_faults;

static NTSTATUS guest_attach(void *context, struct pendshare_share_context *share,
			     const void *options, ULONG size, void **attachment)
{
	struct guest *guest;

	__atomic_fetch_add(&guest_faults, context != &guests, __ATOMIC_RELAXED);
	if (size > 1)
		return STATUS_INVALID_PARAMETER;
	guest = calloc(1, sizeof(*guest));
	guest->share = share;
	guest->memory = pendshare_share_map(share);
	guest->hasty = size && *(const unsigned char *)options;
	__atomic_fetch_add(&guests, 1, __ATOMIC_RELAXED);
	*attachment = guest;
	return STATUS_SUCCESS;
}

static void guest_start(void *attachment)
{
	struct guest *guest = attachment;

	guest->memory[0] = 0;
	pendshare_share_ring(guest->share);
	if (guest->hasty)
		pendshare_share_end(guest->share);
}

static void guest_notify(void *attachment)
{
	struct guest *guest = attachment;

	/* One more than the caller's own: as a transfer would, that goes on after NOTIFY. */
	if (!pendshare_share_get(guest->share))
		return;
	__atomic_fetch_add(guest->memory, 1, __ATOMIC_RELAXED);
	pendshare_share_written(guest->share, 1);
	pendshare_share_ring(guest->share);
	pendshare_share_put(guest->share);
}

static void guest_stop(void *attachment)
{
	struct guest *guest = attachment;

	__atomic_fetch_add(&guest_faults,
			   __atomic_fetch_add(&guest->stops, 1, __ATOMIC_RELAXED) != 0,
			   __ATOMIC_RELAXED);
}

static void guest_detach(void *attachment)
{
	struct guest *guest = attachment;

	__atomic_fetch_add(&guest_faults, __atomic_load_n(&guest->stops, __ATOMIC_RELAXED) != 1,
			   __ATOMIC_RELAXED);
	__atomic_fetch_sub(&guests, 1, __ATOMIC_RELAXED);
	free(guest);
}

const struct pendshare_peer_ops guest_ops = {
	.access = BOTH,
	.attach = guest_attach,
	.start = guest_start,
	.notify = guest_notify,
	.stop = guest_stop,
	.detach = guest_detach,
};

static struct pendshare_peer *guest_peer;

NTSTATUS guest_add(void)
{
	return pendshare_peer_add(&guest_ops, "guest", &guests, &guest_peer);
}

void guest_remove(void)
{
	pendshare_peer_remove(guest_peer);
}
