# SPDX-License-Identifier: Apache-2.0
# The worker process. VMWP_CORE is everything but main.c, for the unit tests.
VMWP_CORE := $(filter-out appliance/vmwp/main.c,$(wildcard appliance/vmwp/*.c appliance/vmwp/*/*.c)) \
	$(wildcard appliance/hvclient/*.c) $(STORAGE_SOURCES) $(wildcard appliance/lib/*.c)
VMWP_PKGS := jansson libsystemd libseccomp $(STORAGE_PKGS)
VMWP_FLAGS := -pthread -I$(B)/gen -lZydis -lpthread	# Zydis has no pkg-config file

$(call c-program,vmwp,appliance/vmwp/main.c $(VMWP_CORE),$(VMWP_PKGS),$(VMWP_FLAGS))

# ASL → C arrays dsdt_aml_code[], dsdt2_aml_code[]
DSDT_HEX := $(B)/gen/dsdt.hex $(B)/gen/dsdt2.hex
$(DSDT_HEX): $(B)/gen/%.hex: appliance/vmwp/firmware/%.asl
	@mkdir -p $(@D)
	iasl -tc -p $(B)/gen/$* $< >$(B)/gen/$*.log 2>&1 || { cat $(B)/gen/$*.log; exit 1; }

# Our UEFI driver as option ROM, for generation 2 (firmware/uefi).
UEFI_ROM := $(B)/uefi/vmbus.rom
$(UEFI_ROM): $(wildcard appliance/vmwp/firmware/uefi/*)
	@echo '  uefi  $@'
	appliance/vmwp/firmware/uefi/build-driver.sh $@

# A VSP's unit test with the real server and a fake guest (tests/unit/vmbus/guest.h): $(call vmbus-test,NAME,SOURCES,PACKAGES,FLAGS)
vmbus-test = $(call c-test,$(1),$(2) tests/unit/vmbus/guest.c tests/unit/vmwp/fake_hv.c $(filter-out appliance/hvclient/%,$(VMWP_CORE)),$(VMWP_PKGS) $(3),$(VMWP_FLAGS) $(4))

appliance/vmwp/firmware/acpi.c: $(DSDT_HEX)
