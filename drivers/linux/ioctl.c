// SPDX-License-Identifier: GPL-2.0-only
/*
 * The requests of abi.h: each is copied from user space once, checked against its row of the table,
 * and only then carried out.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "internal.h"

union ps_args {
	u32 size;
	struct pendshare_info info;
	struct pendshare_share share;
	struct pendshare_pend pend;
	struct pendshare_end end;
	struct pendshare_notify notify;
	struct pendshare_shutdown shutdown;
	struct pendshare_revoke revoke;
};

/* What a request may do without. */
#define PS_ANY_PROCESS 1 /* not from the process that opened the file */
#define PS_DEAD_FILE 2	 /* after the file was revoked */

struct ps_request {
	unsigned int cmd;
	unsigned int size;	/* of its structure, which has had one version so far */
	unsigned int without;
	int (*run)(struct file *filp, union ps_args *args, void __user *to, u32 user_size);
};

static int ps_info(struct file *filp, union ps_args *args, void __user *to, u32 user_size)
{
	struct ps_file *file = filp->private_data;
	struct pendshare_info *info = &args->info;

	if (info->flags)
		return -EINVAL;
	*info = (struct pendshare_info){
		.size = sizeof(*info),
		.abi_version = PENDSHARE_ABI_VERSION,
		.driver_version = PENDSHARE_DRIVER_VERSION,
		.page_size = PAGE_SIZE,
		.max_shares = PENDSHARE_SHARES_PER_USER,
		.max_bytes = PS_MAX_BYTES,
		.min_period_ns = PENDSHARE_MIN_PERIOD_NS,
		.shares = READ_ONCE(file->nr_shares),
		.pinned_pages = atomic_long_read(&file->pinned),
		.total_shares = atomic_long_read(&ps_total_shares),
		.total_pinned_pages = atomic_long_read(&ps_total_pinned),
	};
	ps_peer_names(info->peers);
	return copy_to_user(to, info, min_t(size_t, user_size, sizeof(*info))) ? -EFAULT : 0;
}

static int ps_share(struct file *filp, union ps_args *args, void __user *to, u32 user_size)
{
	return ps_share_begin(filp->private_data, &args->share);
}

static int ps_pend_request(struct file *filp, union ps_args *args, void __user *to, u32 user_size)
{
	u32 __user *count = &((struct pendshare_pend __user *)to)->count;
	bool nonblock = filp->f_flags & O_NONBLOCK;
	struct pendshare_pend *pend = &args->pend;

	if (pend->flags || !pend->capacity)
		return -EINVAL;
	if (pend->id)
		return ps_pend_share(filp->private_data, nonblock, pend, count);
	return ps_pend(filp->private_data, nonblock, pend, count);
}

/* Wins the end of a live share; keeps the END for the caller unless it does not wait. */
static int ps_end_by_id(struct ps_file *file, u64 id, enum pendshare_reason reason, bool wait,
			struct ps_share **share)
{
	int ret = 0;

	spin_lock_irq(&file->lock);
	*share = ps_share_find(file, id);
	if (!*share)
		ret = -ENOENT;
	else if (!pendshare_lease_end(&(*share)->lease, reason))
		ret = -EALREADY;
	else
		(*share)->end_taken = wait; /* our reference of the lease holds the teardown back */
	spin_unlock_irq(&file->lock);
	return ret;
}

static int ps_end_request(struct ps_file *file, union ps_args *args, void __user *to,
			  enum pendshare_reason reason)
{
	struct pendshare_event __user *event = &((struct pendshare_end __user *)to)->event;
	bool wait = !(args->end.flags & PENDSHARE_END_NOWAIT);
	struct ps_share *share;
	int ret;

	if (args->end.flags & ~PENDSHARE_END_NOWAIT)
		return -EINVAL;
	ret = ps_end_by_id(file, args->end.id, reason, wait, &share);
	if (ret)
		return ret;
	if (!wait) {
		ps_lease_put(share);
		return 0;
	}
	ret = ps_end_wait(share);
	if (ret)
		return ret;
	ps_event_end(share, &args->end.event);
	if (copy_to_user(event, &args->end.event, sizeof(*event))) {
		ps_event_return(share);
		ret = -EFAULT;
	}
	ps_share_put(share);
	return ret;
}

static int ps_release(struct file *filp, union ps_args *args, void __user *to, u32 user_size)
{
	return ps_end_request(filp->private_data, args, to, PENDSHARE_RELEASED);
}

static int ps_cancel(struct file *filp, union ps_args *args, void __user *to, u32 user_size)
{
	return ps_end_request(filp->private_data, args, to, PENDSHARE_CANCELLED);
}

/* The lease reference keeps the peer attached while it is being notified. */
static int ps_notify(struct file *filp, union ps_args *args, void __user *to, u32 user_size)
{
	struct ps_file *file = filp->private_data;
	struct ps_share *share;
	int ret;

	if (args->notify.flags)
		return -EINVAL;
	spin_lock_irq(&file->lock);
	ret = ps_file_refusal(file);
	if (!ret) {
		share = ps_share_find(file, args->notify.id);
		if (!share)
			ret = -ENOENT;
		else if (!pendshare_lease_get(&share->lease))
			ret = -EALREADY;
	}
	spin_unlock_irq(&file->lock);
	if (ret)
		return ret;
	if (share->peer && share->peer->notify)
		share->peer->notify(share);
	else
		ret = -EOPNOTSUPP;
	ps_lease_put(share);
	return ret;
}

static int ps_shutdown(struct file *filp, union ps_args *args, void __user *to, u32 user_size)
{
	if (args->shutdown.flags)
		return -EINVAL;
	ps_file_end_all(filp->private_data, PENDSHARE_CLOSED, false);
	return 0;
}

static int ps_revoke(struct file *filp, union ps_args *args, void __user *to, u32 user_size)
{
	u64 grace_ms = args->revoke.grace_ms;
	struct ps_file *file;

	if (args->revoke.flags || grace_ms > PS_MAX_GRACE_MS)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&ps_files_lock);
	list_for_each_entry(file, &ps_files, node) {
		if (grace_ms)
			ps_file_recall_all(file, grace_ms);
		else
			ps_file_end_all(file, PENDSHARE_DEVICE_REMOVED, false);
	}
	mutex_unlock(&ps_files_lock);
	return 0;
}

#define PS_REQUEST(nr, type, may, function)						\
	[(nr) - PENDSHARE_NR_INFO] = { PENDSHARE_IOC(nr), sizeof(struct type), may, function }

static const struct ps_request ps_requests[] = {
	PS_REQUEST(PENDSHARE_NR_INFO, pendshare_info, PS_ANY_PROCESS | PS_DEAD_FILE, ps_info),
	PS_REQUEST(PENDSHARE_NR_SHARE, pendshare_share, 0, ps_share),
	PS_REQUEST(PENDSHARE_NR_PEND, pendshare_pend, PS_DEAD_FILE, ps_pend_request),
	PS_REQUEST(PENDSHARE_NR_RELEASE, pendshare_end, 0, ps_release),
	PS_REQUEST(PENDSHARE_NR_CANCEL, pendshare_end, 0, ps_cancel),
	PS_REQUEST(PENDSHARE_NR_NOTIFY, pendshare_notify, 0, ps_notify),
	PS_REQUEST(PENDSHARE_NR_SHUTDOWN, pendshare_shutdown, PS_DEAD_FILE, ps_shutdown),
	PS_REQUEST(PENDSHARE_NR_REVOKE, pendshare_revoke, 0, ps_revoke),
};

static const struct ps_request *ps_find_request(unsigned int cmd)
{
	unsigned int index = _IOC_NR(cmd) - PENDSHARE_NR_INFO;

	if (index >= ARRAY_SIZE(ps_requests) || ps_requests[index].cmd != cmd)
		return NULL;
	return &ps_requests[index];
}

static int ps_permitted(const struct ps_file *file, const struct ps_request *request)
{
	if (!(request->without & PS_ANY_PROCESS) && current->mm != file->owner.mm)
		return -EIO;
	if (!(request->without & PS_DEAD_FILE) && READ_ONCE(file->revoked))
		return -ENODEV;
	return 0;
}

long ps_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	const struct ps_request *request = ps_find_request(cmd);
	void __user *from = (void __user *)arg;
	union ps_args args;
	u32 size;
	int ret;

	if (!request)
		return -ENOTTY;
	ret = ps_permitted(filp->private_data, request);
	if (ret)
		return ret;
	if (get_user(size, (u32 __user *)from))
		return -EFAULT;
	if (size < request->size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&args, request->size, from, size);
	if (ret)
		return ret;
	args.size = size; /* what was checked, not what it may have become since */
	return request->run(filp, &args, from, size);
}
