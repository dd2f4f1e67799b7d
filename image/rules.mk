# SPDX-License-Identifier: Apache-2.0
# The disk image, and running it in QEMU.

IMAGE := $(B)/image/partita.raw

.PHONY: image start stop status
image: $(IMAGE) $(IMAGE).zst	## the disk image, raw and compressed for flashing
	@printf 'image: %s MiB compressed (%s)\n' "$$(($$(stat -c %s $(IMAGE).zst) >> 20))" $(IMAGE).zst

$(IMAGE): image/make-image.sh image/partitions image/loader/grub.cfg image/loader/kernel-options \
		$(B)/hv/hv.elf $(KERNEL) $(ROOTFS)
	@mkdir -p $(@D)
	image/make-image.sh $@ $(B)/hv/hv.elf $(KERNEL) $(ROOTFS)

$(IMAGE).zst: $(IMAGE)
	zstd -q -f -T0 -9 $< -o $@

# PORT= MEM= CPUS= FRESH=1, and for developers BOOT=image|hv|kernel HV_OPTIONS= KERNEL_OPTIONS=, reach the script as environment.
start: $(IMAGE)	## boot the image in QEMU in the background; build/run/appliance.json tells how to reach it
	@image/run/appliance.sh start
stop:	## shut the running appliance down
	@image/run/appliance.sh stop
status:	## is the appliance running and answering?
	@image/run/appliance.sh status || :
