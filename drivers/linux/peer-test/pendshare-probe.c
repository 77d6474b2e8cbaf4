// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer for tests alone: does what a driver of real hardware may do, where it may do it.
 * An interrupt is a timer, in hard mode but for PREEMPT_RT, where a driver's handler is a thread.
 */
#include <linux/hrtimer.h>
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

/* As a device would that copies by DMA: page by page, through the table only. */
static int probe_copy(struct ps_share *share)
{
	struct sg_table table;
	struct scatterlist *entry;
	u64 carry = 0, next;
	unsigned int i, j;
	int ret = pendshare_share_sgtable(share, &table);

	if (ret)
		return ret;
	for_each_sgtable_sg(&table, entry, i) {
		for (j = 0; j < entry->length >> PAGE_SHIFT; j++) {
			u64 *words = page_address(sg_page(entry)) + (j << PAGE_SHIFT);

			next = words[0];
			words[0] = carry;
			carry = next;
		}
	}
	sg_free_table(&table);
	return 0;
}

static int probe_attach(struct ps_share *share, const void *options, u32 size)
{
	struct probe *probe;
	int ret = 0;

	if (size < sizeof(u32))
		return -EINVAL;
	probe = kzalloc(sizeof(*probe), GFP_KERNEL);
	if (!probe)
		return -ENOBUFS;
	probe->share = share;
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
		ret = probe_copy(share);
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

static void probe_detach(struct ps_share *share)
{
	struct probe *probe = pendshare_share_private(share);

	hrtimer_cancel(&probe->timer);
	if (probe->task == PROBE_RECALL_IN_DETACH)
		pendshare_share_recall(share, 0);
	kfree(probe);
}

static struct pendshare_peer_ops probe_peer = {
	.name = "probe",
	.owner = THIS_MODULE,
	.attach = probe_attach,
	.detach = probe_detach,
};

/* Names that must be refused; the list of INFO has no room for all of these. */
static int __init probe_check_registration(void)
{
	static struct pendshare_peer_ops bad[12];
	static char names[ARRAY_SIZE(bad)][PENDSHARE_NAME_SIZE];
	unsigned int i, registered = 0;
	int ret = 0;

	bad[0] = probe_peer;
	if (pendshare_peer_register(&bad[0]) != -EEXIST)
		return -EBADE;
	bad[0].name = "";
	if (pendshare_peer_register(&bad[0]) != -EINVAL)
		return -EBADE;
	bad[0].name = "a-name-that-is-32-characters-long";
	if (pendshare_peer_register(&bad[0]) != -EINVAL)
		return -EBADE;
	for (i = 0; i < ARRAY_SIZE(bad) && !ret; i++) {
		snprintf(names[i], sizeof(names[i]), "filler-with-quite-a-long-name-%u", i % 10);
		names[i][0] += i / 10;
		bad[i] = probe_peer;
		bad[i].name = names[i];
		ret = pendshare_peer_register(&bad[i]);
		registered += !ret;
	}
	while (registered)
		pendshare_peer_unregister(&bad[--registered]);
	return ret == -ENOSPC ? 0 : -EBADE;
}

static int __init probe_init(void)
{
	int ret = pendshare_peer_register(&probe_peer);

	if (ret)
		return ret;
	ret = probe_check_registration();
	if (ret)
		pendshare_peer_unregister(&probe_peer);
	return ret;
}

static void __exit probe_exit(void)
{
	pendshare_peer_unregister(&probe_peer);
}

module_init(probe_init);
module_exit(probe_exit);

MODULE_DESCRIPTION("Test peer of pendshare");
MODULE_LICENSE("GPL");
