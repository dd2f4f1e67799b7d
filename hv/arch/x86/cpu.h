/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions C cannot say, and the architectural bits hv uses (AMD APM 2 and 3; Intel SDM 3 and 4). */
#ifndef HV_X86_CPU_H
#define HV_X86_CPU_H

#include <hv/types.h>

#define CR0_PE			BIT(0)
#define CR0_MP			BIT(1)
#define CR0_ET			BIT(4)
#define CR0_NE			BIT(5)
#define CR0_WP			BIT(16)
#define CR0_NW			BIT(29)
#define CR0_CD			BIT(30)
#define CR0_PG			BIT(31)
#define CR4_PAE			BIT(5)
#define CR4_MCE			BIT(6)
#define CR4_OSFXSR		BIT(9)
#define CR4_OSXMMEXCPT		BIT(10)
#define CR4_OSXSAVE		BIT(18)
#define CR4_PKE			BIT(22)
#define EFER_LME		BIT(8)
#define EFER_LMA		BIT(10)
#define EFER_NXE		BIT(11)
#define EFER_SVME		BIT(12)
#define RFLAGS_TF		BIT(8)
#define RFLAGS_IF		BIT(9)
#define DR6_BREAKPOINTS		0xfull
#define DR6_BS			BIT(14)

#define MSR_TSC			0x10
#define MSR_APIC_BASE		0x1b
#define MSR_PRED_CMD		0x49
#define PRED_CMD_IBPB		BIT(0)
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_PAT			0x277
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SFMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_TSC_AUX		0xc0000103
#define MSR_VM_CR		0xc0010114
#define MSR_VM_HSAVE_PA		0xc0010117

#define APIC_BASE_ENABLE	BIT(11)
#define APIC_BASE_X2APIC	BIT(10)

#define VECTOR_DB		1
#define VECTOR_NMI		2
#define VECTOR_UD		6
#define VECTOR_GP		13
#define VECTOR_PF		14
#define VECTOR_MC		18

struct cpuid { uint32_t eax, ebx, ecx, edx; };

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return low | (uint64_t)high << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

/* MSR access that may fault (exception table in exceptions.S): false when the CPU refused it. */
bool rdmsr_safe(uint32_t msr, uint64_t *value);
bool wrmsr_safe(uint32_t msr, uint64_t value);
bool xsetbv_safe(uint32_t index, uint64_t value);

static inline uint64_t xgetbv(uint32_t index)
{
	uint32_t low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
	return low | (uint64_t)high << 32;
}

static inline void xsetbv(uint32_t index, uint64_t value)
{
	asm volatile("xsetbv" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

#define CONTROL_REGISTER(name) \
	static inline uint64_t read_##name(void) { uint64_t v; asm volatile("mov %%" #name ", %0" : "=r"(v) : : "memory"); return v; } \
	static inline void write_##name(uint64_t v) { asm volatile("mov %0, %%" #name : : "r"(v) : "memory"); }
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)
CONTROL_REGISTER(cr8)
CONTROL_REGISTER(dr0)
CONTROL_REGISTER(dr1)
CONTROL_REGISTER(dr2)
CONTROL_REGISTER(dr3)
CONTROL_REGISTER(dr6)
#undef CONTROL_REGISTER

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return low | (uint64_t)high << 32;
}

static inline void cpu_pause(void)
{
	__builtin_ia32_pause();
}

#define PORT(bits, letter) \
	static inline uint##bits##_t in##bits(uint16_t port) \
	{ uint##bits##_t v; asm volatile("in" letter " %1, %0" : "=a"(v) : "Nd"(port)); return v; } \
	static inline void out##bits(uint16_t port, uint##bits##_t v) { asm volatile("out" letter " %0, %1" : : "a"(v), "Nd"(port)); }
PORT(8, "b")
PORT(16, "w")
PORT(32, "l")
#undef PORT

#endif
