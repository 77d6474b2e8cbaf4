// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver of a card that has one sample at a time and interrupts for each, to copy from: no DMA,
 * the samples go into a ring, as runs. QEMU's edu stands in for it, whose conversion of a number is
 * its factorial, modulo 2^32.
 */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "pendshare-peer.h"
#include "pendshare/ring.h"

#define ADC_CONVERT 0x08 /* starts a conversion; read: its result */
#define ADC_STATUS 0x20
#define ADC_INTERRUPT BIT(7)
#define ADC_INTERRUPTS 0x24
#define ADC_ACKNOWLEDGE 0x64
#define ADC_INPUTS 13u

/* What programs ask for, and what comes in the ring. */
struct adc_options {
	__u32 count; /* samples until the share ends; 0: no end */
};

struct adc_sample {
	__u32 number; /* from 0, also those that found no room */
	__u32 value;
};

struct adc {
	struct pci_dev *pci;
	void __iomem *bar;
	struct pendshare_peer *peer;
	wait_queue_head_t idle;

	spinlock_t lock; /* all below; taken in the interrupt */
	struct ps_share *share;
	struct pendshare_ring_producer ring;
	u32 count;
	u32 number;
	bool busy;
};

static void adc_convert(struct adc *adc)
{
	lockdep_assert_held(&adc->lock);
	adc->busy = true;
	writel(adc->number % ADC_INPUTS, adc->bar + ADC_CONVERT);
}

/*
 * A sample goes into the ring, behind those that the program has no time for yet. The last one of
 * all is followed by none that would publish it, so it is published at once.
 */
static void adc_push(struct adc *adc, u32 value)
{
	const struct adc_sample sample = { .number = adc->number++, .value = value };
	bool last = adc->number == adc->count;
	void *place;

	lockdep_assert_held(&adc->lock);
	switch (pendshare_ring_push(&adc->ring, sizeof(sample), 0, &place)) {
	case PENDSHARE_RING_OK:
		memcpy(place, &sample, sizeof(sample));
		break;
	case PENDSHARE_RING_FULL: /* counted */
		break;
	default:
		pendshare_share_fail(adc->share, PENDSHARE_FAILURE_RING);
		return;
	}
	if (last ? pendshare_ring_publish(&adc->ring) : pendshare_ring_publish_lazily(&adc->ring))
		pendshare_share_ring(adc->share);
	if (last)
		pendshare_share_end(adc->share);
	else
		adc_convert(adc);
}

static irqreturn_t adc_interrupt(int irq, void *data)
{
	struct adc *adc = data;
	u32 reasons = readl(adc->bar + ADC_INTERRUPTS);
	unsigned long flags;

	if (!reasons || reasons == ~0u) /* all ones: the card is gone */
		return IRQ_NONE;
	writel(reasons, adc->bar + ADC_ACKNOWLEDGE);
	spin_lock_irqsave(&adc->lock, flags);
	if (adc->busy) {
		adc->busy = false;
		if (!pendshare_share_ending(adc->share))
			adc_push(adc, readl(adc->bar + ADC_CONVERT));
	}
	spin_unlock_irqrestore(&adc->lock, flags);
	wake_up(&adc->idle);
	return IRQ_HANDLED;
}

static int adc_attach(struct ps_share *share, void *context, const void *options, u32 size)
{
	const struct adc_options *asked = options;
	u64 length = pendshare_share_length(share);
	u32 capacity = pendshare_ring_capacity(length);
	struct adc *adc = context;
	void *memory;
	int ret = 0;

	if ((size && size != sizeof(*asked)) || !capacity)
		return -EINVAL;
	memory = pendshare_share_map(share);
	if (!memory)
		return -ENOBUFS;
	spin_lock_irq(&adc->lock);
	if (adc->share) {
		ret = -EBUSY; /* one program at a time */
	} else {
		pendshare_ring_format(memory, capacity);
		pendshare_ring_producer_init(&adc->ring, memory, capacity);
		pendshare_ring_allow_runs(&adc->ring);
		pendshare_share_written(share, length);
		adc->share = share;
		adc->count = size ? asked->count : 0;
		adc->number = 0;
		adc_convert(adc);
	}
	spin_unlock_irq(&adc->lock);
	return ret;
}

static bool adc_rests(struct adc *adc)
{
	bool rests;

	spin_lock_irq(&adc->lock);
	rests = !adc->busy;
	spin_unlock_irq(&adc->lock);
	return rests;
}

/*
 * The interrupt is the only one that writes the memory, and under the lock. A conversion that is
 * under way would look like the first of the next share, so its end is waited for; that of a card
 * that was pulled out does not come.
 */
static void adc_detach(struct ps_share *share, void *context)
{
	struct adc *adc = context;

	if (pci_device_is_present(adc->pci))
		wait_event_timeout(adc->idle, adc_rests(adc), HZ);
	spin_lock_irq(&adc->lock);
	adc->busy = false;
	adc->share = NULL;
	spin_unlock_irq(&adc->lock);
}

static const struct pendshare_peer_ops adc_ops = {
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.attach = adc_attach,
	.detach = adc_detach,
};

static int adc_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct adc *adc = devm_kzalloc(&pci->dev, sizeof(*adc), GFP_KERNEL);
	int ret;

	if (!adc)
		return -ENOMEM;
	adc->pci = pci;
	spin_lock_init(&adc->lock);
	init_waitqueue_head(&adc->idle);
	pci_set_drvdata(pci, adc);
	ret = pcim_enable_device(pci);
	adc->bar = ret ? NULL : pcim_iomap(pci, 0, 0);
	if (!ret && !adc->bar)
		ret = -ENODEV;
	if (!ret)
		ret = pci_alloc_irq_vectors(pci, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	ret = devm_request_irq(&pci->dev, pci_irq_vector(pci, 0), adc_interrupt, 0, "adc", adc);
	if (ret)
		return ret;
	pci_set_master(pci); /* its interrupts are messages */
	writel(ADC_INTERRUPT, adc->bar + ADC_STATUS);
	/* Last of all: from here on programs can name it. */
	adc->peer = pendshare_peer_add(&adc_ops, "adc0", adc);
	return PTR_ERR_OR_ZERO(adc->peer);
}

/* First of all: its live shares end, and their memory is left alone. The rest is devm's. */
static void adc_remove(struct pci_dev *pci)
{
	struct adc *adc = pci_get_drvdata(pci);

	pendshare_peer_remove(adc->peer);
	pci_clear_master(pci);
}

static const struct pci_device_id adc_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, adc_ids);

static struct pci_driver adc_driver = {
	.name = "adc",
	.id_table = adc_ids,
	.probe = adc_probe,
	.remove = adc_remove,
};
module_pci_driver(adc_driver);

MODULE_DESCRIPTION("A card's samples in shared memory");
MODULE_LICENSE("GPL");
