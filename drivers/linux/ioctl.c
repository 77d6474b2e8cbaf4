// SPDX-License-Identifier: GPL-2.0-only
/*
 * The requests of abi.h: each is copied from user space once, checked against its row of the table,
 * and only then carried out.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "internal.h"

/* Only what comes in: of INFO, the longest by far, it is the first two fields. */
union ps_args {
	u64 words[sizeof(struct pendshare_share) / sizeof(u64)];
	struct {
		u32 size;
		u32 flags;
	};
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
	unsigned short least;	/* of its structure's first version */
	unsigned short size;	/* of the one that we know */
	unsigned short input;	/* bytes of it that are read */
	unsigned int without;
	int (*run)(struct file *filp, union ps_args *args, void __user *to);
};

static int ps_info(struct file *filp, union ps_args *args, void __user *to)
{
	struct ps_file *file = filp->private_data;
	struct pendshare_info info = {
		.size = sizeof(info),
		.abi_version = PENDSHARE_ABI_VERSION,
		.driver_version = PENDSHARE_DRIVER_VERSION,
		.page_size = PAGE_SIZE,
		.max_shares = PENDSHARE_SHARES_PER_USER,
		.max_bytes = PS_MAX_BYTES,
		.min_period_ns = PENDSHARE_MIN_PERIOD_NS,
		.shares = READ_ONCE(file->nr_shares),
		.pinned_pages = READ_ONCE(file->pinned),
	};

	if (args->flags)
		return -EINVAL;
	ps_files_count(&info);
	ps_peer_names(info.peers);
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static int ps_share(struct file *filp, union ps_args *args, void __user *to)
{
	return ps_share_begin(filp->private_data, &args->share);
}

static int ps_pend_request(struct file *filp, union ps_args *args, void __user *to)
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

	spin_lock(&file->lock);
	*share = ps_share_find(file, id);
	if (!*share)
		ret = -ENOENT;
	else if (!pendshare_lease_end(&(*share)->lease, reason))
		ret = -EALREADY;
	else
		(*share)->end_taken = wait; /* our reference of the lease holds the teardown back */
	spin_unlock(&file->lock);
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
	ret = ps_event_put_end(share, event);
	if (ret)
		ps_event_return(share);
	ps_share_put(share);
	return ret;
}

static int ps_release(struct file *filp, union ps_args *args, void __user *to)
{
	return ps_end_request(filp->private_data, args, to, PENDSHARE_RELEASED);
}

static int ps_cancel(struct file *filp, union ps_args *args, void __user *to)
{
	return ps_end_request(filp->private_data, args, to, PENDSHARE_CANCELLED);
}

/* The lease reference keeps the peer attached while it is being notified. */
static int ps_notify(struct file *filp, union ps_args *args, void __user *to)
{
	struct ps_file *file = filp->private_data;
	struct ps_share *share;
	int ret;

	if (args->notify.flags)
		return -EINVAL;
	spin_lock(&file->lock);
	ret = ps_file_refusal(file);
	if (!ret) {
		share = ps_share_find(file, args->notify.id);
		if (!share)
			ret = -ENOENT;
		else if (!pendshare_lease_get(&share->lease))
			ret = -EALREADY;
	}
	spin_unlock(&file->lock);
	if (ret)
		return ret;
	if (share->peer && share->peer->ops->notify)
		share->peer->ops->notify(share, share->peer->context);
	else
		ret = -EOPNOTSUPP;
	ps_lease_put(share);
	return ret;
}

static int ps_shutdown(struct file *filp, union ps_args *args, void __user *to)
{
	if (args->shutdown.flags)
		return -EINVAL;
	ps_file_end_all(filp->private_data, PENDSHARE_CLOSED, false);
	return 0;
}

static int ps_revoke(struct file *filp, union ps_args *args, void __user *to)
{
	u64 grace_ms = args->revoke.grace_ms;

	if (args->revoke.flags || grace_ms > PENDSHARE_MAX_GRACE_MS)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ps_files_revoke(grace_ms);
	return 0;
}

#define PS_REQUEST_FROM(least, name, type, input, without, function)	\
	[PENDSHARE_NR_##name - PENDSHARE_NR_INFO] = {			\
		PENDSHARE_IOC_##name, least, sizeof(struct type), input, without, function	\
	}

/* There has been one version so far. */
#define PS_REQUEST(name, type, input, without, function)		\
	PS_REQUEST_FROM(sizeof(struct type), name, type, input, without, function)

#define PS_ALL(type) sizeof(struct type)

static const struct ps_request ps_requests[] = {
	PS_REQUEST(INFO, pendshare_info, 2 * sizeof(u32), PS_ANY_PROCESS | PS_DEAD_FILE, ps_info),
	PS_REQUEST_FROM(PENDSHARE_SHARE_SIZE, SHARE, pendshare_share, PS_ALL(pendshare_share), 0,
			ps_share),
	PS_REQUEST(PEND, pendshare_pend, PS_ALL(pendshare_pend), PS_DEAD_FILE, ps_pend_request),
	PS_REQUEST(RELEASE, pendshare_end, offsetof(struct pendshare_end, event), 0, ps_release),
	PS_REQUEST(CANCEL, pendshare_end, offsetof(struct pendshare_end, event), 0, ps_cancel),
	PS_REQUEST(NOTIFY, pendshare_notify, PS_ALL(pendshare_notify), 0, ps_notify),
	PS_REQUEST(SHUTDOWN, pendshare_shutdown, PS_ALL(pendshare_shutdown), PS_DEAD_FILE,
		   ps_shutdown),
	PS_REQUEST(REVOKE, pendshare_revoke, PS_ALL(pendshare_revoke), 0, ps_revoke),
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

/* What a request has beyond the structure that we know is zero. */
static int ps_check_tail(const struct ps_request *request, u32 size, const void __user *from)
{
	int ret;

	if (size <= request->size)
		return 0;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = check_zeroed_user(from + request->size, size - request->size);
	if (ret < 0)
		return ret;
	return ret ? 0 : -E2BIG;
}

/*
 * As copy_struct_from_user(), but each word is read only once, the size included; and by words,
 * as most structures are but a few.
 */
static int ps_fetch(const struct ps_request *request, union ps_args *args, const void __user *from)
{
	const u64 __user *words = from;
	unsigned int i, all = request->input / sizeof(u64), count = all;
	u64 *to = args->words; /* no array: UBSAN would check its bounds by a call */

	if (!user_read_access_begin(words, request->input))
		return -EFAULT;
	unsafe_get_user(to[0], words, fault);
	if (args->size < request->size)
		count = args->size < request->least ? 0 : args->size / sizeof(u64);
	for (i = 1; i < count; i++)
		unsafe_get_user(to[i], words + i, fault);
	if (count && count < all) {
		u32 half = 0;

		if (args->size & sizeof(half))
			unsafe_get_user(half, (const u32 __user *)(words + count), fault);
		to[count] = half;
	}
	user_read_access_end();
	if (!count)
		return -EINVAL;
	for (i = count + 1; i < all; i++)
		to[i] = 0;
	return ps_check_tail(request, args->size, from);
fault:
	user_read_access_end();
	return -EFAULT;
}

long ps_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	const struct ps_request *request = ps_find_request(cmd);
	union ps_args args __uninitialized; /* no request looks beyond its input */
	void __user *user = (void __user *)arg;
	int ret;

	if (!request)
		return -ENOTTY;
	ret = ps_permitted(filp->private_data, request);
	if (!ret)
		ret = ps_fetch(request, &args, user);
	return ret ?: request->run(filp, &args, user);
}
