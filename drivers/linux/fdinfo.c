// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/fdinfo/FD: one line a share, for administrators and `pendshare top`. */
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>

#include "internal.h"

/* What would break the line or steer a terminal: escaped in octal. */
#define PS_ESCAPED								\
	"\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020"	\
	"\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037 \\\177"

static const char *ps_state(const struct ps_share *share)
{
	if (share->ended)
		return "ended";
	return pendshare_share_ending(share) ? "ending" : "pended";
}

/* The peer may be removed once the share has ended. */
static const char *ps_peer_name(const struct ps_share *share)
{
	return share->peer && !share->ended ? share->peer->name : "-";
}

static void ps_show_share(struct seq_file *m, const struct ps_share *share)
{
	seq_printf(m, "share:\tid %llu bytes %llu access %s%s peer %s state %s rings %llu ",
		   share->node.id, share->length,
		   share->access & PENDSHARE_ACCESS_READ ? "r" : "",
		   share->access & PENDSHARE_ACCESS_WRITE ? "w" : "",
		   ps_peer_name(share), ps_state(share), READ_ONCE(share->all_rings));
	if (READ_ONCE(share->timed))
		seq_printf(m, "missed %llu ", READ_ONCE(share->missed));
	else
		seq_puts(m, "missed - ");
	if (share->frames && !share->ended)
		ps_frames_show(share->frames, m);
	seq_puts(m, "label ");
	seq_escape(m, share->label, PS_ESCAPED);
	seq_putc(m, '\n');
}

/* A chain at a time, so that the lock is never held for long. */
void ps_show_fdinfo(struct seq_file *m, struct file *filp)
{
	struct ps_file *file = filp->private_data;
	struct pendshare_node *node;
	unsigned int i;

	seq_printf(m, "pendshare:\tshares %u pinned_pages %lu\n", READ_ONCE(file->nr_shares),
		   READ_ONCE(file->pinned));
	for (i = 0; i < 1 << PS_TABLE_BITS; i++) {
		spin_lock(&file->lock);
		for (node = file->table.chains[i]; node; node = node->next)
			ps_show_share(m, container_of(node, struct ps_share, node));
		spin_unlock(&file->lock);
	}
}
