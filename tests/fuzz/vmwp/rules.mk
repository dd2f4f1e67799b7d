# SPDX-License-Identifier: Apache-2.0
# Hostile guests against the worker: its real VMBus server and devices without a hypervisor (tests/unit/vmbus, tests/unit/vmwp), or
# one device alone (tests/unit/vsp).
FUZZ_WORKER := tests/unit/vmwp/fake_hv.c $(filter-out appliance/hvclient/%,$(VMWP_CORE))
FUZZ_GUEST := tests/unit/vmbus/guest.c $(FUZZ_WORKER)
FUZZ_VSPS := video keyboard mouse balloon shutdown timesync heartbeat kvp vss fcopy hvsock
worker-fuzz = $(call fuzz-target,$(1),$(2),$(VMWP_PKGS) cmocka,$(VMWP_FLAGS),$(3))

$(foreach t,vmbus vmbus_ring,$(call worker-fuzz,$(t),tests/fuzz/vmwp/vmbus.c tests/unit/vmbus/echo.c $(FUZZ_GUEST),500))
$(foreach t,netvsp rndis net_wire,$(call worker-fuzz,$(t),tests/fuzz/vmwp/netvsp.c tests/unit/net/nic.c $(FUZZ_GUEST),300))
$(call worker-fuzz,storvsp,tests/fuzz/vmwp/storvsp.c $(FUZZ_GUEST),200)
$(foreach t,$(FUZZ_VSPS),$(call fuzz-target,$(t),tests/fuzz/vmwp/vsp.c $(VSP_TEST) $(VSP_SOURCES),,,1000))
$(foreach t,ide vga timers interrupts serial_ps2 fw_cfg flash pci,$(call worker-fuzz,$(t),tests/fuzz/vmwp/chipset.c $(FUZZ_WORKER),500))
$(call worker-fuzz,vp_exits,tests/fuzz/vmwp/vp_exits.c $(FUZZ_WORKER),2000)
$(call fuzz-target,emulator,tests/fuzz/vmwp/emulator.c $(addprefix appliance/vmwp/vp/,emulator.c strings.c alu.c),,-lZydis,20000)
$(foreach t,scsi_disk scsi_dvd,$(call fuzz-target,$(t),tests/fuzz/vmwp/scsi.c tests/unit/storvsp/fake_disk.c $(SCSI_SOURCES),,,2000))
$(call worker-fuzz,viewer,tests/fuzz/vmwp/viewer.c $(FUZZ_WORKER),1000)
