/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fatal messages. They go to the serial port and, as far as firmware gave us one, to the screen; then the LP halts for good, or
 * the machine restarts after `panic_restart_seconds`.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <hv/console.h>
#include <hv/lp.h>
#include <hv/deadline.h>
#include <hv/panic.h>
#include <hv/partition.h>
#include <hv/root.h>
#include <hv/vp.h>
#include <lib/screen.h>

uint64_t panic_restart_seconds;		/* option panic_restart=; 0: the message stays on the screen */
bool panic_fault_test;			/* option fault_test=1 */
#define FAULT_TEST_ADDRESS	0x7ff123456000ull	/* canonical, and mapped by nobody */
static uint32_t panicking;		/* set by the first LP that panics; the others only halt */

static void __noreturn halt_for_good(void)
{
	for (;;)
		asm volatile("cli; hlt");
}

static void __noreturn restart_or_halt(void)
{
	uint64_t start = tsc_now();

	if (!panic_restart_seconds || !tsc_hz)
		halt_for_good();
	while (tsc_now() - start < panic_restart_seconds * tsc_hz)
		cpu_pause();
	machine_reset_now();
}

static void vsay(const char *format, va_list args)
{
	char text[400];
	int n = hv_vsnprintf(text, sizeof(text), format, args);
	size_t length = n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1;

	console_write(text, length);
	screen_write(text, length);
}

static void __printf(1, 2) say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
}

static void say_exits(const struct lp *lp)
{
	uint32_t n = lp->exit_count < LP_EXIT_RING ? lp->exit_count : LP_EXIT_RING;

	for (uint32_t i = lp->exit_count - n; i != lp->exit_count; i++) {
		const struct vp_exit_record *e = &lp->exits[i % LP_EXIT_RING];

		say("  %u.%u exit %llx rip %llx cr3 %llx in %llx out %llx info %llx %llx\n", e->partition_id, e->vp_index,
			 (unsigned long long)e->code, (unsigned long long)e->rip, (unsigned long long)e->cr3,
			 (unsigned long long)e->event_in, (unsigned long long)e->event_out,
			 (unsigned long long)e->info1, (unsigned long long)e->info2);
	}
}

static void say_lp(const struct lp *lp, const void *caller)
{
	say("LP %u, called from %p, ", lp->index, caller);
	if (lp->running)
		say("for partition %llu VP %u, its last exits:\n", (unsigned long long)lp->running->partition->id, lp->running->index);
	else
		say("for nobody yet\n");
	say_exits(lp);
}

static void say_build(void)
{
	say("Partita hv, build ");
	for (int i = 0; i < 8; i++)
		say("%02x", (unsigned char)hv_build_id[i]);
	say("\n");
}

void hv_panic(const char *format, ...)
{
	va_list args;

	asm volatile("cli");
	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_SEQ_CST))
		halt_for_good();
	machine_stop_other_lps();
	say("\nhv: stopped: ");
	va_start(args, format);
	vsay(format, args);
	va_end(args);
	say("\n");
	say_build();
	if (machine_lps_known())
		say_lp(this_lp(), __builtin_return_address(0));
	say("hv: end of report\n");
	restart_or_halt();
}

void hv_fault_for_test(void)
{
	if (panic_fault_test)
		*(volatile uint32_t *)FAULT_TEST_ADDRESS = 0;
}

void hv_panic_join(void)
{
	if (__atomic_load_n(&panicking, __ATOMIC_SEQ_CST))
		halt_for_good();
}

void hv_refuse(const char *format, ...)
{
	va_list args;

	say("\nPartita cannot start on this computer: ");
	va_start(args, format);
	vsay(format, args);
	va_end(args);
	say("\n");
	halt_for_good();
}

uintptr_t __stack_chk_guard;		/* set in boot/main.c before anything that uses it can return */
void __noreturn __stack_chk_fail(void);

void __stack_chk_fail(void)
{
	hv_panic("a function on LP %u overran its stack frame", machine_lps_known() ? this_lp()->index : 0);
}
