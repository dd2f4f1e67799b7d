/* SPDX-License-Identifier: Apache-2.0 */
/* Types every part of hv shares: addresses that cannot be mixed, TLFS status codes, small helpers. */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { uint64_t addr; } gpa_t;	/* a guest's own number; never dereferenced */
typedef struct { uint64_t addr; } spa_t;	/* where the bytes are */

typedef uint16_t hv_status_t;			/* hv_status.h in include/abi has the codes (TLFS, appendix) */

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096ull
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define BIT(n)		(1ull << (n))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	(((x) + (a) - 1) & ~((uint64_t)(a) - 1))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define __noreturn	__attribute__((noreturn))
#define __noinline	__attribute__((noinline))

#endif
