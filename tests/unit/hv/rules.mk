# SPDX-License-Identifier: Apache-2.0
# hv's neutral half on the host: the real sources against a fake machine (fake.c) and a shadow of hv/lp.h.
HV_NEUTRAL := $(filter-out hv/hypercall/root.c,$(foreach d,core synic hypercall intercept,$(wildcard hv/$(d)/*.c)))
$(call c-test,hv-partition,tests/unit/hv/test_partition.c tests/unit/hv/fake.c $(HV_NEUTRAL),,-Itests/unit/hv/include -Ihv/include -fno-strict-aliasing)
