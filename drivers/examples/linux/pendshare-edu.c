// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver of a PCI card that moves the memory of shares by DMA, to copy from: QEMU's `edu`
 * (docs/specs/edu of QEMU). Each card is a peer, "edu0" and so on. At each NOTIFY it copies the
 * first half of the share into the card and back into the second half, and rings.
 *
 * The card has one transfer at a time, into or out of a small memory of its own, and interrupts at
 * its end. Shares take turns, a chunk each.
 */
#include <linux/dma-mapping.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "pendshare-peer.h"

#define EDU_INTERRUPTS 0x24
#define EDU_ACKNOWLEDGE 0x64
#define EDU_SOURCE 0x80
#define EDU_TARGET 0x88
#define EDU_COUNT 0x90
#define EDU_COMMAND 0x98
#define EDU_START BIT(0)
#define EDU_TO_MEMORY BIT(1)
#define EDU_INTERRUPT BIT(2)
#define EDU_DONE 0x100 /* in EDU_INTERRUPTS */
#define EDU_BUFFER 0x40000
#define EDU_CHUNK 2048 /* of 4096: QEMU before 9 counts a transfer of all as one too many */

/* Longer than any transfer; after it the card is taken off the bus. */
#define EDU_PATIENCE (2 * HZ)

static unsigned int edu_dma_bits = 28; /* as many as the card has, unless QEMU is told otherwise */
module_param_named(dma_bits, edu_dma_bits, uint, 0644);
MODULE_PARM_DESC(dma_bits, "bits of an address that the card can reach");

static DEFINE_IDA(edu_numbers);

struct edu {
	struct pci_dev *pci;
	void __iomem *bar;
	int number;
	struct pendshare_peer *peer;
	wait_queue_head_t idle;		/* a transfer has ended */

	spinlock_t lock;		/* all below; taken in the interrupt */
	struct list_head jobs;		/* that wait for the card */
	struct edu_job *running;
	bool resetting;
	bool broken;
};

/* What the card has to do for a share. */
struct edu_job {
	struct ps_share *share;
	struct list_head node;		/* empty: it does not wait */
	u64 done;			/* bytes of the half */
	bool in_card;			/* the chunk at `done` */
	bool again;			/* another NOTIFY came meanwhile */
};

static u64 edu_half(const struct edu_job *job)
{
	return pendshare_share_length(job->share) / 2;
}

/* Whether the card has nothing to do with the job any more. */
static bool edu_rests(struct edu *edu, const struct edu_job *job)
{
	bool rests;

	spin_lock_irq(&edu->lock);
	rests = edu->running != job;
	spin_unlock_irq(&edu->lock);
	return rests;
}

/* Starts the next transfer, if the card is free. Chunks lie within pages, so within segments. */
static void edu_start(struct edu *edu)
{
	struct edu_job *job = list_first_entry_or_null(&edu->jobs, struct edu_job, node);
	dma_addr_t memory;
	u64 offset;

	lockdep_assert_held(&edu->lock);
	if (edu->running || edu->resetting || edu->broken || !job)
		return;
	list_del_init(&job->node);
	edu->running = job;
	offset = job->done + (job->in_card ? edu_half(job) : 0);
	pendshare_share_sync_for_device(job->share, offset, EDU_CHUNK);
	memory = pendshare_share_dma(job->share, offset);
	writeq(job->in_card ? EDU_BUFFER : memory, edu->bar + EDU_SOURCE);
	writeq(job->in_card ? memory : EDU_BUFFER, edu->bar + EDU_TARGET);
	writeq(EDU_CHUNK, edu->bar + EDU_COUNT);
	writeq(EDU_START | EDU_INTERRUPT | (job->in_card ? EDU_TO_MEMORY : 0),
	       edu->bar + EDU_COMMAND);
}

/* After a transfer of the job. A chunk that is in the card goes on before anyone else's. */
static void edu_advance(struct edu *edu, struct edu_job *job)
{
	lockdep_assert_held(&edu->lock);
	edu->running = NULL;
	if (pendshare_share_ending(job->share))
		return;
	job->in_card = !job->in_card;
	if (job->in_card) {
		list_add(&job->node, &edu->jobs);
		return;
	}
	pendshare_share_sync_for_cpu(job->share, edu_half(job) + job->done, EDU_CHUNK);
	job->done += EDU_CHUNK;
	if (job->done == edu_half(job)) {
		job->done = 0;
		pendshare_share_written(job->share, pendshare_share_length(job->share));
		pendshare_share_ring(job->share);
		if (!job->again)
			return;
		job->again = false;
	}
	list_add_tail(&job->node, &edu->jobs);
}

/* All ones: the card is gone. */
static irqreturn_t edu_interrupt(int irq, void *data)
{
	struct edu *edu = data;
	u32 reasons = readl(edu->bar + EDU_INTERRUPTS);
	unsigned long flags;

	if (!reasons || reasons == ~0u)
		return IRQ_NONE;
	writel(reasons, edu->bar + EDU_ACKNOWLEDGE);
	spin_lock_irqsave(&edu->lock, flags);
	if ((reasons & EDU_DONE) && edu->running)
		edu_advance(edu, edu->running);
	edu_start(edu);
	spin_unlock_irqrestore(&edu->lock, flags);
	wake_up(&edu->idle);
	return IRQ_HANDLED;
}

static int edu_attach(struct ps_share *share, void *context, const void *options, u32 size)
{
	const struct sg_table *table;
	struct edu *edu = context;
	struct edu_job *job;
	int ret;

	if (size || pendshare_share_length(share) % (2 * EDU_CHUNK))
		return -EINVAL;
	job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	if (!job)
		return -ENOBUFS;
	job->share = share;
	INIT_LIST_HEAD(&job->node);
	ret = pendshare_share_dma_map(share, &edu->pci->dev, &table);
	if (!ret && READ_ONCE(edu->broken))
		ret = -ENXIO;
	if (ret) {
		kfree(job);
		return ret;
	}
	pendshare_share_set_private(share, job);
	return 0;
}

static void edu_notify(struct ps_share *share, void *context)
{
	struct edu_job *job = pendshare_share_private(share);
	struct edu *edu = context;

	spin_lock_irq(&edu->lock);
	if (edu->broken)
		pendshare_share_fail(share, PENDSHARE_FAILURE_PEER);
	else if (edu->running == job || !list_empty(&job->node))
		job->again = true;
	else
		list_add_tail(&job->node, &edu->jobs);
	edu_start(edu);
	spin_unlock_irq(&edu->lock);
}

/*
 * A card that does not end its transfer, or has been pulled out, is not waited for: it may master
 * the bus no more, so that it cannot write what is about to be given back. Nobody waits for it in
 * vain: shares that it works for, or will be asked to, fail.
 */
static void edu_give_up(struct edu *edu)
{
	struct edu_job *job;

	pci_clear_master(edu->pci);
	spin_lock_irq(&edu->lock);
	edu->broken = true;
	if (edu->running)
		pendshare_share_fail(edu->running->share, PENDSHARE_FAILURE_PEER);
	edu->running = NULL;
	list_for_each_entry(job, &edu->jobs, node)
		pendshare_share_fail(job->share, PENDSHARE_FAILURE_PEER);
	spin_unlock_irq(&edu->lock);
}

static void edu_detach(struct ps_share *share, void *context)
{
	struct edu_job *job = pendshare_share_private(share);
	struct edu *edu = context;

	spin_lock_irq(&edu->lock);
	list_del_init(&job->node);
	spin_unlock_irq(&edu->lock);
	if (!pci_device_is_present(edu->pci) ||
	    !wait_event_timeout(edu->idle, edu_rests(edu, job), EDU_PATIENCE))
		edu_give_up(edu);
	kfree(job);
}

static const struct pendshare_peer_ops edu_ops = {
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.attach = edu_attach,
	.detach = edu_detach,
	.notify = edu_notify,
};

/* Last of all: from here on programs can name it. */
static int edu_add_peer(struct edu *edu)
{
	char name[16];

	edu->number = ida_alloc(&edu_numbers, GFP_KERNEL);
	if (edu->number < 0)
		return edu->number;
	snprintf(name, sizeof(name), "edu%d", edu->number);
	edu->peer = pendshare_peer_add(&edu_ops, name, edu);
	if (IS_ERR(edu->peer))
		ida_free(&edu_numbers, edu->number);
	return PTR_ERR_OR_ZERO(edu->peer);
}

static int edu_start_card(struct edu *edu)
{
	struct pci_dev *pci = edu->pci;
	int ret = dma_set_mask_and_coherent(&pci->dev, DMA_BIT_MASK(min(edu_dma_bits, 64u)));

	if (ret)
		return ret;
	ret = pci_alloc_irq_vectors(pci, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	ret = request_irq(pci_irq_vector(pci, 0), edu_interrupt, 0, "pendshare-edu", edu);
	if (ret)
		goto err_vectors;
	pci_set_master(pci);
	ret = edu_add_peer(edu);
	if (ret)
		goto err_irq;
	return 0;

err_irq:
	pci_clear_master(pci);
	free_irq(pci_irq_vector(pci, 0), edu);
err_vectors:
	pci_free_irq_vectors(pci);
	return ret;
}

static int edu_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);
	int ret;

	if (!edu)
		return -ENOMEM;
	edu->pci = pci;
	spin_lock_init(&edu->lock);
	INIT_LIST_HEAD(&edu->jobs);
	init_waitqueue_head(&edu->idle);
	pci_set_drvdata(pci, edu);
	ret = pci_enable_device(pci);
	if (ret)
		goto err_edu;
	ret = pci_request_regions(pci, "pendshare-edu");
	if (ret)
		goto err_enabled;
	ret = -ENODEV;
	edu->bar = pci_iomap(pci, 0, 0);
	if (!edu->bar)
		goto err_regions;
	ret = edu_start_card(edu);
	if (ret)
		goto err_mapped;
	return 0;

err_mapped:
	pci_iounmap(pci, edu->bar);
err_regions:
	pci_release_regions(pci);
err_enabled:
	pci_disable_device(pci);
err_edu:
	kfree(edu);
	return ret;
}

/* The peer first: what follows takes away what its last detach needs. */
static void edu_remove(struct pci_dev *pci)
{
	struct edu *edu = pci_get_drvdata(pci);

	pendshare_peer_remove(edu->peer);
	ida_free(&edu_numbers, edu->number);
	pci_clear_master(pci);
	free_irq(pci_irq_vector(pci, 0), edu);
	pci_free_irq_vectors(pci);
	pci_iounmap(pci, edu->bar);
	pci_release_regions(pci);
	pci_disable_device(pci);
	kfree(edu);
}

static bool edu_is_idle(struct edu *edu)
{
	bool idle;

	spin_lock_irq(&edu->lock);
	idle = !edu->running;
	spin_unlock_irq(&edu->lock);
	return idle;
}

/*
 * A reset may come at any time (sysfs, error recovery). The PCI core holds the device's lock over
 * both calls, as over remove(): the card does not go meanwhile. Jobs wait; the transfer that runs
 * ends first, as this card goes on writing through a reset.
 */
static void edu_reset_prepare(struct pci_dev *pci)
{
	struct edu *edu = pci_get_drvdata(pci);

	spin_lock_irq(&edu->lock);
	edu->resetting = true;
	spin_unlock_irq(&edu->lock);
	if (!wait_event_timeout(edu->idle, edu_is_idle(edu), EDU_PATIENCE))
		edu_give_up(edu);
}

static void edu_reset_done(struct pci_dev *pci)
{
	struct edu *edu = pci_get_drvdata(pci);

	spin_lock_irq(&edu->lock);
	edu->resetting = false;
	edu_start(edu);
	spin_unlock_irq(&edu->lock);
}

static const struct pci_error_handlers edu_resets = {
	.reset_prepare = edu_reset_prepare,
	.reset_done = edu_reset_done,
};

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = "pendshare-edu",
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
	.err_handler = &edu_resets,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("Example of a card whose DMA goes into shared memory: QEMU's edu");
MODULE_LICENSE("GPL");
