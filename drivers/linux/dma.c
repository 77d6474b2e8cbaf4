// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA by a peer's device: mapped in one call, and unmapped by us once the peer has let go and
 * before the pages are unpinned, whatever ended the share. Behind an IOMMU the device cannot reach
 * them from then on.
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "internal.h"

struct ps_dma {
	struct device *device;
	enum dma_data_direction direction;
	struct sg_table table;
};

static enum dma_data_direction ps_direction(u32 access)
{
	if (access == PENDSHARE_ACCESS_READ)
		return DMA_TO_DEVICE;
	return access == PENDSHARE_ACCESS_WRITE ? DMA_FROM_DEVICE : DMA_BIDIRECTIONAL;
}

/*
 * Memory beyond the mask would be mapped by way of bounce buffers: by a copy, of which the owner
 * sees nothing until somebody syncs. An IOMMU gives the device addresses that it reaches.
 */
static bool ps_reaches(struct device *device, const struct ps_pages *pages)
{
	u64 mask = min_not_zero(dma_get_mask(device), device->bus_dma_limit);
	unsigned int i;

	if (device_iommu_mapped(device))
		return true;
	for (i = 0; i < pages->nr_runs; i++) {
		const union ps_run *run = &pages->runs[i];

		if (PFN_PHYS(page_to_pfn(ps_run_page(run)) + ps_run_count(run)) - 1 > mask)
			return false;
	}
	return true;
}

static int ps_dma_map(struct ps_share *share, struct device *device, struct ps_dma *dma)
{
	size_t longest = max_t(size_t, dma_get_max_seg_size(device) & PAGE_MASK, PAGE_SIZE);
	int ret = ps_pages_sgtable(&share->pages, &dma->table, longest);

	if (ret)
		return -ENOBUFS;
	dma->direction = ps_direction(share->access);
	ret = dma_map_sgtable(device, &dma->table, dma->direction, 0);
	if (ret) {
		dev_warn_ratelimited(device, "cannot map what is shared with it: error %d\n", ret);
		sg_free_table(&dma->table);
		return -ENOBUFS;
	}
	dma->device = get_device(device);
	return 0;
}

int pendshare_share_dma_map(struct ps_share *share, struct device *device,
			    const struct sg_table **table)
{
	struct ps_dma *dma;
	int ret;

	if (share->dma)
		return -EBUSY;
	if (!ps_reaches(device, &share->pages)) {
		dev_warn_ratelimited(device, "its DMA mask does not reach what is shared with it\n");
		return -EOPNOTSUPP;
	}
	dma = kzalloc(sizeof(*dma), GFP_KERNEL_ACCOUNT);
	if (!dma)
		return -ENOBUFS;
	ret = ps_dma_map(share, device, dma);
	if (ret) {
		kfree(dma);
		return ret;
	}
	share->dma = dma;
	share->dirty = share->access & PENDSHARE_ACCESS_WRITE;
	*table = &dma->table;
	return 0;
}
EXPORT_SYMBOL_GPL(pendshare_share_dma_map);

dma_addr_t pendshare_share_dma(const struct ps_share *share, u64 offset)
{
	struct scatterlist *segment;
	unsigned int i;

	if (WARN_ON_ONCE(!share->dma || offset >= share->length))
		return DMA_MAPPING_ERROR;
	for_each_sgtable_dma_sg(&share->dma->table, segment, i) {
		if (offset < sg_dma_len(segment))
			break;
		offset -= sg_dma_len(segment);
	}
	return sg_dma_address(segment) + offset;
}
EXPORT_SYMBOL_GPL(pendshare_share_dma);

void ps_dma_unmap(struct ps_dma *dma)
{
	dma_unmap_sgtable(dma->device, &dma->table, dma->direction, 0);
	put_device(dma->device);
	sg_free_table(&dma->table);
	kfree(dma);
}

typedef void ps_sync(struct device *device, dma_addr_t address, size_t length,
		     enum dma_data_direction direction);

/* The parts of the mapped segments that the bytes from offset on lie in. */
static void ps_dma_sync(struct ps_share *share, u64 offset, u64 length, ps_sync *sync)
{
	struct ps_dma *dma = share->dma;
	struct scatterlist *segment;
	unsigned int i;

	if (!dma)
		return;
	for_each_sgtable_dma_sg(&dma->table, segment, i) {
		u64 size = sg_dma_len(segment);

		if (offset < size && length) {
			u64 part = min(size - offset, length);

			sync(dma->device, sg_dma_address(segment) + offset, part, dma->direction);
			length -= part;
			offset = 0;
		} else {
			offset -= min(offset, size);
		}
	}
}

void pendshare_share_sync_for_cpu(struct ps_share *share, u64 offset, u64 length)
{
	ps_dma_sync(share, offset, length, dma_sync_single_for_cpu);
}
EXPORT_SYMBOL_GPL(pendshare_share_sync_for_cpu);

void pendshare_share_sync_for_device(struct ps_share *share, u64 offset, u64 length)
{
	ps_dma_sync(share, offset, length, dma_sync_single_for_device);
}
EXPORT_SYMBOL_GPL(pendshare_share_sync_for_device);
