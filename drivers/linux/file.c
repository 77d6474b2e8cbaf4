// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files: how one begins and ends, and what is done with all of them. When the last reference
 * to a file is gone nothing of it is left but what module exit waits for.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/slab.h>

#include "internal.h"

static LIST_HEAD(ps_files);
static DEFINE_MUTEX(ps_files_lock); /* ps_files, and that its files stay */

int ps_file_open(struct inode *inode, struct file *file)
{
	struct ps_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	int ret = -ENOMEM;

	if (!f)
		return ret;
	f->table.bits = PS_TABLE_BITS;
	f->table.chains = kvcalloc(1 << PS_TABLE_BITS, sizeof(*f->table.chains),
				   GFP_KERNEL_ACCOUNT);
	if (!f->table.chains)
		goto err_file;
	spin_lock_init(&f->lock);
	spin_lock_init(&f->event_lock);
	init_waitqueue_head(&f->wait);
	INIT_LIST_HEAD(&f->live);
	pendshare_events_init(&f->events);
	ret = ps_owner_bind(f);
	if (ret)
		goto err_table;
	mutex_lock(&ps_files_lock);
	list_add_tail(&f->node, &ps_files);
	mutex_unlock(&ps_files_lock);
	file->private_data = f;
	return nonseekable_open(inode, file);

err_table:
	kvfree(f->table.chains);
err_file:
	kfree(f);
	return ret;
}

/* No call is under way on this file and none can come, so what is left in the table has ended. */
static void ps_drop_ended(struct ps_file *f)
{
	struct pendshare_node *node, *next;
	struct pendshare_news *news;

	spin_lock_irq(&f->event_lock);
	while ((news = pendshare_events_first(&f->events)))
		ps_event_drop(container_of(news, struct ps_share, news));
	spin_unlock_irq(&f->event_lock);
	for (node = pendshare_next(&f->table, NULL); node; node = next) {
		next = pendshare_next(&f->table, node);
		ps_share_put(container_of(node, struct ps_share, node));
	}
}

int ps_file_release(struct inode *inode, struct file *file)
{
	struct ps_file *f = file->private_data;

	ps_file_end_all(f, PENDSHARE_CLOSED, true);
	mutex_lock(&ps_files_lock);
	list_del(&f->node);
	mutex_unlock(&ps_files_lock);
	ps_drop_ended(f);
	ps_share_free(f->spare); /* no share is left that could become it */
	kvfree(f->table.chains);
	ps_bells_free(f);
	ps_owner_unbind(f);
	return 0;
}

void ps_files_count(struct pendshare_info *info)
{
	struct ps_file *file;

	mutex_lock(&ps_files_lock);
	list_for_each_entry(file, &ps_files, node) {
		info->total_shares += READ_ONCE(file->nr_shares);
		info->total_pinned_pages += READ_ONCE(file->pinned);
	}
	mutex_unlock(&ps_files_lock);
}

/* 0: ends every share now, and what is open is dead. Else asks for them, and ends them then. */
void ps_files_revoke(u32 grace_ms)
{
	struct ps_file *file;

	mutex_lock(&ps_files_lock);
	list_for_each_entry(file, &ps_files, node) {
		if (grace_ms)
			ps_file_recall_all(file, grace_ms);
		else
			ps_file_end_all(file, PENDSHARE_DEVICE_REMOVED, false);
	}
	mutex_unlock(&ps_files_lock);
}

/*
 * A share that was accepted before we have seen its file is ended here. One that is accepted
 * later sees that the peer was removed, and ends itself: both are done under the file's lock.
 */
void pendshare_peer_remove(struct pendshare_peer *peer)
{
	struct ps_file *file;

	if (IS_ERR_OR_NULL(peer))
		return;
	ps_peer_hide(peer);
	mutex_lock(&ps_files_lock);
	list_for_each_entry(file, &ps_files, node)
		ps_file_end_peer(file, peer);
	mutex_unlock(&ps_files_lock);
	ps_peer_put(peer);
	wait_for_completion(&peer->unused);
	kfree(peer);
}
EXPORT_SYMBOL_GPL(pendshare_peer_remove);
