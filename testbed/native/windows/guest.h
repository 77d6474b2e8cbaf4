/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A peer as another driver would bring it: `guest` counts up the first byte at each NOTIFY, and
 * with the option byte 1 it ends the share as soon as it starts.
 */
#ifndef PENDSHARE_NATIVE_GUEST_H
#define PENDSHARE_NATIVE_GUEST_H

#include "user.h"
#include "../../../drivers/windows/pendshare-peer.h"

extern int guests;	 /* attached, atomic */
extern int guest_faults; /* atomic */
extern const struct pendshare_peer_ops guest_ops;

NTSTATUS guest_add(void);
void guest_remove(void);

#endif
