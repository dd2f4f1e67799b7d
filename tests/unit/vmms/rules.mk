# SPDX-License-Identifier: Apache-2.0
$(call c-test,vmms,tests/unit/vmms/test_vmms.c $(VMMS_SOURCES),$(VMMS_PKGS))
