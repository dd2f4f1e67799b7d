# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: LLVMFuzzerTestOneInput, clang, libFuzzer, ASan and UBSan. $(call fuzz-target,NAME,SOURCES,PACKAGES,FLAGS,RUNS) makes
# $(B)/fuzz/NAME. The first source is the target's own and knows its name as FUZZ_TARGET; RUNS is how many inputs `make check` tries
# after the kept ones. Each has a row in README.md and a file corpus/NAME.
FUZZ_CC := clang
FUZZ_CFLAGS := -std=gnu11 -O1 -gline-tables-only -gdwarf-4 -fno-omit-frame-pointer -pipe -w -D_GNU_SOURCE \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_LDFLAGS := -fsanitize=fuzzer,address,undefined

define fuzz-object-rule
ifndef have-fuzz-$(1)
have-fuzz-$(1) := 1
$(B)/fuzz/obj/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	@echo '  cc    $$< (fuzz)'
	$(FUZZ_CC) $(FUZZ_CFLAGS) $(INCLUDES) -I. $(2) -MMD -MP -c -o $$@ $$<
endif
endef
# NAME,SOURCES,PACKAGES,FLAGS,RUNS,COMPILE FLAGS
define fuzz-target-rules
$(call fuzz-object-rule,$(call c-key,$(6)),$(6))
FUZZERS += $(B)/fuzz/$(1)
UNIT_TESTS += $(B)/unit/fuzz-$(1)
$(B)/unit/fuzz-$(1): $(B)/fuzz/$(1) tests/fuzz/run.py $(wildcard tests/fuzz/corpus/$(1))
	@mkdir -p $$(@D)
	@printf '#!/bin/sh\nexec %s check %s %s %s\n' '$(abspath tests/fuzz/run.py)' '$(abspath $(B))/fuzz' '$(1)' '$(5)' >$$@
	@chmod +x $$@
$(B)/fuzz/$(1).o: $(firstword $(2)) $(DSDT_HEX)
	@mkdir -p $$(@D)
	@echo '  cc    $$< (fuzz $(1))'
	$(FUZZ_CC) $(FUZZ_CFLAGS) -DFUZZ_TARGET='"$(1)"' $(INCLUDES) -I. $(6) -MMD -MP -c -o $$@ $$<
$(B)/fuzz/$(1): $(B)/fuzz/$(1).o $(patsubst %.c,$(B)/fuzz/obj/$(call c-key,$(6))/%.o,tests/fuzz/input.c $(wordlist 2,1000,$(2)))
	@echo '  link  $$@'
	$(FUZZ_CC) $(FUZZ_LDFLAGS) -o $$@ $$^ $(if $(strip $(3)),$$$$(pkg-config --libs $(3))) $(filter -l%,$(4))
	@echo '$(2)' >$$@.sources
-include $(B)/fuzz/$(1).d $(patsubst %.c,$(B)/fuzz/obj/$(call c-key,$(6))/%.d,$(wordlist 2,1000,$(2)))
endef
fuzz-target = $(eval $(call fuzz-target-rules,$(1),$(2),$(3),$(4),$(or $(strip $(5)),20000),$(call c-flags,$(3),$(4))))

include $(wildcard tests/fuzz/*/rules.mk)

UNIT_TESTS += $(B)/unit/fuzz-table
$(B)/unit/fuzz-table: $(FUZZERS) tests/fuzz/run.py
	@printf '#!/bin/sh\nexec %s table %s %s\n' '$(abspath tests/fuzz/run.py)' '$(abspath $(B))/fuzz' '$(notdir $(FUZZERS))' >$@
	@chmod +x $@

.PHONY: fuzz fuzz-run fuzz-keep
FUZZ_SECONDS ?= 60
FUZZ ?= $(notdir $(FUZZERS))
fuzz: $(FUZZERS)	## builds every fuzz target
fuzz-run: $(FUZZ:%=$(B)/fuzz/%)	## each fuzz target, or FUZZ="NAME…", for FUZZ_SECONDS; executions and coverage
	@tests/fuzz/run.py run $(B)/fuzz $(FUZZ_SECONDS) $(FUZZ)
fuzz-keep: $(FUZZ:%=$(B)/fuzz/%)	## the best small inputs of those runs into tests/fuzz/corpus
	@tests/fuzz/run.py keep $(B)/fuzz $(FUZZ)
