# SPDX-License-Identifier: Apache-2.0
# hv: freestanding, links nothing from outside hv/. build/hv/hv.elf is an ELF32 wrapper of 64-bit code, because QEMU's
# multiboot loader takes nothing else; build/hv/hv64.elf is the same image with symbols, for gdb and addr2line.

HV_DIRS := boot core synic hypercall intercept iommu lib arch/x86 arch/svm arch/vmx
HV_SOURCES := $(foreach d,$(HV_DIRS),$(wildcard hv/$(d)/*.c hv/$(d)/*.S)) $(HV_EXTRA_SOURCES)
HV_OBJECTS := $(patsubst %,$(B)/hv/obj/%.o,$(HV_SOURCES))
HV_CFLAGS := -std=gnu11 -O2 -g -pipe $(WARNINGS) -ffreestanding -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only \
	-mcmodel=small -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-delete-null-pointer-checks -fcf-protection=none \
	-fstack-protector-strong -mstack-protector-guard=global -ffunction-sections -Ihv/include -Ihv/include/abi -Ihv

all: $(B)/hv/hv.elf

$(B)/hv/hv.elf: $(B)/hv/hv64.elf
	objcopy -O elf32-i386 --strip-debug $< $@

$(B)/hv/hv64.elf: $(HV_OBJECTS) hv/hv.lds
	ld -nostdlib -static -z max-page-size=4096 --gc-sections --build-id=sha1 --no-warn-rwx-segments -T hv/hv.lds -o $@ $(HV_OBJECTS)

$(B)/hv/obj/%.c.o: %.c hv/rules.mk
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/hv/obj/%.S.o: %.S hv/rules.mk
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -D__ASSEMBLY__ -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(HV_OBJECTS))

.PHONY: hv
hv: $(B)/hv/hv.elf	## the hypervisor alone
