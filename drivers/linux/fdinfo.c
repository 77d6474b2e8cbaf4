// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/fdinfo/FD: one line a share, for administrators and `pendshare top`. */
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>

#include "internal.h"

static const char *ps_state(const struct ps_share *share)
{
	if (share->ended)
		return "ended";
	return pendshare_share_ending(share) ? "ending" : "pended";
}

static void ps_show_share(struct seq_file *m, const struct ps_share *share)
{
	seq_printf(m, "share:\tid %llu bytes %llu access %s%s peer %s state %s rings %llu label ",
		   share->id, share->length,
		   share->access & PENDSHARE_ACCESS_READ ? "r" : "",
		   share->access & PENDSHARE_ACCESS_WRITE ? "w" : "",
		   share->peer_name[0] ? share->peer_name : "-",
		   ps_state(share), share->all_rings);
	seq_escape(m, share->label, " \t\n\\");
	seq_putc(m, '\n');
}

/* A chain at a time, so that the lock is never held for long. */
void ps_show_fdinfo(struct seq_file *m, struct file *filp)
{
	struct ps_file *file = filp->private_data;
	struct ps_share *share;
	unsigned int i;

	seq_printf(m, "pendshare:\tshares %u pinned_pages %ld\n", READ_ONCE(file->nr_shares),
		   atomic_long_read(&file->pinned));
	for (i = 0; i < 1 << PS_TABLE_BITS; i++) {
		spin_lock_irq(&file->lock);
		hlist_for_each_entry(share, &file->table[i], hash)
			if (share->accepted)
				ps_show_share(m, share);
		spin_unlock_irq(&file->lock);
	}
}
