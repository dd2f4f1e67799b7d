/* SPDX-License-Identifier: Apache-2.0 */
/* ACPI 6.5 tables that our machines have, chapter 5.2. All packed, little-endian. */
#ifndef VMWP_FIRMWARE_ACPI_LAYOUT_H
#define VMWP_FIRMWARE_ACPI_LAYOUT_H

#include <stdint.h>

#define ACPI_PACKED __attribute__((packed))

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} ACPI_PACKED;

struct acpi_address { uint8_t space, bit_width, bit_offset, access_size; uint64_t address; } ACPI_PACKED;

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} ACPI_PACKED;

struct acpi_facs {
	char signature[4];
	uint32_t length, hardware_signature, waking_vector, global_lock, flags;
	uint64_t x_waking_vector;
	uint8_t version, reserved[31];
} ACPI_PACKED;

struct acpi_fadt {
	struct acpi_header header;
	uint32_t facs, dsdt;
	uint8_t reserved0, profile;
	uint16_t sci_interrupt;
	uint32_t smi_command;
	uint8_t acpi_enable, acpi_disable, s4bios_request, pstate_control;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
	uint8_t pm1_event_length, pm1_control_length, pm2_control_length, pm_timer_length, gpe0_length, gpe1_length;
	uint8_t gpe1_base, cstate_control;
	uint16_t c2_latency, c3_latency, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_architecture;
	uint8_t reserved1;
	uint32_t flags;
	struct acpi_address reset;
	uint8_t reset_value;
	uint16_t arm_boot_architecture;
	uint8_t minor_version;
	uint64_t x_facs, x_dsdt;
	struct acpi_address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control, x_pm_timer, x_gpe0, x_gpe1;
	struct acpi_address sleep_control, sleep_status;
	uint64_t hypervisor_vendor;
} ACPI_PACKED;

struct madt_head { struct acpi_header header; uint32_t lapic_address, flags; } ACPI_PACKED;
struct madt_lapic { uint8_t type, length, uid, apic_id; uint32_t flags; } ACPI_PACKED;
struct madt_ioapic { uint8_t type, length, id, reserved; uint32_t address, gsi_base; } ACPI_PACKED;
struct madt_override { uint8_t type, length, bus, irq; uint32_t gsi; uint16_t flags; } ACPI_PACKED;
struct madt_lapic_nmi { uint8_t type, length, uid; uint16_t flags; uint8_t lint; } ACPI_PACKED;
struct acpi_mcfg {
	struct acpi_header header;
	uint64_t reserved0, base;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved1;
} ACPI_PACKED;
struct acpi_waet { struct acpi_header header; uint32_t flags; } ACPI_PACKED;

_Static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP");
_Static_assert(sizeof(struct acpi_facs) == 64, "FACS");
_Static_assert(sizeof(struct acpi_mcfg) == 60, "MCFG with one entry");
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT, revision 6");

#endif
