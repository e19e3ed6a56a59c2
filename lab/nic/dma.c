// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA engine and its IOMMU. Only this file turns a DMA address into a pointer. Each
 * device has its own window of bus addresses, far from the physical ones. A page is
 * reachable through the window only while it is mapped for that device in that direction.
 * Any other address is a counted fault: one that was never mapped, has been unmapped,
 * belongs to the other NIC, or is a plain physical or virtual address.
 */
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/vmalloc.h>

#include "labnic.h"

/* Mapping counts of a page: low 32 bits for device reads, high 32 bits for device writes. */
#define LABNIC_MAP_READ	 1ULL
#define LABNIC_MAP_WRITE (1ULL << 32)

struct labnic_iommu {
	u64 base; /* bus address of physical address 0 */
	unsigned long pages;
	atomic64_t mapped; /* pages, each counted once per mapping */
	atomic64_t *count;
};

static struct labnic_iommu labnic_iommus[2];

static struct labnic_iommu *labnic_iommu_of(struct device *dev)
{
	return &labnic_iommus[to_platform_device(dev)->id];
}

static s64 labnic_map_unit(enum dma_data_direction dir)
{
	return (dir == DMA_FROM_DEVICE ? 0 : LABNIC_MAP_READ) +
	       (dir == DMA_TO_DEVICE ? 0 : LABNIC_MAP_WRITE);
}

static void labnic_iommu_count(struct labnic_iommu *mmu, phys_addr_t phys, size_t size, s64 unit)
{
	unsigned long pfn = PHYS_PFN(phys), last = PHYS_PFN(phys + size - 1);

	atomic64_add((unit > 0 ? 1 : -1) * (s64)(last - pfn + 1), &mmu->mapped);
	for (; pfn <= last; pfn++)
		atomic64_add(unit, &mmu->count[pfn]);
}

static dma_addr_t labnic_map_phys(struct device *dev, phys_addr_t phys, size_t size,
				  enum dma_data_direction dir, unsigned long attrs)
{
	struct labnic_iommu *mmu = labnic_iommu_of(dev);

	if (!size || PHYS_PFN(phys + size - 1) >= mmu->pages)
		return DMA_MAPPING_ERROR;
	labnic_iommu_count(mmu, phys, size, labnic_map_unit(dir));
	return mmu->base + phys;
}

static void labnic_unmap_phys(struct device *dev, dma_addr_t addr, size_t size,
			      enum dma_data_direction dir, unsigned long attrs)
{
	struct labnic_iommu *mmu = labnic_iommu_of(dev);

	if (WARN_ON_ONCE(!size || addr < mmu->base ||
			 PHYS_PFN(addr - mmu->base + size - 1) >= mmu->pages))
		return;
	labnic_iommu_count(mmu, addr - mmu->base, size, -labnic_map_unit(dir));
}

#ifdef LABNIC_OLD
static dma_addr_t labnic_map_page(struct device *dev, struct page *page, unsigned long off,
				  size_t size, enum dma_data_direction dir, unsigned long attrs)
{
	return labnic_map_phys(dev, page_to_phys(page) + off, size, dir, attrs);
}
#endif

static void labnic_unmap_sg(struct device *dev, struct scatterlist *sgl, int nents,
			    enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg (sgl, sg, nents, i)
		labnic_unmap_phys(dev, sg_dma_address(sg), sg_dma_len(sg), dir, attrs);
}

static int labnic_map_sg(struct device *dev, struct scatterlist *sgl, int nents,
			 enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg (sgl, sg, nents, i) {
		dma_addr_t addr = labnic_map_phys(dev, sg_phys(sg), sg->length, dir, attrs);

		if (addr == DMA_MAPPING_ERROR) {
			labnic_unmap_sg(dev, sgl, i, dir, attrs);
			return -EIO;
		}
		sg_dma_address(sg) = addr;
		sg_dma_len(sg) = sg->length;
	}
	return nents;
}

static const struct dma_map_ops labnic_dma_ops = {
	LABNIC_DMA_MAP_OPS.map_sg = labnic_map_sg,
	.unmap_sg = labnic_unmap_sg,
};

int labnic_dma_setup(struct device *dev)
{
	struct labnic_iommu *mmu = labnic_iommu_of(dev);

	if (!mmu->count) {
		mmu->pages = PHYS_PFN(virt_to_phys(high_memory - 1)) + 1;
		mmu->base = (u64)(to_platform_device(dev)->id + 1) << 46;
		mmu->count = vzalloc(array_size(mmu->pages, sizeof(*mmu->count)));
		if (!mmu->count)
			return -ENOMEM;
	}
	set_dma_ops(dev, &labnic_dma_ops);
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
}

/* Call when the driver is gone. A binding keeps its mapping until its process closes it. */
void labnic_dma_check(struct device *dev)
{
	s64 mapped = atomic64_read(&labnic_iommu_of(dev)->mapped);

	if (mapped)
		dev_info(dev, "%lld pages are still mapped by others\n", mapped);
}

/*
 * Call on module exit. The core holds no reference to the device of a mapping, so a device
 * with pages still mapped gets a reference that keeps it for ever. The later unmap goes to
 * the architecture's operations, which have nothing to do for it.
 */
void labnic_dma_exit(struct device *dev)
{
	struct labnic_iommu *mmu = labnic_iommu_of(dev);

	set_dma_ops(dev, NULL);
	if (atomic64_read(&mmu->mapped))
		get_device(dev);
	vfree(mmu->count);
	mmu->count = NULL;
}

static void *labnic_dma_reach(struct labnic *nic, dma_addr_t addr, u32 len, u64 access)
{
	struct labnic_iommu *mmu = &labnic_iommus[nic->id];
	unsigned long pfn, last;

	if (addr < mmu->base)
		goto fault;
	pfn = PHYS_PFN(addr - mmu->base);
	last = PHYS_PFN(addr - mmu->base + len - 1);
	if (last >= mmu->pages)
		goto fault;
	for (; pfn <= last; pfn++) {
		u64 count = atomic64_read(&mmu->count[pfn]);

		if (!(access == LABNIC_MAP_READ ? (u32)count : count >> 32))
			goto fault;
	}
	return phys_to_virt(addr - mmu->base);

fault:
	atomic64_inc(&nic->dma_faults);
	net_warn_ratelimited("%s: DMA %s fault at %pad, %u bytes\n", dev_name(nic->dev),
			     access == LABNIC_MAP_READ ? "read" : "write", &addr, len);
	return NULL;
}

int labnic_dma_read(struct labnic *nic, void *sram, dma_addr_t from, u32 len)
{
	void *src = labnic_dma_reach(nic, from, len, LABNIC_MAP_READ);

	if (!src)
		return -EFAULT;
	memcpy(sram, src, len);
	return 0;
}

int labnic_dma_write(struct labnic *nic, dma_addr_t to, const void *sram, u32 len)
{
	void *dst = labnic_dma_reach(nic, to, len, LABNIC_MAP_WRITE);

	if (!dst)
		return -EFAULT;
	memcpy(dst, sram, len);
	return 0;
}

int labnic_dma_move(struct labnic *dst_nic, dma_addr_t to, struct labnic *src_nic, dma_addr_t from,
		    u32 len)
{
	void *src = labnic_dma_reach(src_nic, from, len, LABNIC_MAP_READ);
	void *dst = labnic_dma_reach(dst_nic, to, len, LABNIC_MAP_WRITE);

	if (!src || !dst)
		return -EFAULT;
	memcpy(dst, src, len);
	return 0;
}
