// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver without shared memory does: /dev/pendshare-bench hands out by read() the very records that the
 * peer `blast` writes into a ring, as many whole ones as fit the caller's buffer, with a header each or
 * next to each other.
 *
 * The size of a payload is the module parameter record_bytes, taken as the others when the device is opened.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define BENCH_BUFFER (1u << 20)
#define BENCH_HEADER 8u

static unsigned int record_bytes = 64;
module_param(record_bytes, uint, 0644);
MODULE_PARM_DESC(record_bytes, "payload of a record, 8 to 1 MiB less its header, a multiple of 8");

static bool filled = true;
module_param(filled, bool, 0644);
MODULE_PARM_DESC(filled, "whether records have content, or their first words alone, as if a device had written the rest");

static bool headers = true;
module_param(headers, bool, 0644);
MODULE_PARM_DESC(headers, "whether a header comes before each record");

struct bench_file {
	struct mutex lock;	/* next, and buffer while it is filled and copied */
	u64 next;
	u32 payload;
	bool filled;
	u32 header;
	u8 *buffer;
};

static int bench_open(struct inode *inode, struct file *filp)
{
	struct bench_file *file;
	u32 payload = READ_ONCE(record_bytes);

	if (payload < 8 || payload > BENCH_BUFFER - BENCH_HEADER || payload % 8)
		return -EINVAL;
	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;
	file->buffer = kvzalloc(BENCH_BUFFER, GFP_KERNEL);
	if (!file->buffer) {
		kfree(file);
		return -ENOMEM;
	}
	mutex_init(&file->lock);
	file->payload = payload;
	file->filled = READ_ONCE(filled);
	file->header = READ_ONCE(headers) ? BENCH_HEADER : 0;
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

static int bench_release(struct inode *inode, struct file *filp)
{
	struct bench_file *file = filp->private_data;

	kvfree(file->buffer);
	kfree(file);
	return 0;
}

/* The record that `blast` makes: length, kind 0, index, then bytes of its low byte. */
static void bench_record(struct bench_file *file, u8 *to)
{
	u32 header[2] = { file->payload, 0 };
	u64 index = file->next++;

	if (file->header)
		memcpy(to, header, sizeof(header));
	to += file->header;
	memcpy(to, &index, sizeof(index));
	if (file->filled)
		memset(to + sizeof(index), (u8)index, file->payload - sizeof(index));
}

static ssize_t bench_read(struct file *filp, char __user *to, size_t size, loff_t *pos)
{
	struct bench_file *file = filp->private_data;
	u32 span = file->header + file->payload;
	u32 count = min_t(size_t, size, BENCH_BUFFER) / span;
	ssize_t ret = (ssize_t)count * span;
	u32 i;

	if (!count)
		return -EINVAL;
	if (mutex_lock_interruptible(&file->lock))
		return -ERESTARTSYS;
	for (i = 0; i < count; i++)
		bench_record(file, file->buffer + (size_t)i * span);
	if (copy_to_user(to, file->buffer, ret))
		ret = -EFAULT;
	mutex_unlock(&file->lock);
	return ret;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.release = bench_release,
	.read = bench_read,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pendshare-bench",
	.fops = &bench_fops,
	.mode = 0600,
};
module_misc_device(bench_device);

MODULE_DESCRIPTION("Records by read(), to measure shared memory against");
MODULE_AUTHOR("The pendshare authors");
MODULE_LICENSE("GPL");
