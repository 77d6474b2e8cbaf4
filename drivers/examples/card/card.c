// SPDX-License-Identifier: GPL-2.0-only
/* The driver of docs/card.md: frames from a PCI card, QEMU's edu, into shared memory by DMA. */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "pendshare-peer.h"

/* Its registers, and the memory that it captures from. */
#define CARD_VERSION 0x00
#define CARD_INTERRUPTS 0x24
#define CARD_ACKNOWLEDGE 0x64
#define CARD_SOURCE 0x80
#define CARD_TARGET 0x88
#define CARD_COUNT 0x90
#define CARD_COMMAND 0x98
#define CARD_START BIT(0)
#define CARD_TO_MEMORY BIT(1)
#define CARD_INTERRUPT BIT(2)
#define CARD_BUFFER 0x40000
#define CARD_MOST 2048

/* What programs ask for, and what they get. */
struct card_options {
	__u32 bytes; /* of a frame */
};

struct card_reply {
	__u32 version; /* of the card */
	__u32 bytes;   /* of a frame, as the card can */
};

struct card {
	struct pci_dev *pci;
	void __iomem *bar;
	struct pendshare_peer *peer;
	wait_queue_head_t idle;

	spinlock_t lock; /* all below; taken in the interrupt */
	struct ps_share *share;
	struct pendshare_frames *frames;
	struct pendshare_frame frame; /* that the card is filling */
	u32 bytes;
	bool busy;
};

/* Lets the card fill the next slot, if it is free and there is one. */
static void card_start(struct card *card)
{
	enum pendshare_frames_result result;

	lockdep_assert_held(&card->lock);
	if (card->busy || !card->share || pendshare_share_ending(card->share))
		return;
	do
		result = pendshare_frames_take(card->frames, &card->frame);
	while (result == PENDSHARE_FRAMES_NONE && !pendshare_frames_sleep(card->frames));
	if (result == PENDSHARE_FRAMES_CORRUPT)
		pendshare_share_fail(card->share, PENDSHARE_FAILURE_FRAMES);
	if (result != PENDSHARE_FRAMES_OK)
		return;
	card->busy = true;
	writeq(CARD_BUFFER, card->bar + CARD_SOURCE);
	writeq(pendshare_share_dma(card->share,
				   pendshare_frames_offset(card->frames, card->frame.slot)),
	       card->bar + CARD_TARGET);
	writeq(card->bytes, card->bar + CARD_COUNT);
	writeq(CARD_START | CARD_TO_MEMORY | CARD_INTERRUPT, card->bar + CARD_COMMAND);
}

/* The card has filled a slot: to the program with it, and on to the next. */
static irqreturn_t card_interrupt(int irq, void *data)
{
	struct card *card = data;
	u32 reasons = readl(card->bar + CARD_INTERRUPTS);
	unsigned long flags;

	if (!reasons || reasons == ~0u) /* all ones: the card is gone */
		return IRQ_NONE;
	writel(reasons, card->bar + CARD_ACKNOWLEDGE);
	spin_lock_irqsave(&card->lock, flags);
	if (card->busy && card->share) {
		card->frame.bytes = card->bytes;
		card->frame.timestamp_ns = ktime_get_ns();
		card->frame.flags = 0;
		pendshare_share_sync_for_cpu(
			card->share, pendshare_frames_offset(card->frames, card->frame.slot),
			card->bytes);
		pendshare_frames_give(card->frames, &card->frame);
		if (pendshare_frames_publish(card->frames))
			pendshare_share_ring(card->share);
	}
	card->busy = false;
	card_start(card);
	spin_unlock_irqrestore(&card->lock, flags);
	wake_up(&card->idle);
	return IRQ_HANDLED;
}

/* A SHARE that names this card. */
static int card_attach(struct ps_share *share, void *context, const void *options, u32 size)
{
	const struct card_options *asked = options;
	struct card *card = context;
	struct card_reply reply = { .version = readl(card->bar + CARD_VERSION) };
	struct pendshare_frames *frames;
	const struct sg_table *table;
	int ret;

	if (size != sizeof(*asked) || !asked->bytes)
		return -EINVAL;
	reply.bytes = rounddown_pow_of_two(min(asked->bytes, CARD_MOST));
	ret = pendshare_share_dma_map(share, &card->pci->dev, &table);
	if (ret)
		return ret;
	frames = pendshare_share_frames(share, false);
	if (IS_ERR(frames))
		return PTR_ERR(frames);
	spin_lock_irq(&card->lock);
	if (card->share || card->busy) {
		ret = -EBUSY; /* one program at a time */
	} else {
		card->share = share;
		card->frames = frames;
		card->bytes = reply.bytes;
		card_start(card);
	}
	spin_unlock_irq(&card->lock);
	pendshare_share_reply(share, &reply, sizeof(reply));
	return ret;
}

/* The program has given back a slot, and we have asked to hear of it. */
static void card_notify(struct ps_share *share, void *context)
{
	struct card *card = context;

	spin_lock_irq(&card->lock);
	card_start(card);
	spin_unlock_irq(&card->lock);
}

static bool card_rests(struct card *card)
{
	bool rests;

	spin_lock_irq(&card->lock);
	rests = !card->busy;
	spin_unlock_irq(&card->lock);
	return rests;
}

/* When this returns, the card writes no more: it is waited for, but not longer than it can take. */
static void card_detach(struct ps_share *share, void *context)
{
	struct card *card = context;

	if (!wait_event_timeout(card->idle, card_rests(card), 2 * HZ))
		pci_clear_master(card->pci);
	spin_lock_irq(&card->lock);
	card->share = NULL;
	spin_unlock_irq(&card->lock);
}

static const struct pendshare_peer_ops card_ops = {
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.frames = true,
	.attach = card_attach,
	.detach = card_detach,
	.notify = card_notify,
};

static int card_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct card *card = devm_kzalloc(&pci->dev, sizeof(*card), GFP_KERNEL);
	int ret;

	if (!card)
		return -ENOMEM;
	card->pci = pci;
	spin_lock_init(&card->lock);
	init_waitqueue_head(&card->idle);
	pci_set_drvdata(pci, card);
	ret = pcim_enable_device(pci);
	card->bar = ret ? NULL : pcim_iomap(pci, 0, 0);
	if (!ret && !card->bar)
		ret = -ENODEV;
	if (!ret)
		ret = dma_set_mask_and_coherent(&pci->dev, DMA_BIT_MASK(28));
	if (!ret)
		ret = pci_alloc_irq_vectors(pci, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	ret = devm_request_irq(&pci->dev, pci_irq_vector(pci, 0), card_interrupt, 0, "card", card);
	if (ret)
		return ret;
	pci_set_master(pci);
	/* Last of all: from here on programs can name it. */
	card->peer = pendshare_peer_add(&card_ops, "card0", card);
	return PTR_ERR_OR_ZERO(card->peer);
}

/* First of all: its live shares end, and their memory is left alone. The rest is devm's. */
static void card_remove(struct pci_dev *pci)
{
	struct card *card = pci_get_drvdata(pci);

	pendshare_peer_remove(card->peer);
	pci_clear_master(pci);
}

static const struct pci_device_id card_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, card_ids);

static struct pci_driver card_driver = {
	.name = "card",
	.id_table = card_ids,
	.probe = card_probe,
	.remove = card_remove,
};
module_pci_driver(card_driver);

MODULE_DESCRIPTION("A card's frames in shared memory");
MODULE_LICENSE("GPL");
