# SPDX-License-Identifier: Apache-2.0
$(call c-test,disk,tests/unit/storage/test_disk.c $(STORAGE_SOURCES),$(STORAGE_PKGS),)
$(call c-test,disk-model,tests/unit/storage/test_model.c $(STORAGE_SOURCES),$(STORAGE_PKGS),)
