/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power-off and reset. The root asks by hypercall to enter S5 and must not come back, so hv writes PM1 control itself
 * (ACPI 6.5, 4.8.3.2). Reset: the FADT's register, then the chipset's, the keyboard controller, and a triple fault.
 */
#include <arch/x86/cpu.h>
#include <boot/power.h>
#include <hv/console.h>
#include <hv/panic.h>
#include <hv/root.h>
#include <hv/string.h>

#define FADT_PM1A_CONTROL	64
#define FADT_PM1B_CONTROL	68
#define FADT_FLAGS		112
#define FADT_RESET_REGISTER	116
#define FADT_RESET_VALUE	128
#define FADT_X_PM1A_CONTROL	172
#define FADT_X_PM1B_CONTROL	184
#define FADT_RESET_SUPPORTED	BIT(10)
#define ADDRESS_IS_PORT		1
#define PM1_SLEEP_TYPE(type)	((uint16_t)(((type) & 7) << 10))
#define PM1_SLEEP_TYPE_MASK	PM1_SLEEP_TYPE(7)
#define PM1_SLEEP_ENABLE	((uint16_t)BIT(13))
#define SLEEP_STATES		6

struct acpi_address { uint8_t space, width, offset, access; uint64_t address; } __packed;

static uint16_t pm1a_port, pm1b_port;
static uint16_t reset_port;
static uint8_t reset_value;
static struct sleep_type { bool known; uint8_t pm1a, pm1b; } sleep_types[SLEEP_STATES];

static uint16_t pm1_port(const uint8_t *fadt, uint32_t length, uint32_t at, uint32_t extended_at)
{
	struct acpi_address extended;
	uint32_t port = 0;

	if (at + 4 <= length)
		memcpy(&port, fadt + at, 4);
	if (extended_at + sizeof(extended) <= length) {
		memcpy(&extended, fadt + extended_at, sizeof(extended));
		if (extended.space == ADDRESS_IS_PORT && extended.address)
			port = (uint32_t)extended.address;
	}
	return (uint16_t)port;
}

void power_read_fadt(const void *fadt, uint32_t length)
{
	struct acpi_address reset;
	uint32_t flags;

	pm1a_port = pm1_port(fadt, length, FADT_PM1A_CONTROL, FADT_X_PM1A_CONTROL);
	pm1b_port = pm1_port(fadt, length, FADT_PM1B_CONTROL, FADT_X_PM1B_CONTROL);
	if (length <= FADT_RESET_VALUE)
		return;
	memcpy(&flags, (const char *)fadt + FADT_FLAGS, 4);
	memcpy(&reset, (const char *)fadt + FADT_RESET_REGISTER, sizeof(reset));
	if ((flags & FADT_RESET_SUPPORTED) && reset.space == ADDRESS_IS_PORT)
		reset_port = (uint16_t)reset.address;
	reset_value = ((const uint8_t *)fadt)[FADT_RESET_VALUE];
}

bool machine_set_sleep_type(uint32_t state, uint8_t pm1a, uint8_t pm1b)
{
	if (state >= SLEEP_STATES)
		return false;
	sleep_types[state] = (struct sleep_type){ true, pm1a, pm1b };
	return true;
}

static void pm1_write(uint16_t port, uint8_t type)
{
	if (port)
		out16(port, (uint16_t)((in16(port) & ~PM1_SLEEP_TYPE_MASK) | PM1_SLEEP_TYPE(type) | PM1_SLEEP_ENABLE));
}

void machine_enter_sleep(uint32_t state)
{
	if (state >= SLEEP_STATES || !sleep_types[state].known || !pm1a_port)
		return;
	hv_log(LOG_INFO, "entering sleep state S%u\n", state);
	pm1_write(pm1a_port, sleep_types[state].pm1a);
	pm1_write(pm1b_port, sleep_types[state].pm1b);
	for (uint32_t i = 0; state == 5 || i < 1000000; i++)	/* the chipset needs a moment; from S5 there is no return */
		cpu_pause();
}

static void reset_wait(void)
{
	for (uint32_t i = 0; i < 10000000; i++)
		cpu_pause();
}

void machine_reset(void)
{
	hv_log(LOG_INFO, "resetting the machine\n");
	machine_reset_now();
}

void machine_reset_now(void)
{
	static const struct { uint64_t limit_and_base[2]; } no_idt;

	if (reset_port)
		out8(reset_port, reset_value);
	reset_wait();
	out8(0xcf9, 0x06);
	reset_wait();
	out8(0x64, 0xfe);
	reset_wait();
	asm volatile("lidt %0; ud2" : : "m"(no_idt));
	__builtin_unreachable();
}
