/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ACPI calls the differentiated description: the board of a generation-2 machine. Compiled by iasl at build time.
 * Says the same as chipset/: PM block at 0x600 (chipset/pm.c), S5 type 0, configuration space at 0xe0000000 (chipset/q35.c).
 */
DefinitionBlock ("dsdt2.aml", "DSDT", 2, "PARTIT", "PARTITA2", 0x00000001)
{
	Name (\_S0, Package (4) { 0x07, 0x07, 0, 0 })
	Name (\_S5, Package (4) { 0x00, 0x00, 0, 0 })

	Scope (\_SB)
	{
		Device (VMOD)	/* memory that VMBus devices may be placed in: Windows looks for the arbiter ACPI0004 */
		{
			Name (_HID, "ACPI0004")
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate ()
			{
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
					0, 0xf8000000, 0xfebfffff, 0, 0x06c00000)
				/* Above all memory: acpi.c puts the place in, looking for 0x777700000000. */
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
					0, 0x0000777700000000, 0x000077771fffffff, 0, 0x20000000)
			})

			Device (VMBS)
			{
				Name (_HID, "MSFT1000")
				Name (_CID, "VMBus")
				Name (_UID, 0)
				Name (_ADR, 0)
				Name (_DDN, "VMBUS")
				Name (_STA, 0x0f)
				Name (_CRS, ResourceTemplate () { IRQ (Edge, ActiveHigh, Exclusive) { 5 } })
				Method (_DIS, 0) { }
				Method (_PS0, 0) { }
				Method (_PS3, 0) { }
			}
		}

		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0xff, 0, 0x100)
				IO (Decode16, 0x0cf8, 0x0cf8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0000, 0x0cf7, 0, 0x0cf8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0d00, 0xffff, 0, 0xf300)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
					0, 0xc0000000, 0xdfffffff, 0, 0x20000000)
			})
		}

		Device (UAR1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x03f8, 0x03f8, 1, 8)
				IRQ (Edge, ActiveHigh, Exclusive) { 4 }
			})
		}
		Device (UAR2)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 2)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x02f8, 0x02f8, 1, 8)
				IRQ (Edge, ActiveHigh, Exclusive) { 3 }
			})
		}
		Device (RTC0)
		{
			Name (_HID, EisaId ("PNP0B00"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x0070, 0x0070, 1, 2)
				IRQ (Edge, ActiveHigh, Exclusive) { 8 }
			})
		}
		Device (SYSR)	/* ports and memory of the board that no driver may take */
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x0092, 0x0092, 1, 1)
				IO (Decode16, 0x0510, 0x0510, 1, 12)
				IO (Decode16, 0x0600, 0x0600, 1, 0x80)
				Memory32Fixed (ReadWrite, 0xe0000000, 0x10000000)
				Memory32Fixed (ReadWrite, 0xfed1c000, 0x4000)
			})
		}
		Device (APIC)	/* keeps others out of the interrupt controllers' pages */
		{
			Name (_HID, EisaId ("PNP0003"))
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadWrite, 0xfee00000, 0x1000)
				Memory32Fixed (ReadWrite, 0xfec00000, 0x1000)
			})
		}
	}
}
