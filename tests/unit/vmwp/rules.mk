# SPDX-License-Identifier: Apache-2.0
# The worker's core on a hypervisor that only remembers (fake_hv.c).
VMWP_TEST = tests/unit/vmwp/$(1).c tests/unit/vmwp/fake_hv.c $(filter-out appliance/hvclient/%,$(VMWP_CORE))

$(call c-test,vmwp_emulator,tests/unit/vmwp/test_emulator.c $(addprefix appliance/vmwp/vp/,emulator.c strings.c alu.c),,-lZydis)
$(call c-test,vmwp_chipset,$(call VMWP_TEST,test_chipset),$(VMWP_PKGS),$(VMWP_FLAGS))
$(call c-test,vmwp_firmware,$(call VMWP_TEST,test_firmware),$(VMWP_PKGS),$(VMWP_FLAGS))
$(call c-test,vmwp_port_io,$(call VMWP_TEST,test_port_io),$(VMWP_PKGS),$(VMWP_FLAGS))
$(call c-test,vmwp_lifecycle,$(call VMWP_TEST,test_lifecycle),$(VMWP_PKGS),$(VMWP_FLAGS))
$(call c-test,vmwp_uefi,$(call VMWP_TEST,test_uefi),$(VMWP_PKGS),$(VMWP_FLAGS))
$(call c-test,vmwp_saved_state,$(call VMWP_TEST,test_saved_state),$(VMWP_PKGS),$(VMWP_FLAGS))
$(call c-test,vmwp_sandbox,tests/unit/vmwp/test_sandbox.c appliance/vmwp/sandbox.c $(STORAGE_SOURCES),libseccomp $(STORAGE_PKGS),-pthread)
