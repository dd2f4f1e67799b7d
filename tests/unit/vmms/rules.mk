# SPDX-License-Identifier: Apache-2.0
$(call c-test,vmms,tests/unit/vmms/test_vmms.c $(VMMS_SOURCES),$(VMMS_PKGS))
$(call c-test,vmms_metrics,tests/unit/vmms/test_rings.c $(VMMS_SOURCES),$(VMMS_PKGS))
