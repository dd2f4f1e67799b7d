# SPDX-License-Identifier: Apache-2.0
$(call c-test,disk,tests/unit/storage/test_disk.c $(STORAGE_SOURCES),$(STORAGE_PKGS),)
$(call c-test,disk-model,tests/unit/storage/test_model.c $(STORAGE_SOURCES),$(STORAGE_PKGS),)
$(call c-test,disk-power-cut,tests/unit/storage/test_power_cut.c tests/unit/storage/power_cut.c $(STORAGE_SOURCES),$(STORAGE_PKGS),)
$(call c-test,disk-merge-cut,tests/unit/storage/test_merge_cut.c tests/unit/storage/power_cut.c $(STORAGE_SOURCES),$(STORAGE_PKGS),)
$(call c-test,disk-hostile,tests/unit/storage/test_hostile.c $(STORAGE_SOURCES),$(STORAGE_PKGS),)
$(call c-test,disk-threads,tests/unit/storage/test_threads.c $(STORAGE_SOURCES),$(STORAGE_PKGS),)
$(call c-test,disk-worker-merge,tests/unit/storage/test_worker_merge.c appliance/vmwp/control/merge.c $(STORAGE_SOURCES) $(wildcard appliance/lib/*.c),jansson libsystemd $(STORAGE_PKGS),)
