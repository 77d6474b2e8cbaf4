// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module, its device and open files. While a file is open the module stays; when the last
 * one is closed nothing of it is left but what module exit waits for.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "internal.h"

struct workqueue_struct *ps_teardown_queue;
LIST_HEAD(ps_files);
DEFINE_MUTEX(ps_files_lock); /* ps_files, and that its files stay */

static int ps_open(struct inode *inode, struct file *file)
{
	struct ps_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	int ret = -ENOMEM;

	if (!f)
		return ret;
	f->table = kvcalloc(1 << PS_TABLE_BITS, sizeof(*f->table), GFP_KERNEL_ACCOUNT);
	if (!f->table)
		goto err_file;
	spin_lock_init(&f->lock);
	spin_lock_init(&f->event_lock);
	init_waitqueue_head(&f->wait);
	INIT_LIST_HEAD(&f->live);
	INIT_LIST_HEAD(&f->events);
	ret = ps_owner_bind(f);
	if (ret)
		goto err_table;
	mutex_lock(&ps_files_lock);
	list_add_tail(&f->node, &ps_files);
	mutex_unlock(&ps_files_lock);
	file->private_data = f;
	return nonseekable_open(inode, file);

err_table:
	kvfree(f->table);
err_file:
	kfree(f);
	return ret;
}

/* No call is under way on this file and none can come, so what is left in the table has ended. */
static void ps_drop_ended(struct ps_file *f)
{
	struct ps_share *share;
	struct hlist_node *next;
	unsigned int i;

	spin_lock_irq(&f->event_lock);
	while ((share = list_first_entry_or_null(&f->events, struct ps_share, queued)))
		ps_event_drop(share);
	spin_unlock_irq(&f->event_lock);
	for (i = 0; i < 1 << PS_TABLE_BITS; i++)
		hlist_for_each_entry_safe(share, next, &f->table[i], hash)
			ps_share_put(share);
}

static int ps_release(struct inode *inode, struct file *file)
{
	struct ps_file *f = file->private_data;

	ps_file_end_all(f, PENDSHARE_CLOSED, true);
	mutex_lock(&ps_files_lock);
	list_del(&f->node);
	mutex_unlock(&ps_files_lock);
	ps_drop_ended(f);
	ps_share_free(f->spare); /* no share is left that could become it */
	kvfree(f->table);
	ps_owner_unbind(f);
	return 0;
}

static const struct file_operations ps_fops = {
	.owner = THIS_MODULE,
	.open = ps_open,
	.release = ps_release,
	.unlocked_ioctl = ps_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = ps_poll,
	.show_fdinfo = ps_show_fdinfo,
};

static struct miscdevice ps_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pendshare",
	.fops = &ps_fops,
	.mode = 0660,
};

static int __init ps_init(void)
{
	int ret;

	ps_teardown_queue = alloc_workqueue("pendshare", WQ_UNBOUND, 0);
	if (!ps_teardown_queue)
		return -ENOMEM;
	ret = ps_share_init();
	if (ret)
		goto err_queue;
	ret = ps_builtin_init();
	if (ret)
		goto err_share;
	ret = misc_register(&ps_device);
	if (ret)
		goto err_builtin;
	return 0;

err_builtin:
	ps_builtin_exit();
err_share:
	ps_share_exit();
err_queue:
	destroy_workqueue(ps_teardown_queue);
	return ret;
}

/* No file is open. Work items and notifiers of the last ones may still be on their last lines. */
static void __exit ps_exit(void)
{
	misc_deregister(&ps_device);
	mmu_notifier_synchronize();
	destroy_workqueue(ps_teardown_queue);
	ps_builtin_exit();
	ps_share_exit();
}

module_init(ps_init);
module_exit(ps_exit);

MODULE_DESCRIPTION("Lends user memory to kernel code for as long as a request is pended");
MODULE_AUTHOR("The pendshare authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
