// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page of bells of a file: bells.h with this system's memory, lock and waiters.
 *
 * It is made by the first mmap(), and stays until the file is released: a mapping keeps the file
 * open. Only the owner maps it, one thread at a time, as its address space is locked; others may
 * look by then, so it is published whole.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "compat.h"
#include "internal.h"

static_assert(sizeof(struct pendshare_bells) <= PAGE_SIZE);
static_assert(PENDSHARE_BELLS <= U8_MAX + 1);

static struct pendshare_bells_driver *ps_bells_of(const struct ps_file *file)
{
	return smp_load_acquire(&file->bells); /* pairs with ps_bells_make(): whole, or none */
}

static struct pendshare_bells_driver *ps_bells_make(struct ps_file *file)
{
	struct pendshare_bells_driver *bells = READ_ONCE(file->bells);

	if (bells)
		return bells;
	bells = kzalloc(sizeof(*bells), GFP_KERNEL_ACCOUNT);
	if (!bells)
		return NULL;
	bells->shared = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!bells->shared) {
		kfree(bells);
		return NULL;
	}
	smp_store_release(&file->bells, bells); /* pairs with ps_bells_of() */
	return bells;
}

int ps_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct ps_file *file = filp->private_data;
	struct pendshare_bells_driver *bells;

	if (current->mm != file->owner.mm)
		return -EIO;
	if (READ_ONCE(file->revoked))
		return -ENODEV;
	if (vma->vm_pgoff || vma_pages(vma) != 1 || !(vma->vm_flags & VM_SHARED) ||
	    (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	bells = ps_bells_make(file);
	if (!bells)
		return -ENOMEM;
	/* VM_IO: so that the owner cannot take VM_DONTCOPY back */
	ps_vm_flags_mod(vma, VM_IO | VM_DONTCOPY | VM_DONTEXPAND, VM_MAYEXEC);
	return vm_insert_page(vma, vma->vm_start, virt_to_page(bells->shared));
}

/* When nobody rings any more, and nothing is mapped. */
void ps_bells_free(struct ps_file *file)
{
	if (!file->bells)
		return;
	free_page((unsigned long)file->bells->shared);
	kfree(file->bells);
}

/* Before the peer is attached. */
int ps_bells_choose(struct ps_share *share, u32 bell)
{
	if (!ps_bells_of(share->file))
		return -EINVAL;
	share->belled = true;
	share->bell = bell;
	return 0;
}

/* Under file->event_lock. */
void ps_bells_ring(struct ps_share *share, u32 count)
{
	struct ps_file *file = share->file;

	lockdep_assert_held(&file->event_lock);
	if (pendshare_bells_ring(file->bells, share->bell, count))
		wake_up_poll(&file->wait, EPOLLPRI);
}

/* Under file->event_lock. */
bool ps_bells_any(const struct ps_file *file)
{
	const struct pendshare_bells_driver *bells = ps_bells_of(file);

	return bells && pendshare_bells_any(bells);
}
