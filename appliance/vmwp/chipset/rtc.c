/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MC146818 real-time clock with 128 bytes of CMOS at ports 0x70/0x71. The time of day is the host's UTC plus what the
 * guest set; alarms, periodic and update-ended interrupts raise IRQ 8.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/state.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define NS		1000000000ull
#define PORT_INDEX	0x70
#define IRQ_RTC		8

#define REG_SECONDS	0x00
#define REG_SECONDS_ALARM 0x01
#define REG_MINUTES	0x02
#define REG_HOURS	0x04
#define REG_WEEKDAY	0x06
#define REG_DAY		0x07
#define REG_MONTH	0x08
#define REG_YEAR	0x09
#define REG_A		0x0a
#define REG_B		0x0b
#define REG_C		0x0c
#define REG_D		0x0d
#define REG_CENTURY	0x32

#define A_UPDATING	0x80
#define B_24_HOURS	0x02
#define B_BINARY	0x04
#define B_UPDATE_IRQ	0x10
#define B_ALARM_IRQ	0x20
#define B_PERIODIC_IRQ	0x40
#define B_HALTED	0x80
#define C_UPDATE	0x10
#define C_ALARM		0x20
#define C_PERIODIC	0x40
#define C_IRQ		0x80
#define D_VALID		0x80
#define OFFSET_MAX_S	(10000ll * 366 * 86400)	/* what the registers can say */

struct rtc {
	uint8_t index;
	uint8_t cmos[128];
	int64_t offset_s;		/* guest's clock less the host's */
	struct tm halted;		/* the clock while SET (B bit 7) is on */
	struct device_timer *timer;
	uint64_t next_periodic_ns, next_second_ns;
};

static struct tm rtc_now(struct rtc *rtc)
{
	time_t now = time(NULL) + (time_t)rtc->offset_s;
	struct tm tm;

	if (rtc->cmos[REG_B] & B_HALTED)
		return rtc->halted;
	gmtime_r(&now, &tm);
	return tm;
}

/* The guest may have set a clock that is halted to anything. */
static uint8_t rtc_encode(const struct rtc *rtc, int value)
{
	unsigned int n = (unsigned int)value;

	return (uint8_t)(rtc->cmos[REG_B] & B_BINARY ? n : n / 10 % 10 << 4 | n % 10);
}

static int rtc_decode(const struct rtc *rtc, uint8_t value)
{
	return rtc->cmos[REG_B] & B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static uint8_t rtc_encode_hour(const struct rtc *rtc, int hour)
{
	if (rtc->cmos[REG_B] & B_24_HOURS)
		return rtc_encode(rtc, hour);
	return rtc_encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0);
}

static int rtc_decode_hour(const struct rtc *rtc, uint8_t value)
{
	if (rtc->cmos[REG_B] & B_24_HOURS)
		return rtc_decode(rtc, value);
	return rtc_decode(rtc, value & 0x7f) % 12 + (value & 0x80 ? 12 : 0);
}

static uint8_t rtc_read_clock(struct rtc *rtc, uint8_t reg)
{
	struct tm tm = rtc_now(rtc);

	switch (reg) {
	case REG_SECONDS: return rtc_encode(rtc, tm.tm_sec);
	case REG_MINUTES: return rtc_encode(rtc, tm.tm_min);
	case REG_HOURS: return rtc_encode_hour(rtc, tm.tm_hour);
	case REG_WEEKDAY: return rtc_encode(rtc, tm.tm_wday + 1);
	case REG_DAY: return rtc_encode(rtc, tm.tm_mday);
	case REG_MONTH: return rtc_encode(rtc, tm.tm_mon + 1);
	case REG_YEAR: return rtc_encode(rtc, tm.tm_year % 100);
	default: return rtc_encode(rtc, (tm.tm_year + 1900) / 100);
	}
}

static void rtc_write_clock(struct rtc *rtc, uint8_t reg, uint8_t value)
{
	struct tm tm = rtc_now(rtc);
	int n = rtc_decode(rtc, value);

	switch (reg) {
	case REG_SECONDS: tm.tm_sec = n; break;
	case REG_MINUTES: tm.tm_min = n; break;
	case REG_HOURS: tm.tm_hour = rtc_decode_hour(rtc, value); break;
	case REG_DAY: tm.tm_mday = n; break;
	case REG_MONTH: tm.tm_mon = n - 1; break;
	case REG_YEAR: tm.tm_year = tm.tm_year / 100 * 100 + n; break;
	case REG_CENTURY: tm.tm_year = n * 100 - 1900 + tm.tm_year % 100; break;
	default: return;		/* the weekday follows from the date */
	}
	if (rtc->cmos[REG_B] & B_HALTED)
		rtc->halted = tm;
	else
		rtc->offset_s = (int64_t)timegm(&tm) - (int64_t)time(NULL);
}

static bool rtc_is_clock(uint8_t reg)
{
	return reg == REG_CENTURY || (reg <= REG_YEAR && (reg > 0x05 || !(reg & 1)));
}

/* Register A, rate: 0 is off, 1 and 2 stand for 8 and 9 (with the 32 kHz time base), else 32768 Hz >> (rate - 1). */
static uint64_t rtc_period_ns(const struct rtc *rtc)
{
	unsigned int rate = rtc->cmos[REG_A] & 15;

	if (rate == 0)
		return 0;
	if (rate <= 2)
		rate += 7;
	return NS * (1ull << (rate - 1)) / 32768;
}

static void rtc_schedule(struct device *dev)
{
	struct rtc *rtc = device_state(dev);
	uint64_t now = machine_now_ns(dev->machine), period = rtc_period_ns(rtc), next = 0;

	rtc->next_periodic_ns = rtc->cmos[REG_B] & B_PERIODIC_IRQ && period ? now + period : 0;
	rtc->next_second_ns = rtc->cmos[REG_B] & (B_UPDATE_IRQ | B_ALARM_IRQ) ? now + NS : 0;
	next = rtc->next_periodic_ns;
	if (rtc->next_second_ns && (!next || rtc->next_second_ns < next))
		next = rtc->next_second_ns;
	device_timer_arm(rtc->timer, next);
}

static bool rtc_alarm_matches(struct rtc *rtc)
{
	static const uint8_t clock[3] = { REG_SECONDS, REG_MINUTES, REG_HOURS };

	for (unsigned int i = 0; i < 3; i++) {
		uint8_t alarm = rtc->cmos[clock[i] + 1];

		if (alarm < 0xc0 && alarm != rtc_read_clock(rtc, clock[i]))	/* 0xc0..0xff: don't care */
			return false;
	}
	return true;
}

static void rtc_raise(struct device *dev, uint8_t flags)
{
	struct rtc *rtc = device_state(dev);

	rtc->cmos[REG_C] |= flags;
	if (!(rtc->cmos[REG_C] & rtc->cmos[REG_B] & (B_PERIODIC_IRQ | B_ALARM_IRQ | B_UPDATE_IRQ)))
		return;
	rtc->cmos[REG_C] |= C_IRQ;
	irq_set(dev->machine, IRQ_RTC, true);
}

static void rtc_fire(struct device *dev)
{
	struct rtc *rtc = device_state(dev);
	uint64_t now = machine_now_ns(dev->machine);
	uint8_t flags = 0;

	if (rtc->next_periodic_ns && now >= rtc->next_periodic_ns) {
		flags |= C_PERIODIC;
		rtc->next_periodic_ns = now + rtc_period_ns(rtc);
	}
	if (rtc->next_second_ns && now >= rtc->next_second_ns) {
		flags |= C_UPDATE | (rtc_alarm_matches(rtc) ? C_ALARM : 0);
		rtc->next_second_ns = now + NS;
	}
	rtc_raise(dev, flags);
	if (rtc->next_periodic_ns && (!rtc->next_second_ns || rtc->next_periodic_ns < rtc->next_second_ns))
		device_timer_arm(rtc->timer, rtc->next_periodic_ns);
	else
		device_timer_arm(rtc->timer, rtc->next_second_ns);
}

static uint8_t rtc_read_c(struct device *dev)
{
	struct rtc *rtc = device_state(dev);
	uint8_t flags = rtc->cmos[REG_C];

	rtc->cmos[REG_C] = 0;
	irq_set(dev->machine, IRQ_RTC, false);
	return flags;
}

static uint8_t rtc_cmos_read(struct device *dev, uint8_t reg)
{
	struct rtc *rtc = device_state(dev);

	if (rtc_is_clock(reg))
		return rtc_read_clock(rtc, reg);
	if (reg == REG_C)
		return rtc_read_c(dev);
	return rtc->cmos[reg];
}

static void rtc_write_b(struct device *dev, uint8_t value)
{
	struct rtc *rtc = device_state(dev);
	struct tm tm = rtc_now(rtc);
	bool was_halted = rtc->cmos[REG_B] & B_HALTED;

	rtc->cmos[REG_B] = value;
	if (value & B_HALTED && !was_halted)
		rtc->halted = tm;
	else if (!(value & B_HALTED) && was_halted)
		rtc->offset_s = (int64_t)timegm(&tm) - (int64_t)time(NULL);
	rtc_schedule(dev);
}

static void rtc_cmos_write(struct device *dev, uint8_t reg, uint8_t value)
{
	struct rtc *rtc = device_state(dev);

	if (rtc_is_clock(reg)) {
		rtc_write_clock(rtc, reg, value);
	} else if (reg == REG_A) {
		rtc->cmos[REG_A] = value & ~A_UPDATING;
		rtc_schedule(dev);
	} else if (reg == REG_B) {
		rtc_write_b(dev, value);
	} else if (reg != REG_C && reg != REG_D) {
		rtc->cmos[reg] = value;
	}
}

static uint32_t rtc_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct rtc *rtc = device_state(dev);

	if (port == PORT_INDEX)
		return port_float(size);
	return rtc_cmos_read(dev, rtc->index);
}

static void rtc_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct rtc *rtc = device_state(dev);

	(void)size;
	if (port == PORT_INDEX)
		rtc->index = value & 0x7f;	/* bit 7 masks NMIs, of which this machine has none */
	else
		rtc_cmos_write(dev, rtc->index, (uint8_t)value);
}

void rtc_set_cmos(struct device *dev, uint8_t reg, uint8_t value)
{
	struct rtc *rtc = device_state(dev);

	rtc->cmos[reg & 0x7f] = value;
}

static int rtc_init(struct device *dev)
{
	struct rtc *rtc = device_state(dev);

	rtc->timer = device_timer_new(dev, rtc_fire);
	rtc->cmos[REG_A] = 0x26;
	rtc->cmos[REG_B] = B_24_HOURS;
	rtc->cmos[REG_D] = D_VALID;
	return rtc->timer ? 0 : -ENOMEM;
}

static void rtc_reset(struct device *dev)	/* battery backed: only the interrupt enables and flags go */
{
	struct rtc *rtc = device_state(dev);

	rtc->cmos[REG_B] &= ~(B_PERIODIC_IRQ | B_ALARM_IRQ | B_UPDATE_IRQ | B_HALTED);
	rtc->cmos[REG_C] = 0;
	rtc->index = 0;
	device_timer_arm(rtc->timer, 0);
}

/* The clock went on while the VM was away: only its distance to the host's is kept. */
static void rtc_state(struct device *dev, struct state *s)
{
	struct rtc *rtc = device_state(dev);
	int64_t halted = rtc->cmos[REG_B] & B_HALTED ? (int64_t)timegm(&rtc->halted) : 0;
	uint64_t halted_wire = (uint64_t)halted, offset_wire = (uint64_t)rtc->offset_s;
	time_t stopped;

	state_u8(s, &rtc->index);
	state_bytes(s, rtc->cmos, sizeof(rtc->cmos));
	state_u64(s, &offset_wire);
	state_u64(s, &halted_wire);
	if (rtc->index >= sizeof(rtc->cmos))
		state_refuse(s);
	if (!state_loading(s) || state_error(s))
		return;
	rtc->offset_s = (int64_t)offset_wire;
	stopped = (time_t)halted_wire;
	if (!gmtime_r(&stopped, &rtc->halted) || rtc->offset_s > OFFSET_MAX_S || rtc->offset_s < -OFFSET_MAX_S)
		state_refuse(s);
	else
		rtc_schedule(dev);
}

const struct device_model rtc_model = {
	.name = "rtc", .state_size = sizeof(struct rtc), .state_version = 1,
	.ports = { { PORT_INDEX, 2, rtc_port_read, rtc_port_write, NULL, NULL } },
	.init = rtc_init, .reset = rtc_reset, .state = rtc_state,
};
