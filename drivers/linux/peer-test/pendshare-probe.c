// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer for tests alone: does what a driver of real hardware may do, where it may do it.
 * An interrupt is a timer, in hard mode but for PREEMPT_RT, where a driver's handler is a thread.
 */
#include <linux/dma-mapping.h>
#include <linux/hrtimer.h>
#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "compat.h"
#include "pendshare-peer.h"
#include "probe.h"

#ifdef CONFIG_PREEMPT_RT
#define PROBE_INTERRUPT HRTIMER_MODE_REL_SOFT
#else
#define PROBE_INTERRUPT HRTIMER_MODE_REL_HARD
#endif

struct probe {
	struct ps_share *share;
	void *context;
	u32 task;
	struct hrtimer timer;
};

static enum hrtimer_restart probe_interrupt(struct hrtimer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	struct ps_share *share = probe->share;

	WARN_ON_ONCE(!!in_hardirq() == IS_ENABLED(CONFIG_PREEMPT_RT));
	switch (probe->task) {
	case PROBE_HARD_RING:
		pendshare_share_ring(share);
		pendshare_share_ring(share);
		pendshare_share_ring(share);
		break;
	case PROBE_HARD_END:
		pendshare_share_written(share, ~0ULL);
		pendshare_share_ring(share);
		pendshare_share_end(share);
		break;
	case PROBE_HARD_FAIL:
		pendshare_share_fail(share, PENDSHARE_FAILURE_PEER);
		break;
	case PROBE_HARD_RECALL:
		pendshare_share_recall(share, 5);
		break;
	}
	return HRTIMER_NORESTART;
}

static struct platform_device *probe_device; /* reaches all memory */
static u64 probe_near = DMA_BIT_MASK(20);

/* As a device would that copies by DMA: page by page, through the table only. */
static int probe_copy(struct ps_share *share, unsigned int longest)
{
	const struct sg_table *table;
	struct scatterlist *entry;
	u64 carry = 0, next;
	unsigned int i, j;
	int ret;

	dma_set_max_seg_size(&probe_device->dev, longest);
	ret = pendshare_share_dma_map(share, &probe_device->dev, &table);
	if (ret)
		return ret;
	if (pendshare_share_dma_map(share, &probe_device->dev, &table) != -EBUSY)
		return -EBADE;
	pendshare_share_sync_for_cpu(share, PAGE_SIZE, ~0ULL);
	for_each_sgtable_sg(table, entry, i) {
		if (entry->length > longest)
			return -EBADE;
		for (j = 0; j < entry->length >> PAGE_SHIFT; j++) {
			u64 *words = page_address(sg_page(entry)) + (j << PAGE_SHIFT);

			next = words[0];
			words[0] = carry;
			carry = next;
		}
	}
	pendshare_share_sync_for_device(share, 0, pendshare_share_length(share));
	return 0;
}

#define PROBE_SEGMENTS 8

/* What must be refused, and what a list holds that begins and ends within pages. */
static int probe_check_lists(struct ps_share *share, struct scatterlist *list)
{
	u64 length = pendshare_share_length(share);
	int count;

	if (pendshare_share_sg(share, 0, 0, list, PROBE_SEGMENTS) != -EINVAL ||
	    pendshare_share_sg(share, length, 1, list, PROBE_SEGMENTS) != -EINVAL ||
	    pendshare_share_sg(share, PAGE_SIZE, length, list, PROBE_SEGMENTS) != -EINVAL ||
	    pendshare_share_sg(share, ~0ULL, 2, list, PROBE_SEGMENTS) != -EINVAL ||
	    pendshare_share_sg(share, 0, length, list, 0) != -EMSGSIZE)
		return -EBADE;
	count = pendshare_share_sg(share, PAGE_SIZE - 8, PAGE_SIZE + 16, list, PROBE_SEGMENTS);
	if (count < 1 || count > 3 || list[0].offset != PAGE_SIZE - 8 || !sg_is_last(&list[count - 1]))
		return -EBADE;
	/* one page and one entry, and two pages that do not follow each other are more than that */
	if (pendshare_share_sg(share, PAGE_SIZE + 16, 8, list, 1) != 1 || list[0].length != 8)
		return -EBADE;
	if (count == 3 && pendshare_share_sg(share, 0, 3 * PAGE_SIZE, list, 2) != -EMSGSIZE)
		return -EBADE;
	return 0;
}

/* As a framework would that maps lists by itself: the pages of one part after the other. */
static int probe_copy_parts(struct ps_share *share)
{
	struct scatterlist list[PROBE_SEGMENTS], *entry;
	u64 carry = 0, next, offset;
	unsigned int i, j;
	int count;

	if (pendshare_share_sg(share, 0, PAGE_SIZE, list, PROBE_SEGMENTS) != -EINVAL)
		return -EBADE;
	if (!pendshare_share_map(share))
		return -ENOBUFS;
	for (offset = 0; offset < pendshare_share_length(share); offset += 4 * PAGE_SIZE) {
		count = pendshare_share_sg(share, offset, 4 * PAGE_SIZE, list, PROBE_SEGMENTS);
		if (count < 1 || count > 4)
			return -EBADE;
		for_each_sg(list, entry, count, i) {
			for (j = 0; j < entry->length >> PAGE_SHIFT; j++) {
				u64 *words = page_address(sg_page(entry)) + (j << PAGE_SHIFT);

				next = words[0];
				words[0] = carry;
				carry = next;
			}
		}
	}
	return probe_check_lists(share, list);
}

/* A device that reaches no memory of a user's. */
static int probe_far(struct ps_share *share)
{
	u64 *mask = probe_device->dev.dma_mask;
	const struct sg_table *table;
	int ret;

	probe_device->dev.dma_mask = &probe_near;
	ret = pendshare_share_dma_map(share, &probe_device->dev, &table);
	probe_device->dev.dma_mask = mask;
	return ret;
}

/* Tells the owner which card it has got. */
static int probe_tell(struct ps_share *share, const unsigned int *number)
{
	u64 *words = pendshare_share_map(share);

	if (!words)
		return -ENOBUFS;
	words[0] = number ? *number : ~0ULL;
	return 0;
}

static int probe_answer(struct ps_share *share, const u32 *options, u32 size)
{
	const u8 *bytes = (const u8 *)options;
	struct probe_answer answer = { .size = size };
	u32 at;

	for (at = 8; at < size; at++)
		answer.sum += bytes[at];
	memset(answer.rest, 0xa5, sizeof(answer.rest));
	pendshare_share_reply(share, "forgotten", 9);
	pendshare_share_reply(share, &answer, sizeof(answer));
	return size >= 8 && options[1] ? -ENXIO : 0;
}

static int probe_attach(struct ps_share *share, void *context, const void *options, u32 size)
{
	struct probe *probe;
	int ret = 0;

	if (size < sizeof(u32))
		return -EINVAL;
	probe = kzalloc(sizeof(*probe), GFP_KERNEL);
	if (!probe)
		return -ENOBUFS;
	probe->share = share;
	probe->context = context;
	probe->task = *(const u32 *)options;
	ps_hrtimer_setup(&probe->timer, probe_interrupt, CLOCK_MONOTONIC, PROBE_INTERRUPT);
	pendshare_share_set_private(share, probe);
	switch (probe->task) {
	case PROBE_REFUSE:
		pendshare_share_ring(share);
		pendshare_share_recall(share, 0);
		pendshare_share_end(share);
		ret = -ENXIO;
		break;
	case PROBE_END_AT_ONCE:
		pendshare_share_ring(share);
		pendshare_share_ring(share);
		pendshare_share_end(share);
		break;
	case PROBE_SGTABLE:
		ret = probe_copy(share, SZ_64K);
		break;
	case PROBE_DMA_LONG:
		ret = probe_copy(share, UINT_MAX);
		break;
	case PROBE_SG:
		ret = probe_copy_parts(share);
		break;
	case PROBE_DMA_FAR:
		ret = probe_far(share);
		break;
	case PROBE_CARD:
		ret = probe_tell(share, context);
		break;
	case PROBE_ANSWER:
		ret = probe_answer(share, options, size);
		break;
	case PROBE_HARD_RING:
	case PROBE_HARD_END:
	case PROBE_HARD_FAIL:
	case PROBE_HARD_RECALL:
		hrtimer_start(&probe->timer, ns_to_ktime(20000), PROBE_INTERRUPT);
	}
	if (ret)
		kfree(probe);
	return ret;
}

static void probe_detach(struct ps_share *share, void *context)
{
	struct probe *probe = pendshare_share_private(share);

	WARN_ON_ONCE(context != probe->context);
	hrtimer_cancel(&probe->timer);
	if (probe->task == PROBE_RECALL_IN_DETACH)
		pendshare_share_recall(share, 0);
	kfree(probe);
}

static const struct pendshare_peer_ops probe_ops = {
	.attach = probe_attach,
	.detach = probe_detach,
};

static struct pendshare_peer *probe_peer;

/* Cards that are plugged and unplugged by writing how many there are: "probe0" and so on. */
static struct pendshare_peer *probe_cards[PROBE_CARDS];
static unsigned int probe_numbers[PROBE_CARDS];
static unsigned int probe_plugged;

static int probe_plug(void)
{
	unsigned int number = probe_plugged;
	struct pendshare_peer *peer;
	char name[16];

	snprintf(name, sizeof(name), "probe%u", number);
	probe_numbers[number] = number;
	peer = pendshare_peer_add(&probe_ops, name, &probe_numbers[number]);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	probe_cards[number] = peer;
	probe_plugged++;
	return 0;
}

/* One caller at a time: the lock of the parameters. */
static int probe_set_cards(const char *value, const struct kernel_param *param)
{
	unsigned int wanted;
	int ret = kstrtouint(value, 0, &wanted);

	if (!ret && wanted > PROBE_CARDS)
		ret = -ERANGE;
	while (!ret && probe_plugged < wanted)
		ret = probe_plug();
	while (!ret && probe_plugged > wanted)
		pendshare_peer_remove(probe_cards[--probe_plugged]);
	return ret;
}

static const struct kernel_param_ops probe_cards_ops = {
	.set = probe_set_cards,
	.get = param_get_uint,
};
module_param_cb(cards, &probe_cards_ops, &probe_plugged, 0600);

static int probe_refused(const char *name, const struct pendshare_peer_ops *ops, int error)
{
	struct pendshare_peer *peer = pendshare_peer_add(ops, name, NULL);

	pendshare_peer_remove(peer);
	return PTR_ERR_OR_ZERO(peer) == error ? 0 : -EBADE;
}

/* What must be refused; the list of INFO has no room for all of these. */
static int __init probe_check_names(void)
{
	static const struct pendshare_peer_ops no_detach = { .attach = probe_attach };
	struct pendshare_peer *fillers[12];
	char name[PENDSHARE_NAME_SIZE];
	unsigned int i, added = 0;
	int ret = 0;

	if (probe_refused("probe", &probe_ops, -EEXIST) || probe_refused("", &probe_ops, -EINVAL) ||
	    probe_refused("a-name-that-is-32-characters-long", &probe_ops, -EINVAL) ||
	    probe_refused("half", &no_detach, -EINVAL))
		return -EBADE;
	for (i = 0; i < ARRAY_SIZE(fillers) && !ret; i++) {
		snprintf(name, sizeof(name), "filler-with-quite-a-long-name%02u", i);
		fillers[i] = pendshare_peer_add(&probe_ops, name, NULL);
		ret = PTR_ERR_OR_ZERO(fillers[i]);
		added += !ret;
	}
	while (added)
		pendshare_peer_remove(fillers[--added]);
	return ret == -ENOSPC ? 0 : -EBADE;
}

static int __init probe_init(void)
{
	int ret;

	probe_device = platform_device_register_simple("pendshare-probe", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(probe_device))
		return PTR_ERR(probe_device);
	ret = dma_coerce_mask_and_coherent(&probe_device->dev, DMA_BIT_MASK(64));
	if (ret)
		goto err_device;
	probe_peer = pendshare_peer_add(&probe_ops, "probe", NULL);
	ret = PTR_ERR_OR_ZERO(probe_peer);
	if (ret)
		goto err_device;
	ret = probe_check_names();
	if (ret)
		goto err_peer;
	return 0;

err_peer:
	pendshare_peer_remove(probe_peer);
err_device:
	platform_device_unregister(probe_device);
	return ret;
}

static void __exit probe_exit(void)
{
	while (probe_plugged)
		pendshare_peer_remove(probe_cards[--probe_plugged]);
	pendshare_peer_remove(probe_peer);
	platform_device_unregister(probe_device);
}

module_init(probe_init);
module_exit(probe_exit);

MODULE_DESCRIPTION("Test peer of pendshare");
MODULE_LICENSE("GPL");
