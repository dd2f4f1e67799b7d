# SPDX-License-Identifier: Apache-2.0
# hv's neutral half on the machine of tests/unit/hv; hv/boot on memory of which the low 4 GiB are there (include/arch/x86/machine.h).
FUZZ_HV_FLAGS := -Itests/unit/hv/include -Itests/unit/hv -Ihv/include -Ihv -fno-strict-aliasing -fno-sanitize=alignment,function
FUZZ_HV := tests/unit/hv/fake.c $(HV_NEUTRAL)
FUZZ_BOOT_FLAGS := -Itests/fuzz/hv/include $(FUZZ_HV_FLAGS) -fno-builtin
$(call fuzz-target,hv_partition,tests/fuzz/hv/partition.c tests/fuzz/hv/child.c $(FUZZ_HV),cmocka,$(FUZZ_HV_FLAGS),2000)
$(call fuzz-target,hv_exits,tests/fuzz/hv/exits.c tests/fuzz/hv/child.c $(FUZZ_HV),cmocka,$(FUZZ_HV_FLAGS),2000)
$(call fuzz-target,hv_decode,tests/fuzz/hv/decode.c hv/intercept/decode.c,,$(FUZZ_HV_FLAGS) -lZydis,200000)
$(call fuzz-target,hv_iommu,tests/fuzz/hv/iommu.c $(FUZZ_HV) hv/iommu/amd.c hv/iommu/vtd.c,cmocka,$(FUZZ_HV_FLAGS),2000)
$(call fuzz-target,hv_acpi,tests/fuzz/hv/acpi.c tests/fuzz/hv/low_memory.c hv/boot/acpi.c,,$(FUZZ_BOOT_FLAGS),5000)
$(call fuzz-target,hv_multiboot,tests/fuzz/hv/multiboot.c tests/fuzz/hv/low_memory.c hv/boot/multiboot.c hv/boot/memory_map.c hv/boot/options.c,,$(FUZZ_BOOT_FLAGS),5000)
