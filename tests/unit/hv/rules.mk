# SPDX-License-Identifier: Apache-2.0
# hv's neutral half on the host: the real sources against a fake machine (fake.c) and a shadow of hv/lp.h.
HV_NEUTRAL := $(filter-out hv/hypercall/root.c,$(foreach d,core synic hypercall intercept,$(wildcard hv/$(d)/*.c)))
$(call c-test,hv-partition,tests/unit/hv/test_partition.c tests/unit/hv/fake.c $(HV_NEUTRAL),,-Itests/unit/hv/include -Ihv/include -fno-strict-aliasing)

# The IOMMUs on models of their registers.
$(call c-test,hv-iommu,tests/unit/hv/test_iommu.c tests/unit/hv/fake.c $(HV_NEUTRAL) hv/iommu/amd.c hv/iommu/vtd.c,,-Itests/unit/hv/include -Ihv/include -Ihv -fno-strict-aliasing)

# docs/hypercalls.md from the dispatch table; the test fails when it is not current.
HV_DOC := tests/unit/hv/test_hypercalls_doc.c
$(call c-test,hv-hypercalls-doc,$(HV_DOC) tests/unit/hv/fake.c $(HV_NEUTRAL),,-Itests/unit/hv/include -Ihv/include -I$(B)/hv-doc -fno-strict-aliasing)
$(HV_DOC): $(B)/hv-doc/hypercall_names.h
$(B)/hv-doc/hypercall_names.h: hv/include/abi/hv_hypercall.h
	@mkdir -p $(@D)
	sed -n 's/^#define HVCALL_\([A-Z0-9_]*\)[[:space:]]*\(0x[0-9a-f]*\)$$/{ \2, "\1" },/p' $< | grep -v '"CODE_MAX"' | LC_ALL=C sort >$@

.PHONY: hypercalls-doc hv-lines
hypercalls-doc: $(B)/unit/hv-hypercalls-doc	## writes docs/hypercalls.md
	$< print >docs/hypercalls.md
hv-lines:	## lines of code in hv/, per folder
	@hv/count-lines.sh
