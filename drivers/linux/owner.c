// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose a file is: the address space that opened it, and the user who is charged for it.
 *
 * The notifier's release comes when the last thread of the opener's address space goes,
 * by exit, kill or exec, no matter who else has a copy of the descriptor: everything ends
 * right there, before the process is reaped.
 */
#include <linux/cred.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/slab.h>

#include "internal.h"

static LIST_HEAD(ps_users);
static DEFINE_MUTEX(ps_users_lock);

static struct ps_user *ps_user_find(const struct user_struct *uid)
{
	struct ps_user *user;

	list_for_each_entry(user, &ps_users, node)
		if (user->uid == uid)
			return user;
	return NULL;
}

static struct ps_user *ps_user_get(void)
{
	struct ps_user *user;

	mutex_lock(&ps_users_lock);
	user = ps_user_find(current_user());
	if (!user) {
		user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
		if (!user)
			goto out;
		user->cred = get_current_cred();
		user->uid = user->cred->user;
		list_add(&user->node, &ps_users);
	}
	user->files++;
out:
	mutex_unlock(&ps_users_lock);
	return user;
}

static void ps_user_put(struct ps_user *user)
{
	mutex_lock(&ps_users_lock);
	if (!--user->files) {
		list_del(&user->node);
		put_cred(user->cred);
		kfree(user);
	}
	mutex_unlock(&ps_users_lock);
}

/* The file is freed only after this has returned, even if ->release comes meanwhile. */
static void ps_owner_exit(struct mmu_notifier *owner, struct mm_struct *mm)
{
	ps_file_end_all(container_of(owner, struct ps_file, owner), PENDSHARE_OWNER_EXITED, true);
}

static void ps_owner_free(struct mmu_notifier *owner)
{
	kfree(container_of(owner, struct ps_file, owner));
}

static const struct mmu_notifier_ops ps_owner_ops = {
	.release = ps_owner_exit,
	.free_notifier = ps_owner_free,
};

/*
 * Registering takes every lock of the address space, which the kernel gives up when a signal is
 * pending (mm_take_all_locks(), -EINTR). In a process with a fast timer a call that started again
 * after each signal might never get through, so signals wait for this one; what no mask holds back
 * (a stop by a debugger, the freezer, task work) makes the kernel begin the open again, also where
 * it has been called off meanwhile and setting the old mask has cleared the flag. SIGKILL is let
 * through: nobody sees the answer.
 */
static int ps_owner_register(struct ps_file *file)
{
	sigset_t most, old;
	int ret;

	siginitsetinv(&most, sigmask(SIGKILL));
	sigprocmask(SIG_BLOCK, &most, &old);
	ret = mmu_notifier_register(&file->owner, current->mm);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret == -EINTR ? restart_syscall() : ret;
}

/* Binds a new file to the caller. */
int ps_owner_bind(struct ps_file *file)
{
	int ret;

	if (!current->mm)
		return -EINVAL;
	file->user = ps_user_get();
	if (!file->user)
		return -ENOMEM;
	file->unlimited = capable(CAP_IPC_LOCK);
	file->owner.ops = &ps_owner_ops;
	ret = ps_owner_register(file);
	if (ret)
		ps_user_put(file->user);
	return ret;
}

/* The file is freed once no notifier runs on it any more. */
void ps_owner_unbind(struct ps_file *file)
{
	ps_user_put(file->user);
	mmu_notifier_put(&file->owner);
}
