# SPDX-License-Identifier: Apache-2.0
VMMS_SOURCES := $(filter-out appliance/vmms/main.c,$(wildcard appliance/vmms/*.c)) $(wildcard appliance/lib/*.c) \
	$(STORAGE_SOURCES) $(DYNMEM_SOURCES)
VMMS_PKGS := jansson libsystemd liburing mbedcrypto
$(call c-program,vmms,appliance/vmms/main.c $(VMMS_SOURCES),$(VMMS_PKGS))
