# SPDX-License-Identifier: Apache-2.0
# A library: programs that use it add STORAGE_SOURCES to their sources and STORAGE_PKGS to their packages.
STORAGE_SOURCES := $(filter-out appliance/storage/tool/%,$(wildcard appliance/storage/*.c appliance/storage/*/*.c))
STORAGE_PKGS := liburing
$(call c-program,partita-vdisk,$(wildcard appliance/storage/tool/*.c) $(STORAGE_SOURCES),$(STORAGE_PKGS))
