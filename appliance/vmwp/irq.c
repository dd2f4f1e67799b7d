/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt routing: device lines go to the PIC and the IOAPIC at once; their outputs become hypervisor calls.
 *
 * The PIC's INTR is an ExtINT that the hypervisor holds until the boot VP can take it. The PIC is acknowledged only once
 * that happened: whoever is about to look at or change the PIC asks first (irq_pic_was_taken), so no exit is spent on
 * the acknowledge cycle and a line that falls before the guest looks is taken back as on hardware.
 */
#include "vmwp/chipset/ioapic.h"
#include "vmwp/chipset/pic.h"
#include "vmwp/machine.h"

void irq_set(struct machine *m, unsigned int line, bool level)
{
	if (m->pic)			/* generation 2 has none */
		pic_set_line(m->pic, line, level);
	ioapic_set_line(m->ioapic, line == 0 ? 2 : line, level);	/* MADT: ISA IRQ 0 is GSI 2 */
}

void irq_pic_output(struct machine *m, bool asserted, uint8_t vector)
{
	struct hv_interrupt irq = { .type = HV_INTERRUPT_EXTINT, .destination = 0, .vector = vector };

	if (m->partition && asserted)
		(void)hv_partition_assert_interrupt(m->partition, &irq);
}

bool irq_pic_was_taken(struct machine *m)
{
	return m->partition && hv_partition_clear_extint(m->partition) == 0;
}

void irq_apic_eoi(struct machine *m, uint8_t vector)
{
	ioapic_eoi(m->ioapic, vector);
}
