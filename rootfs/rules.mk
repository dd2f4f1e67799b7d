# SPDX-License-Identifier: Apache-2.0
# The root partition: its kernel and its read-only root file system.

KERNEL := $(B)/kernel/bzImage
ROOTFS := $(B)/rootfs/rootfs.erofs

.PHONY: kernel rootfs
kernel: $(KERNEL)	## the root partition's kernel (cached; 12 minutes cold)
rootfs: $(ROOTFS)	## the root partition's read-only file system

$(KERNEL): rootfs/kernel/config rootfs/kernel/build-kernel.sh
	rootfs/kernel/build-kernel.sh $@
	@touch $@

# This file is read after those of the services, so PROGRAMS is complete here.
$(ROOTFS): rootfs/make-rootfs.sh rootfs/make-base.sh rootfs/packages rootfs/base-remove rootfs/users.conf \
		$(shell find rootfs/overlay rootfs/units ! -type l) $(PROGRAMS) $(UEFI_ROM) $(B)/ui/index.html
	@mkdir -p $(@D)
	rootfs/make-rootfs.sh $@ $(B)/bin $(B)/ui $(UEFI_ROM)
