/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root partition: all memory but hv's, guest-physical equal to system-physical, a VP per LP. The rest of hv's memory
 * block becomes its pool. Pages that hv shows the root (hypercall page, SynIC pages, ...) lie in the block and are mapped.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <arch/x86/timer.h>
#include <boot/boot.h>
#include <hv/console.h>
#include <hv/iommu.h>
#include <hv/lp.h>
#include <hv/panic.h>
#include <hv/partition.h>
#include <hv/root.h>
#include <hv/string.h>

#define GPA_ALL		(GPA_READ | GPA_WRITE | GPA_EXECUTE)
#define PAGES_PER_VP	(ROOT_PAGE_SIRBP - ROOT_PAGE_VP_ASSIST + 1)
#define SHARED_PAGES	ROOT_PAGE_VP_ASSIST

static char *root_pages;
static uint64_t root_pages_size;

static uint64_t image_start(void) { return (uintptr_t)hv_image_start; }
static uint64_t image_end(void) { return (uintptr_t)hv_image_end; }

spa_t root_page_spa(enum root_page which, uint32_t vp_index)
{
	uint64_t page = which < SHARED_PAGES ? which : SHARED_PAGES + vp_index * PAGES_PER_VP + (which - SHARED_PAGES);

	hv_assert(page * PAGE_SIZE < root_pages_size);
	return virt_to_spa(root_pages + page * PAGE_SIZE);
}

static bool is_hv_memory(uint64_t address)
{
	uint64_t start, end;

	boot_heap_range(&start, &end);
	return (address >= image_start() && address < image_end()) || (address >= start && address < end);
}

bool root_may_own(spa_t page)
{
	return page.addr < memory_map_end() && !is_hv_memory(page.addr);
}

static void map_identity(uint64_t start, uint64_t end)
{
	hv_status_t status = gpa_space_map(&root_partition.gpa, (gpa_t){ start }, (spa_t){ start }, (end - start) >> PAGE_SHIFT,
					   GPA_ALL, false);

	hv_assert(status == 0);
}

/* Everything up to the end of memory, at least 4 GiB, around hv's two blocks. Higher device memory: root_gpa_fault(). */
static void map_all_but_hv(void)
{
	uint64_t heap_start, heap_end, end = ALIGN_UP(memory_map_end() > BIT(32) ? memory_map_end() : BIT(32), BIT(30));
	uint64_t pages = virt_to_spa(root_pages).addr;

	boot_heap_range(&heap_start, &heap_end);
	hv_assert(image_end() <= heap_start);
	map_identity(0, image_start());
	map_identity(image_end(), heap_start);
	map_identity(pages, pages + root_pages_size);
	map_identity(heap_end, end);
}

static void give_rest_of_heap(void)
{
	spa_t page;

	while ((page = boot_heap_take_page()).addr)
		pool_give(&root_partition.pool, page);
}

static void create_vp(struct lp *lp)
{
	struct vp *vp = lp->root_vp;

	vp_init_root(vp, lp->index);
	vp->lp = lp;
	lp->running = vp;
	lp->gpa_space = &root_partition.gpa;
	hv_assert(vcpu_create(vp) == 0);
}

/* What comes from the boot heap first, then the pool gets its rest, then what comes from the pool. */
void root_create(void)
{
	root_pages_size = (SHARED_PAGES + (uint64_t)lp_count * PAGES_PER_VP) * PAGE_SIZE;
	root_pages = boot_alloc_aligned(root_pages_size, PAGE_SIZE);
	for (uint32_t i = 0; i < lp_count; i++) {
		lp_get(i)->root_vp = boot_alloc_aligned(sizeof(struct vp), PAGE_SIZE);
		vcpu_prepare_lp(lp_get(i));
		timer_prepare_lp(lp_get(i));
	}
	partition_init_root();
	root_partition.gpa.devices = iommu_prepare();
	give_rest_of_heap();
	map_all_but_hv();
	iommu_start();
	for (uint32_t i = 0; i < lp_count; i++)
		create_vp(lp_get(i));
	hv_log(LOG_INFO, "root partition: %u VPs\n", lp_count);
}

/* Device memory above the end of RAM is mapped when first touched, 2 MiB at a time; hv's own and deposited pages are not. */
enum vp_next root_gpa_fault(struct vp *vp, const struct gpa_fault *fault)
{
	uint64_t start = fault->gpa.addr & ~(BIT(21) - 1), end = ALIGN_UP(memory_map_end(), BIT(30));
	hv_status_t status;

	if (fault->gpa.addr < BIT(32) || fault->gpa.addr < end) {
		hv_log(LOG_ERROR, "root VP %u touched %llx, which is not its own, at %llx\n", vp->index,
		       (unsigned long long)fault->gpa.addr, (unsigned long long)vcpu_rip(vp));
		vcpu_inject_exception(vp, VECTOR_GP, true, 0);
		return VP_RESUME;
	}
	spin_lock(&root_partition.lock);
	status = gpa_space_map(&root_partition.gpa, (gpa_t){ start }, (spa_t){ start }, 512, GPA_ALL, false);
	spin_unlock(&root_partition.lock);
	hv_assert(status == 0);
	iommu_flush();			/* one that remembers what is not mapped, too */
	return VP_RESUME;
}

enum vp_next root_triple_fault(struct vp *vp)
{
	hv_log(LOG_INFO, "root VP %u shut down at %llx\n", vp->index, (unsigned long long)vcpu_rip(vp));
	machine_reset();
}

void root_run(void)
{
	struct vp *vp = this_lp()->root_vp;

	for (;;) {
		root_startup_wait(vp);
		vcpu_run_once(vp);
		iommu_report();
	}
}
