# SPDX-License-Identifier: Apache-2.0
include $(wildcard tests/unit/*/rules.mk) $(wildcard tests/*/rules.mk)	# in this order: the fuzz targets use what the unit tests name

.PHONY: test-all
test-all: test $(FUZZERS) $(B)/tests/worker-drive	## make test, then the whole matrix of guests and long fuzzing; hours
	TEST_RESULTS=$(B)/test-results tests/guest/linux/run-all.sh
	$(MAKE) test-storage-all
	$(MAKE) test-resources
	tests/boot/run.sh --bochs
	tests/clients/run.sh
	IOMMU=intel-iommu tests/boot/run.sh tests/boot/devices_cannot_reach_hv.sh
	CHURN=10000 SOAK_SECONDS=600 tests/boot/run.sh tests/boot/partitions_leave_nothing_behind.sh tests/boot/machine_stays_up_under_load.sh
	$(MAKE) fuzz-run FUZZ_SECONDS=300
