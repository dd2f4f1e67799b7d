/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event that is to be delivered to a guest, or was being delivered when it exited: as both vendors have it in 32 bits (AMD APM 2,
 * 15.20; Intel SDM 3, 25.8.3), the error code above.
 */
#ifndef HV_X86_EVENT_H
#define HV_X86_EVENT_H

#include <abi/hv_register.h>
#include <hv/types.h>

#define EVENT_VECTOR(e)		((uint8_t)(e))
#define EVENT_TYPE(e)		((unsigned int)((e) >> 8) & 7)	/* the same numbers as enum hv_interruption_type */
#define EVENT_INTERRUPT		0u
#define EVENT_NMI		2u
#define EVENT_EXCEPTION		3u
#define EVENT_SOFTWARE		4u				/* INT n; VT-x: 5 is INT1, 6 are INT3 and INTO */
#define EVENT_MAKE(type, vector) (EVENT_VALID | (uint64_t)(type) << 8 | (vector))
#define EVENT_HAS_ERROR		BIT(11)
#define EVENT_VALID		BIT(31)
#define EVENT_ERROR(e)		((uint32_t)((e) >> 32))

/*
 * What the exit interrupted and is to be delivered again, or 0. INT n and its like are simply executed again: RIP is still there.
 * AMD-V has INT3 and INTO as exceptions, which nothing else raises.
 */
static inline uint64_t event_to_deliver_again(uint64_t event)
{
	bool by_instruction = EVENT_TYPE(event) >= EVENT_SOFTWARE ||
			      (EVENT_TYPE(event) == EVENT_EXCEPTION && (EVENT_VECTOR(event) == 3 || EVENT_VECTOR(event) == 4));

	return (event & EVENT_VALID) && !by_instruction ? event : 0;
}

#endif
