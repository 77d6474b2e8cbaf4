// SPDX-License-Identifier: GPL-2.0-only
/* The module and its device. While a file is open the module stays. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "internal.h"

static const struct file_operations ps_fops = {
	.owner = THIS_MODULE,
	.open = ps_file_open,
	.release = ps_file_release,
	.unlocked_ioctl = ps_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = ps_mmap,
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

	ret = ps_slab_init();
	if (ret)
		return ret;
	ret = ps_end_init();
	if (ret)
		goto err_slab;
	ret = ps_builtin_init();
	if (ret)
		goto err_end;
	ret = misc_register(&ps_device);
	if (ret)
		goto err_builtin;
	return 0;

err_builtin:
	ps_builtin_exit();
err_end:
	ps_end_exit();
err_slab:
	ps_slab_exit();
	return ret;
}

/* No file is open. Work items and notifiers of the last ones may still be on their last lines. */
static void __exit ps_exit(void)
{
	misc_deregister(&ps_device);
	mmu_notifier_synchronize();
	ps_end_exit();
	ps_builtin_exit();
	ps_slab_exit();
}

module_init(ps_init);
module_exit(ps_exit);

MODULE_DESCRIPTION("Lends user memory to kernel code for as long as a request is pended");
MODULE_AUTHOR("The pendshare authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
