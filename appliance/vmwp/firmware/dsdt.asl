/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ACPI calls the differentiated description: the board of a generation-1 machine. Compiled by iasl at build time.
 * Says the same as chipset/: PIRQ A,B → GSI 10, C,D → 11 (chipset/pci.c), PM block at 0x600 (chipset/pm.c), S5 type 0.
 */
DefinitionBlock ("dsdt.aml", "DSDT", 2, "PARTIT", "PARTITA1", 0x00000001)
{
	Name (\_S0, Package (4) { 0x07, 0x07, 0, 0 })
	Name (\_S5, Package (4) { 0x00, 0x00, 0, 0 })
	Name (\PICM, 0)
	Method (\_PIC, 1) { \PICM = Arg0 }

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0xff, 0, 0x100)
				IO (Decode16, 0x0cf8, 0x0cf8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0000, 0x0cf7, 0, 0x0cf8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0d00, 0xffff, 0, 0xf300)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
					0, 0x000a0000, 0x000bffff, 0, 0x00020000)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
					0, 0xf8000000, 0xfebfffff, 0, 0x06c00000)
			})
			Name (_PRT, Package ()
			{	/* line (slot - 1 + pin) % 4 of 10, 10, 11, 11 */
				Package (4) { 0x0001ffff, 0, 0, 10 }, Package (4) { 0x0001ffff, 1, 0, 10 },
				Package (4) { 0x0001ffff, 2, 0, 11 }, Package (4) { 0x0001ffff, 3, 0, 11 },
				Package (4) { 0x0002ffff, 0, 0, 10 }, Package (4) { 0x0002ffff, 1, 0, 11 },
				Package (4) { 0x0002ffff, 2, 0, 11 }, Package (4) { 0x0002ffff, 3, 0, 10 },
				Package (4) { 0x0003ffff, 0, 0, 11 }, Package (4) { 0x0003ffff, 1, 0, 11 },
				Package (4) { 0x0003ffff, 2, 0, 10 }, Package (4) { 0x0003ffff, 3, 0, 10 },
				Package (4) { 0x0004ffff, 0, 0, 11 }, Package (4) { 0x0004ffff, 1, 0, 10 },
				Package (4) { 0x0004ffff, 2, 0, 10 }, Package (4) { 0x0004ffff, 3, 0, 11 },
			})

			Device (ISA)
			{
				Name (_ADR, 0x00010000)

				Device (KBD)
				{
					Name (_HID, EisaId ("PNP0303"))
					Name (_STA, 0x0f)
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0060, 0x0060, 1, 1)
						IO (Decode16, 0x0064, 0x0064, 1, 1)
						IRQNoFlags () { 1 }
					})
				}
				Device (MOU)
				{
					Name (_HID, EisaId ("PNP0F13"))
					Name (_STA, 0x0f)
					Name (_CRS, ResourceTemplate () { IRQNoFlags () { 12 } })
				}
				Device (COM1)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 1)
					Name (_STA, 0x0f)
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x03f8, 0x03f8, 1, 8)
						IRQNoFlags () { 4 }
					})
				}
				Device (COM2)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 2)
					Name (_STA, 0x0f)
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x02f8, 0x02f8, 1, 8)
						IRQNoFlags () { 3 }
					})
				}
				Device (RTC)
				{
					Name (_HID, EisaId ("PNP0B00"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0070, 0x0070, 1, 8)
						IRQNoFlags () { 8 }
					})
				}
				Device (PIC)
				{
					Name (_HID, EisaId ("PNP0000"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0020, 0x0020, 1, 2)
						IO (Decode16, 0x00a0, 0x00a0, 1, 2)
						IO (Decode16, 0x04d0, 0x04d0, 1, 2)
						IRQNoFlags () { 2 }
					})
				}
				Device (TIMR)
				{
					Name (_HID, EisaId ("PNP0100"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0040, 0x0040, 1, 4)
						IRQNoFlags () { 0 }
					})
				}
				Device (DMAC)
				{
					Name (_HID, EisaId ("PNP0200"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0000, 0x0000, 1, 0x10)
						IO (Decode16, 0x0080, 0x0080, 1, 0x10)
						IO (Decode16, 0x00c0, 0x00c0, 1, 0x20)
						DMA (Compatibility, NotBusMaster, Transfer8) { 4 }
					})
				}
				Device (SYSR)	/* ports of the board that no driver may take */
				{
					Name (_HID, EisaId ("PNP0C02"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0061, 0x0061, 1, 1)
						IO (Decode16, 0x0092, 0x0092, 1, 1)
						IO (Decode16, 0x0510, 0x0510, 1, 12)
						IO (Decode16, 0x0600, 0x0600, 1, 0x40)
					})
				}
				Device (VMBS)	/* below the PCI root: its memory window above is where guests place VMBus MMIO */
				{
					Name (_HID, "MSFT1000")
					Name (_CID, "VMBus")
					Name (_UID, 0)
					Name (_DDN, "VMBUS")
					Name (_STA, 0x0f)
					Name (_CRS, ResourceTemplate () { IRQ (Edge, ActiveHigh, Exclusive) { 5 } })
				}
			}
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
