# SPDX-License-Identifier: Apache-2.0
# child-tests: a small guest (flat image) and the VMM that carries it. Not part of `make all`: tests/boot/*.sh build it. Static,
# because the boot tests' root disk has no libraries.
CHILD := tests/boot/child
CHILD_GUEST_CFLAGS := -std=gnu11 -O2 -g0 $(WARNINGS) -ffreestanding -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only -mcmodel=small \
	-fno-asynchronous-unwind-tables -fno-stack-protector -fcf-protection=none -fno-strict-aliasing -Ihv/include/abi

$(B)/tests/child/guest.bin: $(sort $(wildcard $(CHILD)/guest*.c $(CHILD)/guest*.S)) $(wildcard $(CHILD)/*.h) $(CHILD)/guest.lds
	@mkdir -p $(@D)
	$(CC) $(CHILD_GUEST_CFLAGS) -nostdlib -static -Wl,--build-id=none -T $(CHILD)/guest.lds -o $@ $(filter %.c %.S,$^)

$(B)/tests/child-tests: $(CHILD)/vmm.c $(wildcard $(CHILD)/test_*.c) $(wildcard $(CHILD)/*.h) $(B)/tests/child/guest.bin
	$(CC) $(CFLAGS) $(INCLUDES) -DGUEST_IMAGE='"$(B)/tests/child/guest.bin"' -static -pthread -o $@ $(filter %.c,$^)

# dma-test tells a device to reach where it must not: for devices_cannot_reach_hv.sh.
$(B)/tests/dma-test: tests/boot/dma/dma.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(INCLUDES) -static -o $@ $<
