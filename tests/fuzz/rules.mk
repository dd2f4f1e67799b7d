# SPDX-License-Identifier: Apache-2.0
# Fuzzers: a fake guest against the real server and devices, under ASan and UBSan, deterministic by seed. `make fuzz` runs each for a
# minute; $(call vmbus-fuzz,NAME,SOURCES) adds one: build/fuzz/NAME [EXECUTIONS [SEED]], which prints how many there were.
FUZZ_FLAGS := -std=gnu11 -O1 -g -pipe $(WARNINGS) -D_GNU_SOURCE -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CORE := tests/unit/vmbus/guest.c tests/unit/vmwp/fake_hv.c $(filter-out appliance/hvclient/%,$(VMWP_CORE))
FUZZ_EXECUTIONS ?= 20000

$(B)/fuzz/obj/%.o: %.c $(B)/gen/dsdt.hex
	@mkdir -p $(@D)
	@echo '  cc    $< (sanitized)'
	$(CC) $(FUZZ_FLAGS) $(INCLUDES) -I. -Itests/unit/vmbus $(filter-out -l%,$(VMWP_FLAGS)) $$(pkg-config --cflags $(VMWP_PKGS) cmocka) -MMD -MP -c -o $@ $<

define vmbus-fuzz-rules
FUZZERS += $(B)/fuzz/$(1)
$(B)/fuzz/$(1): $(patsubst %.c,$(B)/fuzz/obj/%.o,$(2) $(FUZZ_CORE))
	@echo '  link  $$@'
	$(CC) $(FUZZ_FLAGS) -o $$@ $$^ $$$$(pkg-config --libs $(VMWP_PKGS) cmocka) $(filter -l%,$(VMWP_FLAGS))
-include $(patsubst %.c,$(B)/fuzz/obj/%.d,$(2) $(FUZZ_CORE))
endef
vmbus-fuzz = $(eval $(call vmbus-fuzz-rules,$(1),$(2)))

$(call vmbus-fuzz,vmbus,tests/fuzz/vmbus.c tests/unit/vmbus/echo.c)
$(call vmbus-fuzz,netvsp,tests/fuzz/netvsp.c tests/unit/net/nic.c)
$(call vmbus-fuzz,storvsp,tests/fuzz/storvsp.c)

.PHONY: fuzz
fuzz: $(FUZZERS)	## every fuzzer for a minute or so
	@for f in $^; do $$f $(FUZZ_EXECUTIONS) || exit 1; done
