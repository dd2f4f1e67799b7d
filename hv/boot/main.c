/* SPDX-License-Identifier: Apache-2.0 */
/* The story of hv's start, from the loader's hands to Linux running as the root partition. */
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <hv/console.h>
#include <hv/lp.h>
#include <hv/panic.h>
#include <hv/vcpu.h>

#define PANIC_RESTART_MAX	86400ull	/* a day */
#define LOW_MEMORY_FROM	0x1000		/* the first page holds the firmware's real-mode data */

static struct boot_info boot_info;
extern uintptr_t __stack_chk_guard;
void __noreturn boot_main(uint32_t magic, uint32_t info);

static void check_machine(void)
{
	const char *missing = vcpu_missing_feature();

	if (missing)
		hv_refuse("%s", missing);
	if (!apic_has_x2apic())
		hv_refuse("its processor's x2APIC is missing or off; look for \"x2APIC\" in the firmware's settings.");
	if (!(cpuid(0x80000001, 0).edx & BIT(20)))
		hv_refuse("its processor's no-execute bit is off; look for \"NX\" or \"Execute Disable\" in the firmware's settings.");
}

static void __noreturn boot_on_lp_stack(void)
{
	uint64_t trampoline = memory_place(PAGE_SIZE, PAGE_SIZE, LOW_MEMORY_FROM, &boot_info);

	lp_stacks_in_use();
	if (!trampoline || trampoline >= 0xa0000)
		hv_refuse("it has no free memory below 640 KiB to start its other processors with.");
	clock_calibrate();
	root_create();
	vcpu_enable_lp(this_lp());
	smp_start_others(trampoline);
	root_load_linux(&boot_info);
	root_run();
}

static void read_options(void)
{
	uint64_t value;

	if (option_number(boot_info.options, "loglevel", &value))
		console_level = value > LOG_DEBUG ? LOG_DEBUG : (enum log_level)value;
	if (option_number(boot_info.options, "panic_restart", &value))
		panic_restart_seconds = value > PANIC_RESTART_MAX ? PANIC_RESTART_MAX : value;
	if (option_number(boot_info.options, "fault_test", &value))
		panic_fault_test = value;
}

void __attribute__((optimize("no-stack-protector"))) boot_main(uint32_t magic, uint32_t info)
{
	__stack_chk_guard ^= rdtsc() * 0x9e3779b97f4a7c15ull & ~0xffull;
	descriptors_load();
	multiboot_read(magic, info, &boot_info);
	screen_use_framebuffer(&boot_info.framebuffer);
	read_options();
	hv_log(LOG_INFO, "Partita hv, %u modules, %llu MiB of memory\n", boot_info.module_count,
	       (unsigned long long)memory_map_usable() >> 20);
	hv_log(LOG_DEBUG, "framebuffer at %llx, %ux%u, %u bits\n", (unsigned long long)boot_info.framebuffer.address,
	       boot_info.framebuffer.width, boot_info.framebuffer.height, boot_info.framebuffer.bits_per_pixel);
	check_machine();
	memory_map_reserve((uintptr_t)hv_image_start, (uintptr_t)(hv_image_end - hv_image_start));
	boot_heap_init(&boot_info);
	paging_init(memory_map_end());
	paging_load();
	apic_enable();
	lp_table_add((uint32_t)rdmsr(APIC_MSR_ID));	/* the one we run on is LP 0 */
	acpi_init(&boot_info);
	acpi_list_processors();
	lp_allocate_all();
	stack_switch(lp_stack_top(lp_get(0)), boot_on_lp_stack);
}
