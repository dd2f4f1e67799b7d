# SPDX-License-Identifier: Apache-2.0
include $(wildcard tests/*/rules.mk tests/unit/*/rules.mk)

.PHONY: test-all
test-all: test $(FUZZERS) $(B)/tests/worker-drive	## make test, then the whole matrix of guests and long fuzzing; hours
	tests/guest/linux/run-all.sh
	tests/boot/run.sh --bochs
	$(MAKE) fuzz FUZZ_EXECUTIONS=2000000
