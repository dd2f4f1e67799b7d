# SPDX-License-Identifier: Apache-2.0
# SCSI units on a disk in memory.
SCSI_SOURCES := $(wildcard appliance/vmwp/vsp/scsi*.c) appliance/vmwp/chipset/mmc.c appliance/vmwp/state.c appliance/vmwp/meters.c
$(call c-test,scsi,tests/unit/storvsp/test_scsi.c tests/unit/storvsp/fake_disk.c $(SCSI_SOURCES),,)
$(call vmbus-test,storvsp,tests/unit/storvsp/test_storvsp.c,,-I.)
