# SPDX-License-Identifier: Apache-2.0
# Real guests that compete for memory and processors; part of `make test-all`.
RESOURCES := $(B)/tests/resources
$(RESOURCES)/eater: tests/resources/eater.c
	@mkdir -p $(@D)
	@echo '  cc    $@'
	$(CC) $(CFLAGS) -static -o $@ $<

$(RESOURCES)/sweep.bin: tests/resources/sweep.S
	@mkdir -p $(@D)
	@echo '  as    $@'
	$(CC) -m32 -nostdlib -static -no-pie -Wl,--build-id=none,-Ttext=0x7c00,--oformat=binary -o $@ $<

$(RESOURCES)/guest.iso: tests/resources/make-guest.sh tests/resources/init $(RESOURCES)/eater tests/guest/linux/packages.sh
	@echo '  iso   $@'
	tests/resources/make-guest.sh $@ $(RESOURCES)/eater

.PHONY: test-resources
test-resources: $(IMAGE) $(RESOURCES)/guest.iso $(RESOURCES)/sweep.bin $(B)/hv/hv.elf $(KERNEL) $(B)/bin/vmwp $(B)/tests/worker-drive	## real guests compete for memory and processors of an appliance (MEM=12G); an hour
	@tests/resources/run.sh
